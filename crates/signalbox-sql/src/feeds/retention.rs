//! What is forgotten of a feed after a while.

use signalbox_store::StoreError;

use crate::engine::{Connection, values};

/// Closed runs of a feed ($1, its name $3) that were opened before $2, but for the last, the last of a
/// payload (its rejects are on screen), the last accepted, the one that is read again when the mapping changes, and those
/// that a person was asked about and that are not over.
const RUNS: &str = "DELETE FROM run WHERE feed = $1 AND outcome IS NOT NULL AND opened_ms < $2
     AND number NOT IN (SELECT run FROM hold WHERE hold.feed = $3 AND state IN ('waiting', 'approved', 'refused'))
     AND number NOT IN (SELECT coalesce(max(number), 0) FROM run WHERE feed = $1 AND outcome IS NOT NULL)
     AND number NOT IN (SELECT coalesce(max(number), 0) FROM run
                        WHERE feed = $1 AND outcome IS NOT NULL AND payload <> '')
     AND number NOT IN (SELECT coalesce(max(number), 0) FROM run
                        WHERE feed = $1 AND payload <> '' AND outcome = 'accepted')
     AND number NOT IN (SELECT coalesce(max(number), 0) FROM run
                        WHERE feed = $1 AND payload <> '' AND outcome IN ('accepted', 'held')
                        AND NOT (outcome = 'held' AND EXISTS (
                            SELECT 1 FROM hold WHERE hold.feed = $3 AND hold.run = number AND state = 'refused')))";

/// Holds of a feed ($1) that are over, opened before $2.
const HOLDS: &str = "DELETE FROM hold WHERE feed = $1 AND since_ms < $2 AND state IN ('superseded', 'done')";

pub(super) async fn prune(
    connection: &mut impl Connection,
    feed: i64,
    name: &str,
    before_ms: i64,
) -> Result<(), StoreError> {
    connection.execute(RUNS, &values![feed, before_ms, name]).await?;
    connection.execute(HOLDS, &values![name, before_ms]).await?;
    Ok(())
}
