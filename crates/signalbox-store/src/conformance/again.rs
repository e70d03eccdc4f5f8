//! What every [`Outbox`] promises of what becomes of entries later, and of what a person sends again.

use super::outbox::{
    TARGET, all, claim, claimed, clearing, entry, id, ids, part, settle, states, taking_back, write,
};
use crate::outbox::EntryState::{Bundled, Dead, Delivered, Pending, Superseded, Withheld};
use crate::outbox::{Again, Amended, Amendment, Bundle, NewEntry, Settled, TO_LOG, WithheldBecause};
use crate::state::Batch;
use crate::{Outbox, StateStore};

const LISTED: &str = "listed";
const TO_BE_SENT: Amended = Amended::ToBeSent { listed_as: LISTED };

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

pub async fn what_is_over_is_not_sent_again(store: &(impl StateStore + Outbox)) {
    let lanes = ["delivered", "dead", "waits", "dead too"].into_iter().zip(1..);
    write(store, lanes.map(|(lane, number)| entry(number, lane))).await;
    let claims = claim(store, 0).await;
    settle(store, &claims[0], Settled::Delivered).await;
    settle(store, &claims[1], Settled::Dead).await;
    settle(store, &claims[2], Settled::RetryAt { at_ms: 5 }).await;
    amend(store, [1, 2, 3, 4].map(|number| (number, Amended::Ended))).await;
    settle(store, &claims[3], Settled::Dead).await;
    assert_eq!(
        states(store).await,
        [Delivered, Superseded, Pending, Superseded],
        "what waits goes before its end"
    );
    settle(store, &claim(store, 5).await[0], Settled::RetryAt { at_ms: 900 }).await;
    assert_eq!(again(store, Again::Target(TARGET)).await, 1, "what waits holds up its end");
    settle(store, &claim(store, 50).await[0], Settled::Dead).await;
    assert_eq!(again(store, Again::Target(TARGET)).await, 0);
    for number in 1..=4 {
        assert_eq!(again(store, Again::Entry(id(number))).await, 0);
    }
    assert_eq!(states(store).await, [Delivered, Superseded, Superseded, Superseded]);
}

pub async fn what_was_given_up_is_superseded_by_its_end(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    write(store, [taking_back(2, 1)]).await;
    assert_eq!(states(store).await, [Superseded, Pending], "it may have been told");
    assert_eq!(claimed(&claim(store, 0).await), [2]);
}

/// A mode that is turned back, and on again.
pub async fn what_is_withheld_later_is_not_sent_until_it_is_to_be(store: &(impl StateStore + Outbox)) {
    let lanes = ["delivered", "dead", "waits", "new"].into_iter().zip(1..);
    write(store, lanes.map(|(lane, number)| entry(number, lane))).await;
    for claim in claim(store, 0).await {
        match claim.entry.lane.as_str() {
            "delivered" => settle(store, &claim, Settled::Delivered).await,
            "dead" => settle(store, &claim, Settled::Dead).await,
            "waits" => settle(store, &claim, Settled::RetryAt { at_ms: 5 }).await,
            _ => settle(store, &claim, Settled::NotSent { at_ms: 5 }).await,
        }
    }
    let all_of_them = |to| [1, 2, 3, 4, 99].map(|number| (number, to));
    amend(store, all_of_them(Amended::Withheld(WithheldBecause::InTest))).await;
    assert_eq!(states(store).await, [Delivered, Dead, Withheld, Withheld]);
    assert_eq!(claimed(&claim(store, 900).await), [0; 0]);
    assert_eq!(again(store, Again::Target(TARGET)).await, 0);
    for number in 1..=4 {
        assert_eq!(again(store, Again::Entry(id(number))).await, 0, "{number}");
    }
    assert_eq!(all(store).await[2].last_error.as_deref(), Some(WithheldBecause::InTest.as_str()));
    amend(store, all_of_them(Amended::Withheld(WithheldBecause::HasLeft))).await;
    assert_eq!(all(store).await[2].last_error.as_deref(), Some(WithheldBecause::HasLeft.as_str()));
    amend_at(store, 1_000, all_of_them(TO_BE_SENT)).await;
    assert_eq!(states(store).await, [Delivered, Dead, Pending, Pending]);
    assert_eq!(claimed(&claim(store, 999).await), [0; 0]);
    let sent = claim(store, 1_000).await;
    assert_eq!(claimed(&sent), [3]);
    assert_eq!(sent[0].entry.tried_before + 1, sent[0].entry.attempts, "all its tries");
    let parts = store.parts(TARGET).await.expect("reads");
    assert_eq!(ids(&parts), [4], "what nobody was sent goes with a list");
    assert_eq!((&*parts[0].kind, parts[0].next_try_ms), (LISTED, Some(1_000)));
    assert_eq!(again(store, Again::Entry(id(2))).await, 1, "what was given up waits for a person");
}

