//! What is forgotten after a while: what both stores say of it.

/// Entries that were written before $1 and are settled. A dead one waits for a person.
pub(crate) const SETTLED: &str = "DELETE FROM outbox WHERE created_ms < $1
     AND state IN ('delivered', 'superseded', 'withheld', 'bundled')";
