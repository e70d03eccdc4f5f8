//! Claiming what is ready of a target's [`Front`].

use signalbox_store::StoreError;
use signalbox_store::outbox::{Claim, Front, TO_LOG};
use sqlx::PgConnection;

use crate::engine::{Connection, values};
use crate::states::outbox::claim_row;
use crate::stored::limit;

/// Entries looked at in one query, for each that is wanted: most stand in a lane of their own.
const LOOKED_AT: usize = 2;

/// Until the transaction's end, nobody else claims entries of the target. A statement of its own, because the claim
/// must see what the one before it wrote.
pub(super) async fn alone(connection: &mut PgConnection, target: &str) -> Result<(), StoreError> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' claims ' || $1, 0))";
    connection.execute(lock, &values![target]).await?;
    Ok(())
}

/// Until the transaction's end, nobody else changes entries that several may change.
pub(super) async fn take_turns(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' changes', 0))";
    sqlx::query(lock).execute(connection).await.map(drop)
}

/// In no promised order.
pub(super) async fn take(
    connection: &mut PgConnection,
    target: &str,
    now_ms: i64,
    hold_ms: i64,
    max: usize,
) -> Result<Vec<Claim>, sqlx::Error> {
    let ready = ready(connection, target, now_ms, max).await?;
    if ready.is_empty() {
        return Ok(Vec::new());
    }
    // Of what goes to the log nothing is changed by others.
    if target != TO_LOG {
        take_turns(connection).await?;
    }
    // What makes an entry ready is asked twice: a batch may take an entry back while the update waits for its row.
    let rows = sqlx::query(
        "UPDATE outbox SET attempts = attempts + 1, claimed_until_ms = $1
         WHERE seq = ANY ($2) AND state = 'pending' AND next_try_ms <= $3
           AND (claimed_until_ms IS NULL OR claimed_until_ms <= $3)
         RETURNING *",
    )
    .bind(now_ms.saturating_add(hold_ms))
    .bind(ready)
    .bind(now_ms)
    .fetch_all(connection)
    .await?;
    rows.iter().map(claim_row).collect()
}

/// The numbers of up to `max` entries that may be claimed. Lanes are told apart here: as a join, it would depend on
/// what the database knows of a table that was empty a minute ago.
async fn ready(
    connection: &mut PgConnection,
    target: &str,
    now_ms: i64,
    max: usize,
) -> Result<Vec<i64>, sqlx::Error> {
    let page = max.max(1).saturating_mul(LOOKED_AT);
    let (mut front, mut ready, mut after) = (Front::default(), Vec::new(), 0);
    loop {
        let standing = in_lanes(connection, target, now_ms, after, page).await?;
        let is_last = standing.len() < page;
        for (seq, lane, is_ready) in standing {
            if front.admits(&lane, target) && is_ready {
                ready.push(seq);
            }
            if front.is_closed() || ready.len() == max {
                return Ok(ready);
            }
            after = seq;
        }
        if is_last {
            return Ok(ready);
        }
    }
}

/// Entries after `after` that stand in their lanes ([`Entry::stands_in_lane`](signalbox_store::outbox::Entry)): number,
/// lane, and whether nothing but the lane is in the way.
async fn in_lanes(
    connection: &mut PgConnection,
    target: &str,
    now_ms: i64,
    after: i64,
    max: usize,
) -> Result<Vec<(i64, String, bool)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT seq, lane, next_try_ms <= $2 AND (claimed_until_ms IS NULL OR claimed_until_ms <= $2)
         FROM outbox WHERE state = 'pending' AND NOT part AND target = $1 AND seq > $3
         ORDER BY seq LIMIT $4",
    )
    .bind(target)
    .bind(now_ms)
    .bind(after)
    .bind(limit(max))
    .fetch_all(connection)
    .await
}
