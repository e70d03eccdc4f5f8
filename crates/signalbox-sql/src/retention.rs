//! What is forgotten after a while: what both stores say of it.

/// Closed runs of a feed ($1, its name $3) that were opened before $2, but for the last, the last of a
/// payload (its rejects are on screen), the last accepted, the one that is read again when the mapping changes, and those
/// that a person was asked about and that are not over.
pub(crate) const RUNS: &str = "DELETE FROM run WHERE feed = $1 AND outcome IS NOT NULL AND opened_ms < $2
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
pub(crate) const HOLDS: &str =
    "DELETE FROM hold WHERE feed = $1 AND since_ms < $2 AND state IN ('superseded', 'done')";

/// Entries that were written before $1 and are settled. A dead one waits for a person.
pub(crate) const SETTLED: &str = "DELETE FROM outbox WHERE created_ms < $1
     AND state IN ('delivered', 'superseded', 'withheld', 'bundled')";

/// What runs were opened for.
pub(crate) const PAYLOADS: &str = "SELECT DISTINCT payload FROM run WHERE payload <> ''";