/// Whoever is at it has lost it, but that it arrived is true.
pub async fn what_is_amended_while_it_is_claimed_is_settled_if_it_arrived(
    store: &(impl StateStore + Outbox),
) {
    write(store, [entry(1, "a"), entry(2, "b"), entry(3, "c")]).await;
    let claims = claim(store, 0).await;
    let withheld = Amended::Withheld(WithheldBecause::HasLeft);
    amend(store, [(1, withheld), (2, withheld), (3, Amended::Over { end: None })]).await;
    let how = Settled::RetryAt { at_ms: 5 };
    assert!(!store.settle(&claims[0], how, None).await.expect("answers"));
    for arrived in &claims[1..] {
        assert!(store.settle(arrived, Settled::Delivered, None).await.expect("answers"));
        assert!(!store.settle(arrived, Settled::Delivered, None).await.expect("answers"), "once");
    }
    assert_eq!(states(store).await, [Withheld, Delivered, Delivered]);
    write(store, [taking_back(4, 1)]).await;
    assert_eq!(states(store).await, [Superseded, Delivered, Delivered, Pending], "it may have been told");
}

pub async fn what_was_withheld_before_it_was_sent_meets_its_withdrawal(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "lane")]).await;
    amend(store, [(1, Amended::Withheld(WithheldBecause::InTest))]).await;
    write(store, [taking_back(2, 1)]).await;
    assert_eq!(states(store).await, [Superseded; 2]);
    amend(store, [(1, TO_BE_SENT)]).await;
    assert_eq!(states(store).await, [Superseded; 2]);
}

/// The year of the flag is over: nobody is told, and no end follows.
pub async fn what_is_over_without_an_end_is_not_sent(store: &(impl StateStore + Outbox)) {
    write(store, [entry(1, "delivered"), entry(2, "dead"), entry(3, "waits")]).await;
    let claims = claim(store, 0).await;
    settle(store, &claims[0], Settled::Delivered).await;
    settle(store, &claims[1], Settled::Dead).await;
    write(store, [NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(4, "withheld") }]).await;
    amend(store, [1, 2, 3, 4].map(|number| (number, Amended::Over { end: None }))).await;
    assert_eq!(states(store).await, [Delivered, Superseded, Superseded, Superseded]);
    assert!(!store.settle(&claims[2], Settled::RetryAt { at_ms: 0 }, None).await.expect("answers"));
    assert_eq!(claimed(&claim(store, 900).await), [0; 0]);
    assert_eq!(again(store, Again::Entry(id(1))).await, 0);
}

/// Both wait when nobody is to be told any more.
pub async fn the_end_of_what_nobody_tried_is_not_sent_either(store: &(impl StateStore + Outbox)) {
    for (number, lane) in [(1, "untried"), (11, "tried")] {
        write(store, [entry(number, lane)]).await;
    }
    settle(store, &claim(store, 0).await[1], Settled::RetryAt { at_ms: 900 }).await;
    amend(store, [(1, Amended::Ended), (11, Amended::Ended)]).await;
    write(store, [entry(2, "untried"), entry(12, "tried")]).await;
    store.release_claims().await.expect("lets go");
    for (number, end) in [(1, 2), (11, 12)] {
        amend(store, [(number, Amended::Over { end: Some(id(end)) })]).await;
    }
    assert_eq!(states(store).await, [Superseded, Superseded, Pending, Pending], "both were tried");
    write(store, [entry(21, "new")]).await;
    write(store, [entry(22, "new")]).await;
    amend(store, [(21, Amended::Over { end: Some(id(22)) })]).await;
    assert_eq!(states(store).await[4..], [Superseded; 2]);
}

