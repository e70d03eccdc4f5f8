//! What every [`Outbox`] promises of entries; claims, bundles, withdrawals and sending again have suites of their
//! own. Entries are written the only way there is: with a state batch.

use uuid::Uuid;

use crate::outbox::EntryState::{self, Pending, Superseded};
use crate::outbox::{Claim, EndOf, Entry, NewEntry, Settled, Tally, WithheldBecause};
use crate::state::Batch;
use crate::{Outbox, StateStore};

/// One test per promise of [`Outbox`]; the store must be a [`StateStore`] too.
#[macro_export]
macro_rules! outbox_conformance {
    ($make:expr) => {
        mod outbox_conformance {
            use super::*;
            $crate::conformance_cases! { outbox, $make,
                an_entry_comes_back_as_written
                the_same_id_again_changes_nothing
                entries_page_in_the_order_of_writing
                many_entries_keep_their_order
                what_waits_is_read_by_its_target
                entries_are_tallied_by_how_they_stand
                what_is_settled_is_pruned
            }
        }
        mod claim_conformance {
            use super::*;
            $crate::conformance_cases! { claim, $make,
                a_lane_has_one_live_claim
                lanes_go_on_beside_each_other
                a_claim_takes_up_to_max
                targets_are_apart
                an_attempt_is_counted_before_the_call
                why_it_was_not_taken_is_kept
                what_was_not_sent_counts_as_no_try
                a_target_that_is_back_is_told_at_once
                a_claim_lapses_after_its_hold
                a_lapsed_claim_that_nobody_took_settles
                a_retaken_claim_settles_nothing
                a_claim_settles_once
                a_long_lane_holds_up_no_other
                claims_settle_together_except_those_that_ran_out
                a_retry_waits_and_holds_its_lane_up
                a_dead_entry_frees_its_lane
                a_list_for_the_recipient_holds_up_what_comes_after
                release_lets_claims_lapse
            }
        }
        mod again_conformance {
            use super::*;
            $crate::conformance_cases! { again, $make,
                what_a_person_sends_again_is_due_with_all_its_tries
                what_is_over_is_not_sent_again
                what_was_given_up_is_superseded_by_its_end
                what_is_withheld_later_is_not_sent_until_it_is_to_be
                what_is_amended_while_it_is_claimed_is_settled_if_it_arrived
                what_was_withheld_before_it_was_sent_meets_its_withdrawal
                what_is_over_without_an_end_is_not_sent
                the_end_of_what_nobody_tried_is_not_sent_either
                a_list_of_the_same_parts_is_the_same
                a_part_of_a_list_that_nobody_tried_meets_its_withdrawal
                what_is_withheld_of_a_list_is_not_sent_again
                a_list_is_made_anew_without_what_is_over
                a_list_of_which_all_is_over_is_not_sent_again
                a_list_that_nothing_ended_of_goes_out_under_its_id
                a_part_that_waits_again_is_superseded_by_its_end
                a_part_of_a_list_that_reached_nobody_meets_its_end
                a_list_loses_what_is_withheld_or_over
                parts_of_what_was_given_up_are_not_pruned
                many_hold_back_parts_of_one_list_at_once
            }
        }
        mod bundle_conformance {
            use super::*;
            $crate::conformance_cases! { bundle, $make,
                withheld_entries_are_never_claimed
                parts_are_never_claimed
                a_bundle_replaces_its_parts
                a_bundle_with_a_settled_part_writes_nothing
                a_bundle_whose_id_is_there_writes_nothing
                bundles_are_written_together
            }
        }
        mod withdrawal_conformance {
            use super::*;
            $crate::conformance_cases! { withdrawal, $make,
                a_raise_and_its_withdrawal_meet
                parts_that_meet_are_both_superseded
                a_withdrawal_after_an_attempt_is_sent
                a_withdrawal_of_what_never_left_stays_as_given
                a_repeated_withdrawal_changes_nothing
                what_was_not_sent_meets_its_withdrawal
                what_reached_nobody_meets_its_end
                an_end_goes_after_what_waits_by_itself
            }
        }
    };
}

