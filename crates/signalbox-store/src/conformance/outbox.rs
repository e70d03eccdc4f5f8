//! What every [`Outbox`] promises. Entries are written the only way there is: with a state batch.

use uuid::Uuid;

use crate::outbox::EntryState::{self, Bundled, Dead, Delivered, Pending, Superseded, Withheld};
use crate::outbox::{Claim, Entry, NewEntry, Settled};
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
                a_lane_has_one_live_claim
                lanes_go_on_beside_each_other
                a_claim_takes_up_to_max
                targets_are_apart
                an_attempt_is_counted_before_the_call
                a_claim_lapses_after_its_hold
                a_lapsed_claim_that_nobody_took_settles
                a_retaken_claim_settles_nothing
                a_claim_settles_once
                a_long_lane_holds_up_no_other
                claims_settle_together_except_those_that_ran_out
                a_retry_waits_and_holds_its_lane_up
                a_dead_entry_frees_its_lane
                a_list_for_the_recipient_holds_up_what_comes_after
                withheld_entries_are_never_claimed
                parts_are_never_claimed
                a_bundle_replaces_its_parts
                a_bundle_with_a_settled_part_writes_nothing
                a_bundle_whose_id_is_there_writes_nothing
                a_raise_and_its_withdrawal_meet
                parts_that_meet_are_both_superseded
                a_withdrawal_after_an_attempt_is_sent
                a_withdrawal_of_what_never_left_stays_as_given
                a_repeated_withdrawal_changes_nothing
                release_lets_claims_lapse
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

pub async fn a_lane_has_one_live_claim(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane"), entry(2, "lane")]).await;
    let claims = claim(store, 0).await;
    assert_eq!(claimed(&claims), [1]);
    assert_eq!(claimed(&claim(store, 0).await), [0; 0]);
    settle(store, &claims[0], Settled::Delivered).await;
    assert_eq!(claimed(&claim(store, 0).await), [2]);
}

pub async fn lanes_go_on_beside_each_other(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "c")]).await;
    assert_eq!(claimed(&claim(store, 0).await), [1, 2, 4]);
}

pub async fn a_claim_takes_up_to_max(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "a"), entry(2, "b"), entry(3, "c")]).await;
    let claims = store.claim(TARGET, 0, HOLD_MS, 2).await.expect("claims");
    assert_eq!(claimed(&claims), [1, 2]);
    assert_eq!(claimed(&claim(store, 0).await), [3]);
}

pub async fn targets_are_apart(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane"), NewEntry { target: "another".into(), ..entry(2, "lane") }]).await;
    assert_eq!(claimed(&claim(store, 0).await), [1]);
    let others = store.claim("another", 0, HOLD_MS, 10).await.expect("claims");
    assert_eq!(claimed(&others), [2]);
    assert_eq!(store.claim("nobody", 0, HOLD_MS, 10).await.expect("claims"), []);
}

pub async fn an_attempt_is_counted_before_the_call(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    let first = claim(store, 0).await.remove(0);
    assert_eq!((first.entry.attempts, all(store).await[0].attempts), (1, 1));
    let second = claim(store, HOLD_MS).await.remove(0);
    assert_eq!((second.entry.attempts, all(store).await[0].attempts), (2, 2));
}

pub async fn a_claim_lapses_after_its_hold(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane"), entry(2, "lane")]).await;
    let first = claim(store, 100).await.remove(0);
    assert_eq!(claimed(&claim(store, 99 + HOLD_MS).await), [0; 0]);
    let second = claim(store, 100 + HOLD_MS).await.remove(0);
    assert_eq!(second.entry.id, id(1));
    assert_ne!(second.token, first.token);
}

pub async fn a_lapsed_claim_that_nobody_took_settles(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    let lapsed = claim(store, 0).await.remove(0);
    assert_eq!(claimed(&store.claim("another", HOLD_MS * 2, HOLD_MS, 1).await.expect("claims")), [0; 0]);
    settle(store, &lapsed, Settled::Delivered).await;
    assert_eq!(states(store).await, [Delivered]);
}

pub async fn a_retaken_claim_settles_nothing(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    let lapsed = claim(store, 0).await.remove(0);
    let second = claim(store, HOLD_MS).await.remove(0);
    let before = all(store).await;
    let ways =
        [Settled::Delivered, Settled::Dead, Settled::Superseded, Settled::RetryAt { at_ms: 9 * HOLD_MS }];
    for how in ways {
        assert!(!store.settle(&lapsed, how).await.expect("answers"));
    }
    assert_eq!(all(store).await, before);
    settle(store, &second, Settled::Delivered).await;
}

