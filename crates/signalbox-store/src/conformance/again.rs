//! What every [`Outbox`] promises of what a person sends again.

use super::outbox::{
    HOLD_MS, TARGET, all, claim, claimed, entry, id, ids, part, settle, states, taking_back, write,
};
use crate::outbox::EntryState::{Bundled, Dead, Delivered, Pending, Superseded};
use crate::outbox::{Again, Bundle, ENDED, NewEntry, RAISED, Settled, TO_LOG, WithheldBecause};
use crate::{Outbox, StateStore};

pub async fn what_a_person_sends_again_is_due_with_all_its_tries(store: &(impl StateStore + Outbox)) {
    let lanes = ["delivered", "dead", "waits", "superseded"].into_iter().zip(1..);
    write(store, lanes.map(|(lane, number)| entry(number, lane))).await;
    write(store, [NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(5, "withheld") }]).await;
    write(store, [NewEntry { target: TO_LOG.into(), ..entry(6, "log") }]).await;
    for claim in claim(store, 0).await {
        let how = match claim.entry.lane.as_str() {
            "delivered" => Settled::Delivered,
            "dead" => Settled::Dead,
            "waits" => Settled::RetryAt { at_ms: 900 },
            _ => Settled::Superseded,
        };
        settle(store, &claim, how).await;
    }
    assert_eq!(store.resend(Again::Target(TARGET), 50).await.expect("answers"), 2);
    assert_eq!(states(store).await[..4], [Delivered, Pending, Pending, Superseded]);
    let again = claim(store, 50).await;
    assert_eq!(claimed(&again), [2, 3]);
    assert!(again.iter().all(|claim| (claim.entry.attempts, claim.entry.tried_before) == (2, 1)));

    assert_eq!(store.resend(Again::Entry(id(1)), 50).await.expect("answers"), 1);
    assert_eq!(claimed(&claim(store, 50).await), [1]);
    for not_to_be_sent in [4, 5, 6, 99] {
        assert_eq!(store.resend(Again::Entry(id(not_to_be_sent)), 50).await.expect("answers"), 0);
    }
}

pub async fn nobody_hears_of_a_flag_after_its_end(store: &(impl StateStore + Outbox)) {
    let of_flag = |number, kind: &str, target: &str| NewEntry {
        target: target.to_owned(),
        ..of_flag(number, kind, 77)
    };
    let settle_next = async |target: &str, how| {
        let claims = store.claim(target, 0, HOLD_MS, 10).await.expect("claims");
        settle(store, &claims[0], how).await;
    };
    write(store, [of_flag(1, RAISED, TARGET), of_flag(2, RAISED, "another"), of_flag(3, RAISED, "third")])
        .await;
    settle_next(TARGET, Settled::Dead).await;
    settle_next("another", Settled::Dead).await;
    settle_next("third", Settled::Delivered).await;
    for (number, (kind, target)) in (4..).zip(ENDED.into_iter().zip([TARGET, "third"])) {
        write(store, [of_flag(number, kind, target)]).await;
        settle_next(target, Settled::Delivered).await;
    }
    assert_eq!(again(store, Again::Target(TARGET)).await, 0);
    assert_eq!(again(store, Again::Entry(id(3))).await, 0, "it was told, and so was the end");
    assert_eq!(again(store, Again::Target("another")).await, 1, "of whose end nobody was told there");
    assert_eq!(again(store, Again::Entry(id(5))).await, 1, "the end itself");
    assert_eq!(states(store).await, [Superseded, Pending, Delivered, Delivered, Pending]);
}

pub async fn what_was_given_up_is_superseded_by_its_end(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    write(store, [taking_back(2, 1)]).await;
    assert_eq!(states(store).await, [Superseded, Pending], "it may have been told");
}

/// Its end waits, or is being told at this moment.
pub async fn a_raise_whose_end_is_on_its_way_is_not_sent_again(store: &(impl StateStore + Outbox)) {
    write(store, [of_flag(1, RAISED, 77)]).await;
    settle(store, &claim(store, 0).await[0], Settled::RetryAt { at_ms: 5 }).await;
    write(store, [of_flag(2, ENDED[0], 77)]).await;
    settle(store, &claim(store, 5).await[0], Settled::Dead).await;
    assert_eq!(claimed(&claim(store, 5).await), [2]);
    assert_eq!(again(store, Again::Entry(id(1))).await, 0);
    assert_eq!(states(store).await, [Superseded, Pending]);
}

