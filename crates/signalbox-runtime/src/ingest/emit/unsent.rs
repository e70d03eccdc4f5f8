//! What a process recorded in the ledger and may not have published when it died: it is published again before anything
//! else happens to the run, whatever became of the configuration meanwhile. Whoever heard it already hears a repetition.

use signalbox_store::feed::{FeedLease, LedgerKey, LedgerStatus, Run, Unsent};

use super::Emitter;
use crate::hub::{Hub, HubError};
use crate::ingest::identity::Resolver;
use crate::ingest::row::Slot;
use crate::ingest::run::id_system;

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
            emitter.again(slot.entity, scope.school_year, row).await?;
        }
        after = rows.last().map(|row| row.key);
        if after.is_none_or(|key| key >= last) {
            return emitter.flush().await;
        }
    }
}

/// The key before this one. `None`: it is the first.
fn before(key: LedgerKey) -> Option<LedgerKey> {
    u128::from_be_bytes(key).checked_sub(1).map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_before_it() {
        let key = |first: u8, last: u8| {
            let mut key = [0; 16];
            (key[0], key[15]) = (first, last);
            key
        };
        assert_eq!(before(key(0, 0)), None);
        assert_eq!(before(key(3, 1)), Some(key(3, 0)));
        let mut carried = [255; 16];
        carried[0] = 2;
        assert_eq!(before(key(3, 0)), Some(carried));
    }
}