/// A list that was given up, and one that was told, tell again of what is not over.
pub async fn a_list_is_made_anew_without_what_is_over(store: &(impl StateStore + Outbox)) {
    for (list, how, which, left) in [
        (10, Settled::Dead, Again::Target(TARGET), Superseded),
        (20, Settled::Delivered, Again::Entry(id(20)), Delivered),
        (30, Settled::Dead, Again::Entry(id(30)), Superseded),
    ] {
        let before = all(store).await.len();
        let (stays, ends) = (list + 1, list + 2);
        listed(store, list, &[stays, ends]).await;
        settle(store, &claim(store, 0).await[0], how).await;
        end(store, list + 3, ends).await;
        assert_eq!(again(store, which).await, 1);
        assert_eq!(states(store).await[before..], [Pending, Bundled, left, Delivered]);
        assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [stays]);
        assert!(store.bundle(&[bundle_of(&[stays], list + 4)]).await.expect("bundles"));
        let anew = claim(store, 50).await;
        assert_eq!(claimed(&anew), [list + 4]);
        settle(store, &anew[0], Settled::Delivered).await;
        assert_eq!(again(store, which).await, 0, "it is another list now");
    }
}

pub async fn a_list_of_which_all_is_over_is_not_sent_again(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    end(store, 13, 11).await;
    end(store, 14, 12).await;
    assert_eq!(again(store, Again::Target(TARGET)).await, 0);
    assert_eq!(states(store).await, [Bundled, Bundled, Superseded, Delivered, Delivered]);
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

/// Of a list that was given up as nobody was there, the others wait for a person; of one that may have arrived, ends are told.
pub async fn a_part_of_a_list_that_reached_nobody_meets_its_end(store: &(impl StateStore + Outbox)) {
    for (list, how, ends) in [(10, Settled::DeadUnreached, Superseded), (20, Settled::Dead, Pending)] {
        let before = all(store).await.len();
        listed(store, list, &[list + 1, list + 2, list + 3]).await;
        settle(store, &claim(store, 0).await[0], how).await;
        write(store, [taking_back(list + 4, list + 1), clearing(list + 5, list + 2)]).await;
        assert_eq!(states(store).await[before..], [Bundled, Bundled, Bundled, Dead, ends, ends]);
        assert_eq!(again(store, Again::Entry(id(list))).await, 1, "as another list, of what is left");
        assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [list + 3]);
        assert!(store.bundle(&[bundle_of(&[list + 3], list + 6)]).await.expect("bundles"));
        for claim in claim(store, 50).await {
            settle(store, &claim, Settled::Delivered).await;
        }
    }
}

/// What a list told that was given up is told by the next: in between, its flag may end.
pub async fn a_part_that_waits_again_is_superseded_by_its_end(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12, 13]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    end(store, 14, 13).await;
    again(store, Again::Target(TARGET)).await;
    write(store, [taking_back(15, 12)]).await;
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [11]);
    assert_eq!(claimed(&claim(store, 50).await), [15], "the list may have been told");
}

/// Of a list that waits or was given up, not of one that was told.
pub async fn a_list_loses_what_is_withheld_or_over(store: &(impl StateStore + Outbox)) {
    for (list, to) in [(10, Amended::Withheld(WithheldBecause::InTest)), (20, Amended::Over { end: None })] {
        listed(store, list, &[list + 1, list + 2]).await;
        amend(store, [(list + 1, to)]).await;
        assert_eq!(claimed(&claim(store, 0).await), [0; 0]);
        let parts = store.parts(TARGET).await.expect("reads");
        assert_eq!((ids(&parts), parts[0].next_try_ms), (vec![list + 2], Some(50)), "it waits anew");
        assert!(store.bundle(&[bundle_of(&[list + 2], list + 3)]).await.expect("bundles"));
        settle(store, &claim(store, 0).await[0], Settled::Delivered).await;
        amend(store, [(list + 2, to)]).await;
        assert_eq!(store.parts(TARGET).await.expect("reads"), []);
    }
    amend(store, [(11, TO_BE_SENT)]).await;
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [11]);
}

/// It is the same again: whoever has it already knows it by its id.
pub async fn a_list_of_the_same_parts_is_the_same(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12]).await;
    settle(store, &claim(store, 0).await[0], Settled::RetryAt { at_ms: 0 }).await;
    for to in [Amended::Withheld(WithheldBecause::InTest), TO_BE_SENT] {
        amend(store, [(11, to), (12, to)]).await;
    }
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [11, 12]);
    assert!(store.bundle(&[bundle_of(&[11, 12], 10)]).await.expect("bundles"));
    assert_eq!(states(store).await, [Bundled, Bundled, Pending]);
    let claims = claim(store, 50).await;
    assert_eq!(claimed(&claims), [10]);

    amend(store, [(11, Amended::Withheld(WithheldBecause::InTest))]).await;
    settle(store, &claims[0], Settled::Delivered).await;
    assert_eq!(again(store, Again::Entry(id(10))).await, 0, "what is left of it goes as another");
    amend(store, [(11, TO_BE_SENT)]).await;
    assert!(store.bundle(&[bundle_of(&[11, 12], 10)]).await.expect("bundles"));
    assert_eq!(states(store).await, [Bundled, Bundled, Delivered], "it has arrived");
    assert_eq!(again(store, Again::Entry(id(10))).await, 1);
}