pub async fn an_entry_comes_back_as_written(store: &(impl StateStore + Outbox)) {
    let new = NewEntry { flag_id: Some(id(9)), body: vec![0, 255, 7], created_ms: 123, ..entry(1, "lane") };
    write(store, [new.clone()]).await;
    let expected = Entry {
        seq: all(store).await[0].seq,
        id: new.id,
        target: new.target,
        lane: new.lane,
        kind: new.kind,
        flag_id: new.flag_id,
        body: new.body,
        created_ms: 123,
        part: false,
        state: Pending,
        attempts: 0,
        next_try_ms: Some(123),
        last_error: None,
        tried_before: 0,
    };
    assert_eq!(all(store).await, [expected]);
}

pub async fn the_same_id_again_changes_nothing(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    settle(store, &claim(store, 0).await[0], Settled::Delivered).await;
    let before = all(store).await;

    let again = || NewEntry { body: vec![9], lane: "elsewhere".into(), ..entry(1, "lane") };
    write(store, [again(), entry(2, "lane"), again(), entry(2, "lane")]).await;
    let after = all(store).await;
    assert_eq!(after[..1], before);
    assert_eq!(ids(&after), [1, 2]);
}

pub async fn entries_page_in_the_order_of_writing(store: &(impl StateStore + Outbox)) {
    write(store, [entry(5, "a"), entry(3, "b")]).await;
    write(store, [entry(4, "a")]).await;
    let first = store.entries(0, 2).await.expect("reads");
    assert_eq!(ids(&first), [5, 3]);
    assert!(first[0].seq < first[1].seq);
    let rest = store.entries(first[1].seq, 2).await.expect("reads");
    assert_eq!(ids(&rest), [4]);
    assert_eq!(store.entries(rest[0].seq, 2).await.expect("reads"), []);
}

/// More entries than one statement of any database takes, with a withdrawal between them.
pub async fn many_entries_keep_their_order(store: &(impl StateStore + Outbox)) {
    let mut batch: Vec<_> = (1..=1_337).map(|n| entry(n, &format!("lane-{n}"))).collect();
    batch.insert(1_000, taking_back(5_000, 7));
    write(store, batch).await;
    let expected: Vec<u128> = (1..=1_000).chain([5_000]).chain(1_001..=1_337).collect();
    let entries = all(store).await;
    assert_eq!(ids(&entries), expected);
    let superseded: Vec<_> = entries.into_iter().filter(|entry| entry.state == Superseded).collect();
    assert_eq!(ids(&superseded), [7, 5_000]);
}

pub async fn what_waits_is_read_by_its_target(store: &(impl StateStore + Outbox)) {
    let other = NewEntry { target: "another".into(), ..entry(9, "a") };
    write(store, (1..=4).map(|number| entry(number, "a")).chain([other])).await;
    let first = claim(store, 0).await.remove(0);
    settle(store, &first, Settled::Delivered).await;
    let page = store.waiting(TARGET, 0, 2).await.expect("reads");
    assert_eq!(ids(&page), [2, 3]);
    assert_eq!(ids(&store.waiting(TARGET, page[1].seq, 2).await.expect("reads")), [4]);
    assert_eq!(store.waiting("nobody", 0, 2).await.expect("reads"), []);
}

pub async fn entries_are_tallied_by_how_they_stand(store: &(impl StateStore + Outbox)) {
    let withheld = |number, flag| NewEntry {
        withheld: Some(WithheldBecause::InTest),
        flag_id: Some(id(flag)),
        ..entry(number, "a")
    };
    let listed = NewEntry { flag_id: Some(id(100)), ..part(4) };
    let other = NewEntry { target: "another".into(), ..withheld(5, 100) };
    write(store, [entry(1, "b"), withheld(2, 100), withheld(3, 200), listed, other]).await;
    let tally = |target: &str, state, count| Tally { target: target.into(), state, count };
    let mut expected = vec![
        tally("another", EntryState::Withheld, 1),
        tally(TARGET, Pending, 2),
        tally(TARGET, Superseded, 1),
        tally(TARGET, EntryState::Withheld, 1),
    ];
    assert_eq!(store.tallies().await.expect("counts"), expected);
    let claim = claim(store, 0).await.remove(0);
    settle(store, &claim, Settled::Delivered).await;
    expected[1] = tally(TARGET, Pending, 1);
    expected.insert(2, tally(TARGET, EntryState::Delivered, 1));
    assert_eq!(store.tallies().await.expect("counts"), expected);
}

