//! What every [`Outbox`] promises of claims: whose turn it is, and how a try ends.

use super::outbox::{HOLD_MS, TARGET, all, claim, claimed, entry, id, settle, states, write};
use crate::outbox::EntryState::{Dead, Delivered, Pending, Superseded};
use crate::outbox::{NewEntry, Settled};
use crate::{Outbox, StateStore};

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
        assert!(!store.settle(&lapsed, how, None).await.expect("answers"));
    }
    assert_eq!(all(store).await, before);
    settle(store, &second, Settled::Delivered).await;
}

pub async fn a_claim_settles_once(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    let only = claim(store, 0).await.remove(0);
    settle(store, &only, Settled::Delivered).await;
    assert!(!store.settle(&only, Settled::Dead, None).await.expect("answers"));
    let entries = all(store).await;
    assert_eq!((entries[0].state, entries[0].next_try_ms), (Delivered, None));
    assert_eq!(claimed(&claim(store, 10 * HOLD_MS).await), [0; 0]);
}

pub async fn a_long_lane_holds_up_no_other(store: &(impl StateStore + Outbox)) {
    write(store, (1..=30).map(|id| entry(id, "long")).chain([entry(31, "short")])).await;
    let one = async |now_ms| store.claim(TARGET, now_ms, HOLD_MS, 1).await.expect("claims");
    assert_eq!(claimed(&one(0).await), [1]);
    assert_eq!(claimed(&one(0).await), [31], "however many wait before it");
    assert_eq!(claimed(&one(0).await), [0; 0]);
}

pub async fn claims_settle_together_except_those_that_ran_out(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "a"), entry(2, "b"), entry(3, "c")]).await;
    let lapsed = store.claim(TARGET, 0, HOLD_MS, 1).await.expect("claims").remove(0);
    let mut claims = claim(store, HOLD_MS).await;
    claims[0] = lapsed;
    assert_eq!(store.settle_all(&claims, Settled::Delivered, None).await.expect("answers"), 2);
    assert_eq!(states(store).await, [Pending, Delivered, Delivered]);
    assert_eq!(store.settle_all(&[], Settled::Delivered, None).await.expect("answers"), 0);
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

pub async fn a_dead_entry_frees_its_lane(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane"), entry(2, "lane"), entry(3, "lane")]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    settle(store, &claim(store, 0).await[0], Settled::Superseded).await;
    assert_eq!(claimed(&claim(store, 0).await), [3]);
    assert_eq!(states(store).await, [Dead, Superseded, Pending]);
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

pub async fn release_lets_claims_lapse(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "a"), entry(2, "b")]).await;
    let claims = claim(store, 0).await;
    settle(store, &claims[1], Settled::RetryAt { at_ms: 700 }).await;
    store.release_claims().await.expect("releases");
    let retaken = claim(store, 0).await;
    assert_eq!(claimed(&retaken), [1], "a retry keeps its time");
    assert_eq!(retaken[0].entry.attempts, 2);
    assert!(!store.settle(&claims[0], Settled::Delivered, None).await.expect("answers"));
}

pub async fn why_it_was_not_taken_is_kept(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    let first = claim(store, 0).await.remove(0);
    let how = Settled::RetryAt { at_ms: 5 };
    assert!(store.settle(&first, how, Some("it answered 500")).await.expect("answers"));
    assert_eq!(all(store).await[0].last_error.as_deref(), Some("it answered 500"));
    settle(store, &claim(store, 5).await[0], Settled::Delivered).await;
    assert_eq!(all(store).await[0].last_error, None);
}

pub async fn what_was_not_sent_counts_as_no_try(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    for at_ms in 0..3 {
        settle(store, &claim(store, at_ms).await[0], Settled::NotSent { at_ms: at_ms + 1 }).await;
    }
    let waits = &all(store).await[0];
    assert_eq!((waits.state, waits.attempts, waits.tried_before), (Pending, 3, 3));
}

pub async fn a_target_that_is_back_is_told_at_once(store: &(impl StateStore + Outbox)) {
    let elsewhere = NewEntry { target: "another".into(), created_ms: 900, ..entry(3, "c") };
    write(store, [entry(1, "a"), entry(2, "b"), elsewhere]).await;
    for claim in claim(store, 0).await {
        settle(store, &claim, Settled::RetryAt { at_ms: 900 }).await;
    }
    store.hasten(TARGET, 10).await.expect("writes");
    assert_eq!(claimed(&claim(store, 10).await), [1, 2]);
    assert_eq!(store.claim("another", 10, HOLD_MS, 10).await.expect("claims"), []);
}
