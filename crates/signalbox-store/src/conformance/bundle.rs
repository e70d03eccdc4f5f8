//! What every [`Outbox`] promises of entries that are not sent as they were written.

use super::outbox::{HOLD_MS, TARGET, all, claim, claimed, entry, id, ids, part, states, taking_back, write};
use crate::outbox::EntryState::{Bundled, Pending, Withheld};
use crate::outbox::{Bundle, NewEntry, WithheldBecause};
use crate::{Outbox, StateStore};

pub async fn withheld_entries_are_never_claimed(store: &(impl StateStore + Outbox)) {
    let withheld = NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(1, "lane") };
    let withheld_part = NewEntry { withheld: Some(WithheldBecause::InTest), part: true, ..entry(2, "lane") };
    write(store, [withheld, withheld_part, entry(3, "lane")]).await;
    assert_eq!(claimed(&claim(store, 0).await), [3], "it does not hold its lane up either");
    assert_eq!(claimed(&claim(store, 9 * HOLD_MS).await), [3]);
    assert_eq!(store.parts(TARGET).await.expect("reads"), []);
    let entries = all(store).await;
    assert_eq!((entries[0].state, entries[0].next_try_ms), (Withheld, None));
}

pub async fn parts_are_never_claimed(store: &(impl StateStore + Outbox)) {
    let elsewhere = NewEntry { target: "another".into(), ..part(4) };
    write(store, [part(2), part(1), entry(3, "lane"), elsewhere]).await;
    assert_eq!(claimed(&claim(store, 0).await), [3], "parts do not hold their lane up");
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [2, 1]);
}

pub async fn a_bundle_replaces_its_parts(store: &(impl StateStore + Outbox)) {
    write(store, [part(1), part(2), part(3)]).await;
    let parts = [id(1), id(2)];
    assert!(store.bundle(&[bundle_of(&parts, 10)]).await.expect("bundles"));
    let before = all(store).await;
    assert!(!store.bundle(&[bundle_of(&parts, 10)]).await.expect("answers"), "a second time writes nothing");
    assert_eq!(all(store).await, before);

    assert_eq!(states(store).await, [Bundled, Bundled, Pending, Pending]);
    assert_eq!(before[0].next_try_ms, None);
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [3]);
    assert_eq!(claimed(&claim(store, 0).await), [10]);
}

pub async fn a_bundle_with_a_settled_part_writes_nothing(store: &(impl StateStore + Outbox)) {
    write(store, [part(1), part(2), taking_back(3, 2), entry(4, "lane")]).await;
    let before = all(store).await;
    for not_a_pending_part in [2, 4, 99] {
        let parts = [id(1), id(not_a_pending_part)];
        assert!(!store.bundle(&[bundle_of(&parts, 10)]).await.expect("answers"));
    }
    assert_eq!(all(store).await, before);
}

/// Else the parts would vanish in an entry that does not speak of them.
pub async fn a_bundle_whose_id_is_there_writes_nothing(store: &(impl StateStore + Outbox)) {
    write(store, [part(1), entry(10, "lane")]).await;
    let before = all(store).await;
    assert!(!store.bundle(&[bundle_of(&[id(1)], 10)]).await.expect("answers"));
    assert_eq!(all(store).await, before);
}

/// A list that goes out in several messages is whole, or not there.
pub async fn bundles_are_written_together(store: &(impl StateStore + Outbox)) {
    write(store, [part(1), part(2), entry(4, "lane")]).await;
    let before = all(store).await;
    let (good, bad) = (bundle_of(&[id(1)], 10), bundle_of(&[id(4)], 11));
    assert!(!store.bundle(&[good.clone(), bad]).await.expect("answers"));
    assert_eq!(all(store).await, before);
    assert!(store.bundle(&[good, bundle_of(&[id(2)], 11)]).await.expect("bundles"));
    assert_eq!(states(store).await, [Bundled, Bundled, Pending, Pending, Pending]);
}

fn bundle_of(parts: &[uuid::Uuid], into: u128) -> Bundle {
    Bundle { parts: parts.to_vec(), into: entry(into, "lane") }
}
