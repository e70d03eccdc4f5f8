//! States page by page.

use signalbox_store::StoreError;
use signalbox_store::state::{StateRow, Subject};

use crate::engine::{Connection, values};
use crate::stored::{Column, limit, state_row};

/// The first subjects that are due, of a consumer that is known by its number.
pub(crate) async fn due(
    reader: &mut impl Connection,
    consumer: i64,
    shard: u32,
    now_ms: i64,
    max: usize,
) -> Result<Vec<Subject>, StoreError> {
    let select = "SELECT subject FROM state WHERE consumer = $1 AND shard = $2 AND due_ms <= $3
         ORDER BY due_ms, subject LIMIT $4 + 0";
    let given = values![consumer, i64::from(shard), now_ms, limit(max)];
    reader.rows(select, &given, |row| row.column("subject")).await
}

/// Up to `max` states after `after`.
pub(crate) async fn scan(
    reader: &mut impl Connection,
    consumer: &str,
    shard: u32,
    after: Option<&Subject>,
    max: usize,
) -> Result<Vec<StateRow>, StoreError> {
    // No subject is null, and the empty one is not after itself: the first page needs a test of its own.
    let select = "SELECT subject, state, due_ms FROM state
         WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND shard = $2
           AND subject >= $3 AND (subject > $3 OR $4)
         ORDER BY subject LIMIT $5 + 0";
    let from = after.map_or(&[][..], Vec::as_slice);
    let given = values![consumer, i64::from(shard), from, after.is_none(), limit(max)];
    reader.rows(select, &given, state_row).await
}
