//! What a person sends once more, but for what is over or not to be sent.

use signalbox_store::StoreError;
use signalbox_store::outbox::{Again, TO_LOG};
use uuid::Uuid;

use super::amending::take_apart;
use crate::engine::{Connection, values};
use crate::stored::Column;

/// How many it made due.
pub(super) async fn resend(
    connection: &mut impl Connection,
    which: Again<'_>,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let (id, target) = match which {
        Again::Entry(id) => (Some(id), None),
        Again::Target(target) => (None, Some(target)),
    };
    let mut made_due = 0;
    for bundle in losing_parts(connection, id, target).await? {
        made_due += u64::from(take_apart(connection, bundle, now_ms).await?);
        if id == Some(bundle) {
            return Ok(made_due);
        }
    }
    let update = "UPDATE outbox SET state = 'pending', next_try_ms = $1, tried_before = attempts
         WHERE NOT part AND (NOT is_over AND held IS NULL OR state = 'pending') AND target <> $2
           AND (id = $3 AND state IN ('pending', 'delivered', 'dead')
                OR target = $4 AND state IN ('pending', 'dead'))";
    Ok(made_due + connection.execute(update, &values![now_ms, TO_LOG, id, target]).await?)
}

/// The bundles meant of which a part is over or not to be sent, unless they wait.
async fn losing_parts(
    connection: &mut impl Connection,
    id: Option<Uuid>,
    target: Option<&str>,
) -> Result<Vec<Uuid>, StoreError> {
    let select = "SELECT DISTINCT bundled_into FROM outbox
         WHERE state = 'bundled' AND (is_over OR held IS NOT NULL) AND bundled_into IN (
             SELECT id FROM outbox
             WHERE id = $1 AND state IN ('delivered', 'dead') OR target = $2 AND state = 'dead')";
    connection.rows(select, &values![id, target], |row| row.column("bundled_into")).await
}