pub async fn claims_settle_together_except_those_that_ran_out(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "a"), entry(2, "b"), entry(3, "c")]).await;
    let lapsed = store.claim(TARGET, 0, HOLD_MS, 1).await.expect("claims").remove(0);
    let mut claims = claim(store, HOLD_MS).await;
    claims[0] = lapsed;
    assert_eq!(store.settle_all(&claims, Settled::Delivered).await.expect("answers"), 2);
    assert_eq!(states(store).await, [Pending, Delivered, Delivered]);
    assert_eq!(store.settle_all(&[], Settled::Delivered).await.expect("answers"), 0);
}

pub async fn a_long_lane_holds_up_no_other(store: &(impl StateStore + Outbox)) {
    write(store, (1..=30).map(|id| entry(id, "long")).chain([entry(31, "short")])).await;
    let one = async |now_ms| store.claim(TARGET, now_ms, HOLD_MS, 1).await.expect("claims");
    assert_eq!(claimed(&one(0).await), [1]);
    assert_eq!(claimed(&one(0).await), [31], "however many wait before it");
    assert_eq!(claimed(&one(0).await), [0; 0]);
}

pub async fn a_claim_settles_once(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    let only = claim(store, 0).await.remove(0);
    settle(store, &only, Settled::Delivered).await;
    assert!(!store.settle(&only, Settled::Dead).await.expect("answers"));
    let entries = all(store).await;
    assert_eq!((entries[0].state, entries[0].next_try_ms), (Delivered, None));
    assert_eq!(claimed(&claim(store, 10 * HOLD_MS).await), [0; 0]);
}

pub async fn a_retry_waits_and_holds_its_lane_up(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane"), entry(2, "lane"), entry(3, "other")]).await;
    let first = claim(store, 0).await.remove(0);
    settle(store, &first, Settled::RetryAt { at_ms: 5_000 }).await;
    let waiting = all(store).await.remove(0);
    assert_eq!((waiting.state, waiting.next_try_ms), (Pending, Some(5_000)));

    write(store, [entry(4, "third")]).await;
    assert_eq!(claimed(&claim(store, 500).await), [4], "lane waits, third goes on");
    let again = store.claim(TARGET, 5_000, HOLD_MS, 1).await.expect("claims");
    assert_eq!(claimed(&again), [1]);
    assert_eq!(again[0].entry.attempts, 2);
    settle(store, &again[0], Settled::Delivered).await;
    assert_eq!(claimed(&store.claim(TARGET, 5_000, HOLD_MS, 1).await.expect("claims")), [2]);
}

pub async fn a_list_for_the_recipient_holds_up_what_comes_after(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "a"), entry(2, TARGET), entry(3, "b")]).await;
    let claims = claim(store, 0).await;
    assert_eq!(claimed(&claims), [1, 2], "what was written before goes on beside it");
    settle(store, &claims[0], Settled::Delivered).await;
    settle(store, &claims[1], Settled::RetryAt { at_ms: 5_000 }).await;
    assert_eq!(claimed(&claim(store, 500).await), [0; 0]);
    settle(store, &claim(store, 5_000).await[0], Settled::Delivered).await;
    assert_eq!(claimed(&claim(store, 5_000).await), [3]);
}

pub async fn a_dead_entry_frees_its_lane(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane"), entry(2, "lane"), entry(3, "lane")]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    settle(store, &claim(store, 0).await[0], Settled::Superseded).await;
    assert_eq!(claimed(&claim(store, 0).await), [3]);
    assert_eq!(states(store).await, [Dead, Superseded, Pending]);
}

pub async fn withheld_entries_are_never_claimed(store: &(impl StateStore + Outbox)) {
    let withheld = NewEntry { withheld: true, ..entry(1, "lane") };
    let withheld_part = NewEntry { withheld: true, part: true, ..entry(2, "lane") };
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
    assert!(store.bundle(&parts, entry(10, "lane")).await.expect("bundles"));
    let before = all(store).await;
    assert!(!store.bundle(&parts, entry(10, "lane")).await.expect("answers"), "a second time writes nothing");
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
        assert!(!store.bundle(&parts, entry(10, "lane")).await.expect("answers"));
    }
    assert_eq!(all(store).await, before);
}

/// Else the parts would vanish in an entry that does not speak of them.
pub async fn a_bundle_whose_id_is_there_writes_nothing(store: &(impl StateStore + Outbox)) {
    write(store, [part(1), entry(10, "lane")]).await;
    let before = all(store).await;
    assert!(!store.bundle(&[id(1)], entry(10, "lane")).await.expect("answers"));
    assert_eq!(all(store).await, before);
}

pub async fn a_raise_and_its_withdrawal_meet(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane"), entry(2, "lane")]).await;
    write(store, [taking_back(3, 1)]).await;
    assert_eq!(states(store).await, [Superseded, Pending, Superseded]);
    assert!(all(store).await.iter().all(|entry| entry.next_try_ms.is_some() == (entry.state == Pending)));
    assert_eq!(claimed(&claim(store, 0).await), [2]);
    write(store, [entry(4, "a"), taking_back(5, 4)]).await;
    assert_eq!(states(store).await[3..], [Superseded, Superseded], "in one batch too");
}

