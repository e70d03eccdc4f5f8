//! Who has a feed, and until when.

use signalbox_store::StoreError;
use signalbox_store::feed::{FeedLease, Term};

use crate::engine::{Connection, values};
use crate::stored::StoredRow;

/// Raises the feed's epoch for the term's holder, and waits for what the earlier one has in hand. `None`: another's
/// term runs, and it is not to be taken from them; that answer waits for nobody.
pub(super) async fn raise(
    connection: &mut impl Connection,
    feed: &str,
    term: Term<'_>,
    from_anybody: bool,
) -> Result<Option<FeedLease>, StoreError> {
    // ON CONFLICT alone would use one of PostgreSQL's numbers up each time somebody asks, and there are two thousand
    // million.
    let insert =
        "INSERT INTO feed (name, epoch) SELECT $1, 0 WHERE NOT EXISTS (SELECT 1 FROM feed WHERE name = $1)
         ON CONFLICT DO NOTHING";
    connection.execute(insert, &values![feed]).await?;
    // Of two who ask at once, the second waits for the first one's row and compares again.
    let raise = "UPDATE feed SET epoch = epoch + 1, holder = $2, held_until_ms = $3
         WHERE name = $1 AND ($4 OR holder IS NULL OR holder = $2 OR held_until_ms <= $5)
         RETURNING epoch";
    let given = values![feed, term.holder, term.until_ms, from_anybody, term.now_ms];
    let epoch = connection.row(raise, &given, |row| row.count("epoch")).await?;
    Ok(epoch.map(|epoch| FeedLease { feed: feed.to_owned(), epoch }))
}

/// How many feeds the holder has. No term becomes shorter.
pub(super) async fn keep(
    connection: &mut impl Connection,
    holder: &str,
    until_ms: i64,
) -> Result<u64, StoreError> {
    let keep = "UPDATE feed SET held_until_ms = CASE WHEN held_until_ms > $1 THEN held_until_ms ELSE $1 END
         WHERE holder = $2";
    connection.execute(keep, &values![until_ms, holder]).await
}

pub(super) async fn let_go(connection: &mut impl Connection, holder: &str) -> Result<(), StoreError> {
    let let_go = "UPDATE feed SET holder = NULL, held_until_ms = NULL WHERE holder = $1";
    connection.execute(let_go, &values![holder]).await?;
    Ok(())
}
