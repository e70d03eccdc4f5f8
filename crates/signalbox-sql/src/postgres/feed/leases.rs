//! Who has a feed, and until when.

use signalbox_store::feed::{FeedLease, Term};
use sqlx::{PgConnection, PgExecutor};

/// Raises the feed's epoch for the term's holder, and waits for what the earlier one has in hand. `None`: another's
/// term runs, and it is not to be taken from them; that answer waits for nobody.
pub(super) async fn raise(
    connection: &mut PgConnection,
    feed: &str,
    term: Term<'_>,
    from_anybody: bool,
) -> Result<Option<FeedLease>, sqlx::Error> {
    // ON CONFLICT alone would use a number up each time somebody asks, and there are two thousand million.
    sqlx::query(
        "INSERT INTO feed (name, epoch) SELECT $1, 0 WHERE NOT EXISTS (SELECT FROM feed WHERE name = $1)
         ON CONFLICT DO NOTHING",
    )
    .bind(feed)
    .execute(&mut *connection)
    .await?;
    // Of two who ask at once, the second waits for the first one's row and compares again.
    let epoch: Option<i64> = sqlx::query_scalar(
        "UPDATE feed SET epoch = epoch + 1, holder = $2, held_until_ms = $3
         WHERE name = $1 AND ($4 OR holder IS NULL OR holder = $2 OR held_until_ms <= $5)
         RETURNING epoch",
    )
    .bind(feed)
    .bind(term.holder)
    .bind(term.until_ms)
    .bind(from_anybody)
    .bind(term.now_ms)
    .fetch_optional(connection)
    .await?;
    Ok(epoch.map(|epoch| FeedLease { feed: feed.to_owned(), epoch: epoch as u64 }))
}

/// How many feeds the holder has.
pub(super) async fn keep(
    executor: impl PgExecutor<'_>,
    holder: &str,
    until_ms: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("UPDATE feed SET held_until_ms = greatest(held_until_ms, $1) WHERE holder = $2")
        .bind(until_ms)
        .bind(holder)
        .execute(executor)
        .await?;
    Ok(done.rows_affected())
}

pub(super) async fn let_go(executor: impl PgExecutor<'_>, holder: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE feed SET holder = NULL, held_until_ms = NULL WHERE holder = $1")
        .bind(holder)
        .execute(executor)
        .await?;
    Ok(())
}
