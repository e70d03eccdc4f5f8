//! A feed with all that is remembered of it, removed.

use signalbox_store::StoreError;

use crate::engine::{Connection, values};

/// What names a feed by its number, in the order of who points to whom; the feed itself comes last.
const BY_NUMBER: [&str; 5] = [
    "DELETE FROM ledger_page WHERE ledger IN (SELECT id FROM ledger WHERE feed = $1)",
    "DELETE FROM ledger WHERE feed = $1",
    "DELETE FROM run WHERE feed = $1",
    "DELETE FROM mark WHERE feed = $1",
    "DELETE FROM feed WHERE id = $1",
];
/// What names a feed by its name.
const BY_NAME: [&str; 3] = [
    "DELETE FROM hold WHERE feed = $1",
    "DELETE FROM reject_group WHERE feed = $1",
    "DELETE FROM reject WHERE feed = $1",
];

pub(super) async fn feed(connection: &mut impl Connection, feed: i64, name: &str) -> Result<(), StoreError> {
    for delete in BY_NAME {
        connection.execute(delete, &values![name]).await?;
    }
    for delete in BY_NUMBER {
        connection.execute(delete, &values![feed]).await?;
    }
    Ok(())
}
