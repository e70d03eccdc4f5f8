//! What every [`StateStore`] promises of [`Cards`](crate::card::Cards).

use uuid::Uuid;

use super::assert_refused;
use crate::StateStore;
use crate::card::{Card, CardQuery};
use crate::state::{Advance, Batch, Lease, Position};

/// One test per promise of [`StateStore`] about cards.
#[macro_export]
macro_rules! card_conformance {
    ($make:expr) => {
        mod card_conformance {
            use super::*;
            $crate::conformance_cases! { card, $make,
                cards_come_with_their_batch
                a_card_replaces_the_one_of_its_kind_and_id
                cards_of_another_consumer_are_apart
                cards_are_listed_page_by_page_over_all_shards
                cards_are_asked_for_by_what_they_say
                cards_are_found_by_how_their_id_begins
                cards_are_counted_by_how_they_stand
                many_cards_are_written_at_once
            }
        }
    };
}

pub async fn cards_come_with_their_batch(store: &impl StateStore) {
    let earlier = acquire(store, 1).await;
    let lease = acquire(store, 1).await;
    let to = Position { topic: "topic".into(), next: 5, last_id: None };
    let moved = Batch { advances: vec![Advance { from: 3, to }], ..batch(vec![card(1, "a")]) };
    assert_refused!(store.commit(&earlier, &batch(vec![card(1, "a")])).await, Fenced);
    assert_refused!(store.commit(&lease, &moved).await, Moved);
    assert_eq!(all(store).await, []);
    store.commit(&lease, &batch(vec![card(1, "a")])).await.expect("commits");
    assert_eq!(all(store).await, [card(1, "a")]);
}

pub async fn a_card_replaces_the_one_of_its_kind_and_id(store: &impl StateStore) {
    let lease = acquire(store, 1).await;
    let case = Card { kind: "case".into(), ..card(1, "a") };
    store.commit(&lease, &batch(vec![card(1, "a"), case.clone()])).await.expect("commits");
    let cleared = Card {
        state: "cleared".into(),
        school: Some("100".into()),
        about: "behavior".into(),
        body: "{}".into(),
        subject: vec![9],
        ..card(1, "b")
    };
    store.commit(&lease, &batch(vec![card(1, "c"), cleared.clone()])).await.expect("the last of two stands");
    assert_eq!(all(store).await, [cleared]);
    let cases = CardQuery { kind: "case", ..CardQuery::default() };
    assert_eq!(store.cards("risk@1", &cases, None, 10).await.expect("reads"), [case]);
}

pub async fn cards_of_another_consumer_are_apart(store: &impl StateStore) {
    let other = store.acquire("intervention@1", 1).await.expect("acquires");
    let lease = acquire(store, 1).await;
    store.commit(&other, &batch(vec![card(1, "theirs")])).await.expect("commits");
    store.commit(&lease, &batch(vec![card(1, "ours")])).await.expect("commits");
    assert_eq!(all(store).await, [card(1, "ours")]);
    assert_eq!(store.cards("nobody", &flags(), None, 10).await.expect("reads"), []);
    assert_eq!(store.count_cards("nobody", "flag").await.expect("reads"), []);
}

pub async fn cards_are_listed_page_by_page_over_all_shards(store: &impl StateStore) {
    let cards = [(4, "b"), (1, "a"), (3, "B"), (2, "b"), (5, "ä")].map(|(id, sort)| card(id, sort));
    for (shard, card) in (0..).zip(&cards) {
        let lease = acquire(store, shard).await;
        store.commit(&lease, &batch(vec![card.clone()])).await.expect("commits");
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.cards("risk@1", &flags(), after.as_ref(), 2).await.expect("reads");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.clone());
        listed.extend(page.into_iter().map(|card| (card.sort, card.id.as_u128())));
    }
    let expected = [("B", 3), ("a", 1), ("b", 2), ("b", 4), ("ä", 5)];
    assert_eq!(listed, expected.map(|(sort, id)| (sort.to_owned(), id)));
}

