//! Who has a feed, and until when.

use signalbox_store::feed::{FeedLease, Term};
use sqlx::SqliteExecutor;

/// Raises the feed's epoch for the term's holder. `None`: another's term runs, and it is not to be taken from them.
pub(super) async fn raise(
    executor: impl SqliteExecutor<'_>,
    feed: &str,
    term: Term<'_>,
    from_anybody: bool,
) -> Result<Option<FeedLease>, sqlx::Error> {
    let epoch: Option<i64> = sqlx::query_scalar(
        "INSERT INTO feed (name, epoch, holder, held_until_ms) VALUES (?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET
             epoch = epoch + 1, holder = excluded.holder, held_until_ms = excluded.held_until_ms
         WHERE ? OR holder IS NULL OR holder = excluded.holder OR held_until_ms <= ?
         RETURNING epoch",
    )
    .bind(feed)
    .bind(term.holder)
    .bind(term.until_ms)
    .bind(from_anybody)
    .bind(term.now_ms)
    .fetch_optional(executor)
    .await?;
    Ok(epoch.map(|epoch| FeedLease { feed: feed.to_owned(), epoch: epoch as u64 }))
}

/// How many feeds the holder has.
pub(super) async fn keep(
    executor: impl SqliteExecutor<'_>,
    holder: &str,
    until_ms: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("UPDATE feed SET held_until_ms = max(held_until_ms, ?) WHERE holder = ?")
        .bind(until_ms)
        .bind(holder)
        .execute(executor)
        .await?;
    Ok(done.rows_affected())
}

pub(super) async fn let_go(executor: impl SqliteExecutor<'_>, holder: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE feed SET holder = NULL, held_until_ms = NULL WHERE holder = ?")
        .bind(holder)
        .execute(executor)
        .await?;
    Ok(())
}
