//! What every [`Outbox`] promises of entries that tell of another's end, or take it back.

use super::outbox::{
    TARGET, all, claim, claimed, clearing, entry, id, part, settle, states, taking_back, write,
};
use crate::outbox::EntryState::{Dead, Delivered, Pending, Superseded, Withheld};
use crate::outbox::{NewEntry, Settled, WithheldBecause};
use crate::{Outbox, StateStore};

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
    let withheld = NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(1, "lane") };
    write(store, [withheld, part(2)]).await;
    assert!(
        store
            .bundle(&[crate::outbox::Bundle { parts: vec![id(2)], into: entry(3, "lane") }])
            .await
            .expect("bundles")
    );
    write(
        store,
        [taking_back(4, 1), NewEntry { withheld: Some(WithheldBecause::InTest), ..taking_back(5, 1) }],
    )
    .await;
    write(store, [taking_back(6, 99), taking_back(7, 2)]).await;
    assert_eq!(
        states(store).await,
        [Superseded, Superseded, Superseded, Superseded, Withheld, Pending, Superseded],
        "what is unknown is not taken back"
    );
    let withheld = NewEntry { withheld: Some(WithheldBecause::InTest), ..taking_back(9, 8) };
    write(store, [entry(8, "another lane"), withheld]).await;
    assert_eq!(states(store).await[7..], [Superseded; 2]);
}

/// A withdrawal that was written again must not take back what came after it under the same id.
pub async fn a_repeated_withdrawal_changes_nothing(store: &(impl StateStore + Outbox)) {
    write(store, [taking_back(2, 1), entry(1, "lane")]).await;
    let before = all(store).await;
    write(store, [taking_back(2, 1)]).await;
    assert_eq!(all(store).await, before);
}

/// A secret was missing, or the address is none that may be sent to.
pub async fn what_was_not_sent_meets_its_withdrawal(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    for _ in 0..2 {
        settle(store, &claim(store, 0).await[0], Settled::NotSent { at_ms: 0 }).await;
    }
    write(store, [taking_back(2, 1)]).await;
    assert_eq!(states(store).await, [Superseded; 2]);
    write(store, [entry(3, "lane")]).await;
    settle(store, &claim(store, 0).await[0], Settled::NotSent { at_ms: 0 }).await;
    let in_hand = claim(store, 0).await;
    write(store, [taking_back(4, 3)]).await;
    assert_eq!(states(store).await[2..], [Pending; 2], "it may be sent now");
    settle(store, &in_hand[0], Settled::NotSent { at_ms: 0 }).await;
}

/// The receiver was away all the time. Every try counts, and none of them told anybody.
pub async fn what_reached_nobody_meets_its_end(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "waits"), entry(2, "given up"), entry(3, "given up and cleared")]).await;
    let claims = claim(store, 0).await;
    settle(store, &claims[0], Settled::Unreached { at_ms: 0 }).await;
    settle(store, &claims[1], Settled::DeadUnreached).await;
    settle(store, &claims[2], Settled::DeadUnreached).await;
    assert_eq!(states(store).await, [Pending, Dead, Dead]);
    assert_eq!((all(store).await[0].attempts, all(store).await[0].tried_before), (1, 0));
    write(store, [taking_back(11, 1), taking_back(12, 2), clearing(13, 3)]).await;
    assert_eq!(states(store).await, [Superseded; 6]);
}

/// Of a raise that waits, its clearing is told after it. Who would hear of it by a list, or later, hears of neither.
pub async fn an_end_goes_after_what_waits_by_itself(store: &(impl StateStore + Outbox)) {
    let withheld = NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(3, "another") };
    write(store, [entry(1, "lane"), part(2), withheld]).await;
    write(store, [clearing(11, 1), clearing(12, 2), clearing(13, 3)]).await;
    assert_eq!(states(store).await, [Pending, Superseded, Superseded, Pending, Superseded, Superseded]);
    for number in [1, 11] {
        let claims = claim(store, 0).await;
        assert_eq!(claimed(&claims), [number]);
        settle(store, &claims[0], Settled::Delivered).await;
    }
}