pub async fn cards_are_asked_for_by_what_they_say(store: &impl StateStore) {
    let lease = acquire(store, 1).await;
    let at = |school: &str, card: Card| Card { school: Some(school.into()), ..card };
    let cards = [
        at("100", card(1, "a")),
        at("200", card(2, "a")),
        card(3, "a"),
        Card { state: "cleared".into(), ..at("100", card(4, "a")) },
        Card { about: "behavior".into(), ..at("100", card(5, "a")) },
    ];
    store.commit(&lease, &batch(cards.to_vec())).await.expect("commits");
    for (which, expected) in [
        (CardQuery { school: Some("100"), ..flags() }, &[1, 4, 5][..]),
        (CardQuery { state: Some("open"), ..flags() }, &[1, 2, 3, 5]),
        (CardQuery { about: Some("behavior"), ..flags() }, &[5]),
        (
            CardQuery { school: Some("100"), state: Some("open"), about: Some("chronic-absence"), ..flags() },
            &[1],
        ),
        (CardQuery { school: Some("10"), ..flags() }, &[]),
        (CardQuery { kind: "case", ..flags() }, &[]),
    ] {
        let found = store.cards("risk@1", &which, None, 10).await.expect("reads");
        assert_eq!(ids(&found), expected, "{which:?}");
        assert!(found.iter().all(|card| which.takes(card)));
    }
    let rest = CardQuery { school: Some("100"), ..flags() };
    let rest = store.cards("risk@1", &rest, Some(&cards[0]), 1).await.expect("reads");
    assert_eq!(ids(&rest), [4]);
}

pub async fn cards_are_found_by_how_their_id_begins(store: &impl StateStore) {
    let lease = acquire(store, 1).await;
    let ids_of = [0x1a00_u128 << 112, (0x1aff_u128 << 112) + 7, 0x1b00_u128 << 112, 0xff00_u128 << 112];
    let cards = ids_of.map(|id| card(id, "z")).to_vec();
    store.commit(&lease, &batch(cards)).await.expect("commits");
    let begins = Uuid::from_u128(0x1a << 120)..=Uuid::from_u128((0x1b << 120) - 1);
    let found = store.cards_by_id("risk@1", "flag", begins.clone(), 10).await.expect("reads");
    assert_eq!(ids(&found), ids_of[..2]);
    let first = store.cards_by_id("risk@1", "flag", begins.clone(), 1).await.expect("reads");
    assert_eq!(ids(&first), ids_of[..1]);
    assert_eq!(store.cards_by_id("risk@1", "case", begins, 10).await.expect("reads"), []);
    let all = store.cards_by_id("risk@1", "flag", Uuid::nil()..=Uuid::max(), 10).await.expect("reads");
    assert_eq!(ids(&all), ids_of);
}

pub async fn cards_are_counted_by_how_they_stand(store: &impl StateStore) {
    let lease = acquire(store, 1).await;
    let cleared = Card { state: "cleared".into(), ..card(3, "a") };
    store.commit(&lease, &batch(vec![card(1, "a"), card(2, "a"), cleared])).await.expect("commits");
    let counts = store.count_cards("risk@1", "flag").await.expect("reads");
    assert_eq!(counts, [("cleared".to_owned(), 1), ("open".to_owned(), 2)]);
}

/// More than one statement of any database takes.
pub async fn many_cards_are_written_at_once(store: &impl StateStore) {
    let lease = acquire(store, 1).await;
    let cards: Vec<Card> = (0..5_003).map(|n| card(n, &format!("{n:05}"))).collect();
    store.commit(&lease, &batch(cards.clone())).await.expect("commits");
    assert!(store.cards("risk@1", &flags(), None, 6_000).await.expect("reads") == cards);
}

async fn acquire(store: &impl StateStore, shard: u32) -> Lease {
    store.acquire("risk@1", shard).await.expect("acquires")
}

async fn all(store: &impl StateStore) -> Vec<Card> {
    store.cards("risk@1", &flags(), None, 100).await.expect("reads")
}

fn flags() -> CardQuery<'static> {
    CardQuery { kind: "flag", ..CardQuery::default() }
}

fn ids(cards: &[Card]) -> Vec<u128> {
    cards.iter().map(|card| card.id.as_u128()).collect()
}

fn batch(cards: Vec<Card>) -> Batch {
    Batch { cards, ..Batch::default() }
}

fn card(id: u128, sort: &str) -> Card {
    Card {
        kind: "flag".into(),
        id: Uuid::from_u128(id),
        subject: vec![b's', 1],
        state: "open".into(),
        about: "chronic-absence".into(),
        school: None,
        sort: sort.into(),
        body: format!("{{\"id\":{id}}}"),
    }
}