pub async fn an_end_that_nobody_is_told_of_ends_nothing(store: &(impl StateStore + Outbox)) {
    let untold = NewEntry { withheld: Some(WithheldBecause::HasLeft), ..of_flag(2, ENDED[1], 77) };
    write(store, [of_flag(1, RAISED, 77), untold]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    assert_eq!(again(store, Again::Target(TARGET)).await, 1);
}

/// A list that was given up, and one that was told, tell again of what is not over.
pub async fn a_list_is_made_anew_without_what_is_over(store: &(impl StateStore + Outbox)) {
    for (list, how, which) in [
        (10, Settled::Dead, Again::Target(TARGET)),
        (20, Settled::Delivered, Again::Entry(id(20))),
        (30, Settled::Dead, Again::Entry(id(30))),
    ] {
        let before = all(store).await.len();
        let (stays, ends) = (list + 1, list + 2);
        listed(store, list, &[stays, ends]).await;
        settle(store, &claim(store, 0).await[0], how).await;
        end(store, list + 3, ends).await;
        assert_eq!(again(store, which).await, 1);
        assert_eq!(states(store).await[before..], [Pending, Superseded, Superseded, Delivered]);
        assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [stays]);
        assert!(store.bundle(&[bundle_of(&[stays], list + 4)]).await.expect("bundles"));
        let anew = claim(store, 50).await;
        assert_eq!(claimed(&anew), [list + 4]);
        settle(store, &anew[0], Settled::Delivered).await;
        assert_eq!(states(store).await[before], Bundled);
    }
}

pub async fn a_list_of_which_all_is_over_is_not_sent_again(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    end(store, 13, 11).await;
    end(store, 14, 12).await;
    assert_eq!(again(store, Again::Target(TARGET)).await, 0);
    assert_eq!(states(store).await, [Superseded, Superseded, Superseded, Delivered, Delivered]);
}

pub async fn a_list_that_nothing_ended_of_goes_out_under_its_id(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12]).await;
    listed(store, 20, &[21]).await;
    for _ in 0..2 {
        settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    }
    end(store, 22, 21).await;
    assert_eq!(again(store, Again::Entry(id(10))).await, 1);
    assert_eq!(claimed(&claim(store, 50).await), [10]);
}

/// What a list told that was given up is told by the next: in between, its flag may end.
pub async fn a_part_that_waits_again_is_superseded_by_its_end(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12, 13]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    end(store, 14, 13).await;
    again(store, Again::Target(TARGET)).await;
    let of_part = NewEntry { flag_id: Some(id(12)), kind: ENDED[0].to_owned(), ..taking_back(15, 12) };
    write(store, [of_part]).await;
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [11]);
    assert_eq!(claimed(&claim(store, 50).await), [15], "the list may have been told");
}

pub async fn what_was_given_up_and_is_over_is_pruned(store: &(impl StateStore + Outbox)) {
    write(store, [of_flag(1, RAISED, 77), of_flag(2, RAISED, 78), of_flag(3, ENDED[0], 77)]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    settle(store, &claim(store, 0).await[0], Settled::Delivered).await;
    store.prune(10).await.expect("prunes");
    assert_eq!((ids(&all(store).await), states(store).await), (vec![2], vec![Dead]));
}

fn of_flag(number: u128, kind: &str, flag: u128) -> NewEntry {
    NewEntry { kind: kind.to_owned(), flag_id: Some(id(flag)), ..entry(number, "lane") }
}

/// A list of parts, each of a flag of its own number.
async fn listed(store: &(impl StateStore + Outbox), list: u128, parts: &[u128]) {
    write(store, parts.iter().map(|number| NewEntry { flag_id: Some(id(*number)), ..part(*number) })).await;
    assert!(store.bundle(&[bundle_of(parts, list)]).await.expect("bundles"));
}

fn bundle_of(parts: &[u128], into: u128) -> Bundle {
    Bundle { parts: parts.iter().copied().map(id).collect(), into: entry(into, TARGET) }
}

/// Tells that a flag has ended.
async fn end(store: &(impl StateStore + Outbox), number: u128, flag: u128) {
    write(store, [NewEntry { lane: "student".to_owned(), ..of_flag(number, ENDED[1], flag) }]).await;
    let claims = claim(store, 0).await;
    assert_eq!(claimed(&claims), [number]);
    settle(store, &claims[0], Settled::Delivered).await;
}

async fn again(store: &impl Outbox, which: Again<'_>) -> u64 {
    store.resend(which, 50).await.expect("answers")
}