pub async fn what_is_settled_is_pruned(store: &(impl StateStore + Outbox)) {
    let lanes = ["delivered", "dead", "pending"].into_iter().zip(1..);
    write(store, lanes.map(|(lane, number)| entry(number, lane))).await;
    let late = NewEntry { created_ms: 10, ..entry(5, "late") };
    write(store, [NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(4, "withheld") }, late]).await;
    for claim in claim(store, 20).await {
        match claim.entry.lane.as_str() {
            "delivered" | "late" => settle(store, &claim, Settled::Delivered).await,
            "dead" => settle(store, &claim, Settled::Dead).await,
            _ => {}
        }
    }
    store.prune(0).await.expect("prunes");
    assert_eq!(all(store).await.len(), 5, "none is that old");
    store.prune(10).await.expect("prunes");
    let left = all(store).await;
    assert_eq!(ids(&left), [2, 3, 5]);
    write(store, [entry(6, "next")]).await;
    assert!(all(store).await[3].seq > left[2].seq, "numbers go on");
}

pub(super) const TARGET: &str = "counselor";

pub(super) const HOLD_MS: i64 = 1_000;

pub(super) async fn write(store: &impl StateStore, outbox: impl IntoIterator<Item = NewEntry>) {
    let lease = store.acquire("risk@1", 0).await.expect("acquires");
    let batch = Batch { outbox: outbox.into_iter().collect(), ..Batch::default() };
    store.commit(&lease, &batch).await.expect("commits");
}

pub(super) async fn claim(store: &impl Outbox, now_ms: i64) -> Vec<Claim> {
    store.claim(TARGET, now_ms, HOLD_MS, 10).await.expect("claims")
}

pub(super) async fn settle(store: &impl Outbox, claim: &Claim, how: Settled) {
    assert!(store.settle(claim, how, None).await.expect("answers"), "the claim is live");
}

pub(super) async fn all(store: &impl Outbox) -> Vec<Entry> {
    store.entries(0, 10_000).await.expect("reads")
}

pub(super) async fn states(store: &impl Outbox) -> Vec<EntryState> {
    all(store).await.into_iter().map(|entry| entry.state).collect()
}

pub(super) fn claimed(claims: &[Claim]) -> Vec<u128> {
    claims.iter().map(|claim| claim.entry.id.as_u128()).collect()
}

pub(super) fn ids(entries: &[Entry]) -> Vec<u128> {
    entries.iter().map(|entry| entry.id.as_u128()).collect()
}

pub(super) fn entry(number: u128, lane: &str) -> NewEntry {
    NewEntry {
        id: id(number),
        target: TARGET.into(),
        lane: lane.into(),
        kind: "risk.flag.raised".into(),
        flag_id: None,
        body: vec![1, 2, 3],
        created_ms: 0,
        withheld: None,
        part: false,
        end_of: None,
    }
}

pub(super) fn part(number: u128) -> NewEntry {
    NewEntry { part: true, ..entry(number, "lane") }
}

pub(super) fn taking_back(number: u128, taken_back: u128) -> NewEntry {
    let end_of = Some(EndOf { id: id(taken_back), takes_back: true });
    NewEntry { end_of, kind: "risk.flag.withdrawn".into(), ..entry(number, "lane") }
}

pub(super) fn clearing(number: u128, cleared: u128) -> NewEntry {
    let end_of = Some(EndOf { id: id(cleared), takes_back: false });
    NewEntry { end_of, kind: "risk.flag.cleared".into(), ..entry(number, "lane") }
}

pub(super) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}