/// Nobody was told of the flag: nobody is of its end.
pub async fn a_part_of_a_list_that_nobody_tried_meets_its_withdrawal(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12]).await;
    write(store, [taking_back(13, 11)]).await;
    assert_eq!(states(store).await, [Superseded, Pending, Superseded, Superseded]);
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [12]);
}

/// Of a list that was told, to a person who sends it again.
pub async fn what_is_withheld_of_a_list_is_not_sent_again(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11, 12]).await;
    settle(store, &claim(store, 0).await[0], Settled::Delivered).await;
    amend(store, [(11, Amended::Withheld(WithheldBecause::HasLeft))]).await;
    assert_eq!(again(store, Again::Entry(id(10))).await, 1);
    assert_eq!(states(store).await, [Withheld, Pending, Delivered]);
    assert_eq!(ids(&store.parts(TARGET).await.expect("reads")), [12]);
}

pub async fn parts_of_what_was_given_up_are_not_pruned(store: &(impl StateStore + Outbox)) {
    listed(store, 10, &[11]).await;
    listed(store, 20, &[21]).await;
    settle(store, &claim(store, 0).await[0], Settled::Dead).await;
    settle(store, &claim(store, 0).await[0], Settled::Delivered).await;
    store.prune(10).await.expect("prunes");
    assert_eq!(ids(&all(store).await), [11, 10]);
}

/// Who takes a list apart changes the parts of others too: none of them may wait for each other.
pub async fn many_hold_back_parts_of_one_list_at_once(store: &(impl StateStore + Outbox)) {
    let withheld = async |shard: u32, parts: [u128; 3]| {
        let lease = store.acquire("risk@1", shard).await?;
        let to = Amended::Withheld(WithheldBecause::InTest);
        let amendments = parts.map(|number| Amendment { id: id(number), to, at_ms: 50 });
        let batch = Batch { amendments: amendments.into(), ..Batch::default() };
        store.commit(&lease, &batch).await
    };
    for round in 0..10 {
        let (list, another) = (100 + 20 * round, 110 + 20 * round);
        listed(store, list, &[1, 2, 3, 4, 5, 6].map(|part| list + part)).await;
        listed(store, another, &[1, 2, 3, 4, 5, 6].map(|part| another + part)).await;
        tokio::try_join!(
            withheld(0, [list + 1, another + 1, list + 2]),
            withheld(1, [another + 2, list + 3, another + 3]),
            withheld(2, [list + 4, another + 4, another + 5]),
            withheld(3, [another + 6, list + 5, list + 6]),
        )
        .expect("each waits for its turn only");
    }
    assert!(store.parts(TARGET).await.expect("reads").is_empty());
}

/// A list of parts, each of a flag of its own.
async fn listed(store: &(impl StateStore + Outbox), list: u128, parts: &[u128]) {
    write(store, parts.iter().map(|number| part(*number))).await;
    assert!(store.bundle(&[bundle_of(parts, list)]).await.expect("bundles"));
}

fn bundle_of(parts: &[u128], into: u128) -> Bundle {
    Bundle { parts: parts.iter().copied().map(id).collect(), into: entry(into, TARGET) }
}

/// Tells that the flag of a part has ended.
async fn end(store: &(impl StateStore + Outbox), number: u128, part: u128) {
    write(store, [NewEntry { lane: "student".to_owned(), ..taking_back(number, part) }]).await;
    let claims = claim(store, 0).await;
    assert_eq!(claimed(&claims), [number]);
    settle(store, &claims[0], Settled::Delivered).await;
}

async fn amend(store: &impl StateStore, amended: impl IntoIterator<Item = (u128, Amended)>) {
    amend_at(store, 50, amended).await;
}

async fn amend_at(store: &impl StateStore, at_ms: i64, amended: impl IntoIterator<Item = (u128, Amended)>) {
    let amendments = amended.into_iter().map(|(number, to)| Amendment { id: id(number), to, at_ms });
    let batch = Batch { amendments: amendments.collect(), ..Batch::default() };
    let lease = store.acquire("risk@1", 0).await.expect("acquires");
    store.commit(&lease, &batch).await.expect("commits");
}

async fn again(store: &impl Outbox, which: Again<'_>) -> u64 {
    store.resend(which, 50).await.expect("answers")
}
