//! A feed with all that is remembered of it, removed.

use sqlx::SqliteConnection;

/// What names a feed by its number, in the order of who points to whom; the feed itself comes last.
const BY_NUMBER: [&str; 5] = [
    "DELETE FROM ledger_page WHERE ledger IN (SELECT id FROM ledger WHERE feed = ?)",
    "DELETE FROM ledger WHERE feed = ?",
    "DELETE FROM run WHERE feed = ?",
    "DELETE FROM mark WHERE feed = ?",
    "DELETE FROM feed WHERE id = ?",
];
/// What names a feed by its name.
const BY_NAME: [&str; 3] = [
    "DELETE FROM hold WHERE feed = ?",
    "DELETE FROM reject_group WHERE feed = ?",
    "DELETE FROM reject WHERE feed = ?",
];

pub(super) async fn feed(
    connection: &mut SqliteConnection,
    feed: i64,
    name: &str,
) -> Result<(), sqlx::Error> {
    for delete in BY_NAME {
        sqlx::query(delete).bind(name).execute(&mut *connection).await?;
    }
    for delete in BY_NUMBER {
        sqlx::query(delete).bind(feed).execute(&mut *connection).await?;
    }
    Ok(())
}
