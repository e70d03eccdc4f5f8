//! What a process recorded in the ledger and may not have published when it died: it is published again before anything
//! else happens to the run, whatever became of the configuration meanwhile. Whoever heard it already hears a repetition.

use signalbox_hub::{Hub, HubError};
use signalbox_store::feed::{FeedLease, LedgerStatus, Run, Unsent, before};

use super::Emitter;
use crate::identity::Resolver;
use crate::row::Slot;
use crate::run::id_system;

const PAGE: usize = 5_000;

/// Publishes the rows that an open run names.
pub(crate) async fn send_again(
    hub: &Hub,
    lease: &FeedLease,
    run: &Run,
    resolver: &Resolver,
) -> Result<(), HubError> {
    let Some(Unsent { scope, first, last }) = run.unsent else { return Ok(()) };
    // Rows that wait are published by nobody.
    let Some(slot) = Slot::all().find(|slot| slot.scope(0).entity == scope.entity && !slot.waits) else {
        return Ok(());
    };
    let mut emitter = Emitter::new(hub, lease, run, resolver, id_system(hub));
    let mut after = before(first);
    loop {
        let rows = hub.feeds.ledger(&run.feed, scope, after.as_ref(), PAGE).await?;
        for row in rows.iter().filter(|row| row.key <= last && row.status != LedgerStatus::Unmatched) {
            emitter.again(slot.entity, scope.school_year, row)?;
        }
        emitter.flush().await?;
        after = rows.last().map(|row| row.key);
        if after.is_none_or(|key| key >= last) {
            return Ok(());
        }
    }
}