pub async fn parts_that_meet_are_both_superseded(store: &(impl StateStore + Outbox)) {
    write(store, [part(1), NewEntry { part: true, ..taking_back(2, 1) }]).await;
    assert_eq!(states(store).await, [Superseded; 2]);
    assert_eq!(store.parts(TARGET).await.expect("reads"), []);
}

pub async fn a_withdrawal_after_an_attempt_is_sent(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "delivered"), entry(2, "waits"), entry(3, "claimed")]).await;
    let claims = claim(store, 0).await;
    settle(store, &claims[0], Settled::Delivered).await;
    settle(store, &claims[1], Settled::RetryAt { at_ms: 0 }).await;
    write(store, [taking_back(4, 1), taking_back(5, 2), taking_back(6, 3)]).await;
    assert_eq!(states(store).await, [Delivered, Pending, Pending, Pending, Pending, Pending]);
}

pub async fn a_withdrawal_of_what_never_left_stays_as_given(store: &(impl StateStore + Outbox)) {
    let withheld = NewEntry { withheld: true, ..entry(1, "lane") };
    write(store, [withheld, part(2)]).await;
    assert!(store.bundle(&[id(2)], entry(3, "lane")).await.expect("bundles"));
    write(store, [taking_back(4, 1), NewEntry { withheld: true, ..taking_back(5, 1) }]).await;
    write(store, [taking_back(6, 99), taking_back(7, 2)]).await;
    assert_eq!(
        states(store).await,
        [Withheld, Bundled, Pending, Pending, Withheld, Pending, Pending],
        "withheld, unknown and bundled entries are not taken back"
    );
    write(store, [NewEntry { withheld: true, ..taking_back(8, 3) }]).await;
    assert_eq!((states(store).await[2], states(store).await[7]), (Superseded, Superseded));
}

/// A withdrawal that was written again must not take back what came after it under the same id.
pub async fn a_repeated_withdrawal_changes_nothing(store: &(impl StateStore + Outbox)) {
    write(store, [taking_back(2, 1), entry(1, "lane")]).await;
    let before = all(store).await;
    write(store, [taking_back(2, 1)]).await;
    assert_eq!(all(store).await, before);
}

pub async fn release_lets_claims_lapse(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "a"), entry(2, "b")]).await;
    let claims = claim(store, 0).await;
    settle(store, &claims[1], Settled::RetryAt { at_ms: 700 }).await;
    store.release_claims().await.expect("releases");
    let retaken = claim(store, 0).await;
    assert_eq!(claimed(&retaken), [1], "a retry keeps its time");
    assert_eq!(retaken[0].entry.attempts, 2);
    assert!(!store.settle(&claims[0], Settled::Delivered).await.expect("answers"));
}

const TARGET: &str = "counselor";
const HOLD_MS: i64 = 1_000;

async fn write(store: &impl StateStore, outbox: impl IntoIterator<Item = NewEntry>) {
    let lease = store.acquire("risk@1", 0).await.expect("acquires");
    let batch = Batch { outbox: outbox.into_iter().collect(), ..Batch::default() };
    store.commit(&lease, &batch).await.expect("commits");
}

async fn claim(store: &impl Outbox, now_ms: i64) -> Vec<Claim> {
    store.claim(TARGET, now_ms, HOLD_MS, 10).await.expect("claims")
}

async fn settle(store: &impl Outbox, claim: &Claim, how: Settled) {
    assert!(store.settle(claim, how).await.expect("answers"), "the claim is live");
}

async fn all(store: &impl Outbox) -> Vec<Entry> {
    store.entries(0, 10_000).await.expect("reads")
}

async fn states(store: &impl Outbox) -> Vec<EntryState> {
    all(store).await.into_iter().map(|entry| entry.state).collect()
}

fn claimed(claims: &[Claim]) -> Vec<u128> {
    claims.iter().map(|claim| claim.entry.id.as_u128()).collect()
}

fn ids(entries: &[Entry]) -> Vec<u128> {
    entries.iter().map(|entry| entry.id.as_u128()).collect()
}

fn entry(number: u128, lane: &str) -> NewEntry {
    NewEntry {
        id: id(number),
        target: TARGET.into(),
        lane: lane.into(),
        kind: "risk.flag.raised".into(),
        flag_id: None,
        body: vec![1, 2, 3],
        created_ms: 0,
        withheld: false,
        part: false,
        cancels: None,
    }
}

fn part(number: u128) -> NewEntry {
    NewEntry { part: true, ..entry(number, "lane") }
}

fn taking_back(number: u128, taken_back: u128) -> NewEntry {
    NewEntry { cancels: Some(id(taken_back)), kind: "risk.flag.withdrawn".into(), ..entry(number, "lane") }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}
