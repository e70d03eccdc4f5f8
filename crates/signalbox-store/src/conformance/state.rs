//! What every [`StateStore`] promises.

use uuid::Uuid;

use super::assert_refused;
use crate::outbox::NewEntry;
use crate::state::{Advance, Batch, Lease, Position, StateRow, Subject};
use crate::{Outbox, StateStore};

/// One test per promise of [`StateStore`]; the store must be an [`Outbox`] too.
#[macro_export]
macro_rules! state_conformance {
    ($make:expr) => {
        mod state_conformance {
            use super::*;
            $crate::conformance_cases! { state, $make,
                acquire_raises_the_epoch
                a_lease_carries_the_stored_positions
                an_earlier_lease_is_fenced
                shards_and_consumers_are_apart
                a_moved_position_refuses_the_batch
                a_partly_overlapping_batch_is_refused
                a_batch_is_all_or_nothing
                load_keeps_the_order_asked_for
                load_takes_many_subjects
                a_state_replaces_its_row
                the_last_of_two_states_of_a_subject_stands
                due_comes_earliest_first_up_to_a_limit
                a_row_without_due_date_is_not_due
                scan_pages_in_subject_order
                positions_need_no_lease
            }
        }
    };
}

pub async fn acquire_raises_the_epoch(store: &impl StateStore) {
    let first = acquire(store).await;
    let second = acquire(store).await;
    assert!(second.epoch > first.epoch);
    assert_eq!((second.consumer.as_str(), second.shard), ("risk@1", 3));
    assert_eq!(second.positions, []);
}

pub async fn a_lease_carries_the_stored_positions(store: &impl StateStore) {
    let lease = acquire(store).await;
    let mut batch = advance(0, 10);
    batch.advances.push(Advance { from: 0, to: position("another", 4, None) });
    store.commit(&lease, &batch).await.expect("commits");

    let mut positions = acquire(store).await.positions;
    positions.sort_by(|a, b| a.topic.cmp(&b.topic));
    assert_eq!(positions, [position("another", 4, None), position("topic", 10, Some("record-9"))]);
}

pub async fn an_earlier_lease_is_fenced(store: &(impl StateStore + Outbox)) {
    let earlier = acquire(store).await;
    store.commit(&earlier, &with_state("a", 1, Some(5))).await.expect("commits while it owns the shard");
    let later = acquire(store).await;

    let batch = Batch { states: vec![row("a", 2, None)], outbox: vec![entry(1)], ..advance(0, 1) };
    assert_refused!(store.commit(&earlier, &batch).await, Fenced);
    assert_refused!(store.load(&earlier, &[subject("a")]).await, Fenced);
    assert_refused!(store.due(&earlier, 10, 10).await, Fenced);

    assert_eq!(load(store, &later, "a").await, Some(row("a", 1, Some(5))));
    assert_eq!(store.positions("risk@1", 3).await.expect("reads"), []);
    assert_eq!(store.entries(0, 10).await.expect("reads"), []);
}

pub async fn shards_and_consumers_are_apart(store: &impl StateStore) {
    let lease = acquire(store).await;
    let other_shard = store.acquire("risk@1", 4).await.expect("acquires");
    let other_consumer = store.acquire("intervention@1", 3).await.expect("acquires");
    store.commit(&lease, &with_state("a", 1, Some(1))).await.expect("is not fenced by other shards");

    for other in [other_shard, other_consumer] {
        assert_eq!(load(store, &other, "a").await, None);
        assert_eq!(store.due(&other, 10, 10).await.expect("reads"), Vec::<Subject>::new());
        store.commit(&other, &advance(0, 7)).await.expect("has positions of its own");
    }
    assert_eq!(store.positions("risk@1", 3).await.expect("reads"), []);
}

pub async fn a_moved_position_refuses_the_batch(store: &(impl StateStore + Outbox)) {
    let lease = acquire(store).await;
    store.commit(&lease, &advance(0, 10)).await.expect("commits");
    for from in [0, 5, 11] {
        let batch = Batch { states: vec![row("a", 1, None)], outbox: vec![entry(1)], ..advance(from, 20) };
        assert_refused!(store.commit(&lease, &batch).await, Moved);
    }
    assert_eq!(load(store, &lease, "a").await, None);
    assert_eq!(store.entries(0, 10).await.expect("reads"), []);
    assert_eq!(stored_position(store).await, Some(10));
    store.commit(&lease, &advance(10, 20)).await.expect("goes on from what is stored");
    assert_eq!(stored_position(store).await, Some(20));
}

/// One topic of the batch begins where it should and another does not: neither moves.
pub async fn a_partly_overlapping_batch_is_refused(store: &impl StateStore) {
    let lease = acquire(store).await;
    store.commit(&lease, &advance(0, 10)).await.expect("commits");
    let fits = Advance { from: 0, to: position("another", 3, None) };
    let overlaps = Advance { from: 8, to: position("topic", 13, None) };
    for advances in [vec![fits.clone(), overlaps.clone()], vec![overlaps, fits]] {
        let batch = Batch { advances, states: vec![row("a", 1, None)], ..Batch::default() };
        assert_refused!(store.commit(&lease, &batch).await, Moved);
    }
    assert_eq!(load(store, &lease, "a").await, None);
    let positions = store.positions("risk@1", 3).await.expect("reads");
    assert_eq!(positions, [position("topic", 10, Some("record-9"))]);
}

pub async fn a_batch_is_all_or_nothing(store: &(impl StateStore + Outbox)) {
    let lease = acquire(store).await;
    let batch = || Batch { states: vec![row("a", 1, Some(3))], outbox: vec![entry(1)], ..advance(0, 10) };
    store.commit(&lease, &batch()).await.expect("commits");
    assert_refused!(store.commit(&lease, &batch()).await, Moved);

    assert_eq!(load(store, &lease, "a").await, Some(row("a", 1, Some(3))));
    assert_eq!(due(store, &lease, 3, 10).await, ["a"]);
    assert_eq!(stored_position(store).await, Some(10));
    assert_eq!(store.entries(0, 10).await.expect("reads").len(), 1);
}

pub async fn load_keeps_the_order_asked_for(store: &impl StateStore) {
    let lease = acquire(store).await;
    let states = ["a", "b", "c"].map(|name| row(name, 1, None)).to_vec();
    store.commit(&lease, &Batch { states, ..Batch::default() }).await.expect("commits");

    let asked = ["c", "missing", "a", "c"].map(subject);
    let names: Vec<_> = store.load(&lease, &asked).await.expect("reads").into_iter().map(name_of).collect();
    assert_eq!(names, [Some("c".into()), None, Some("a".into()), Some("c".into())]);
    assert_eq!(store.load(&lease, &[]).await.expect("reads"), []);
}

/// More subjects than one statement of any database takes, in an order of their own.
pub async fn load_takes_many_subjects(store: &impl StateStore) {
    let lease = acquire(store).await;
    let states: Vec<_> = (0..1_337).map(|n| row(&format!("{n:05}"), n, Some(i64::from(n)))).collect();
    let batch = Batch { states: states.clone(), ..Batch::default() };
    store.commit(&lease, &batch).await.expect("commits");

    let asked: Vec<Subject> = states.iter().rev().map(|row| row.subject.clone()).collect();
    let loaded = store.load(&lease, &asked).await.expect("reads");
    assert!(loaded.into_iter().eq(states.into_iter().rev().map(Some)));
}

pub async fn a_state_replaces_its_row(store: &impl StateStore) {
    let lease = acquire(store).await;
    store.commit(&lease, &with_state("a", 1, Some(5))).await.expect("commits");
    store.commit(&lease, &with_state("a", 2, None)).await.expect("commits");
    assert_eq!(load(store, &lease, "a").await, Some(row("a", 2, None)));
    assert_eq!(due(store, &lease, 10, 10).await, Vec::<String>::new());
}

pub async fn the_last_of_two_states_of_a_subject_stands(store: &impl StateStore) {
    let lease = acquire(store).await;
    let states = vec![row("a", 1, Some(1)), row("a", 2, Some(7))];
    store.commit(&lease, &Batch { states, ..Batch::default() }).await.expect("commits");
    assert_eq!(load(store, &lease, "a").await, Some(row("a", 2, Some(7))));
    assert_eq!(due(store, &lease, 6, 10).await, Vec::<String>::new());
}

pub async fn due_comes_earliest_first_up_to_a_limit(store: &impl StateStore) {
    let lease = acquire(store).await;
    let dates = [("late", 30), ("early", 10), ("middle", 20), ("later", 31), ("also early", 10)];
    let states = dates.map(|(name, due_ms)| row(name, 1, Some(due_ms))).to_vec();
    store.commit(&lease, &Batch { states, ..Batch::default() }).await.expect("commits");

    assert_eq!(due(store, &lease, 9, 10).await, Vec::<String>::new());
    assert_eq!(due(store, &lease, 30, 10).await, ["also early", "early", "middle", "late"]);
    assert_eq!(due(store, &lease, 30, 3).await, ["also early", "early", "middle"]);
}

pub async fn a_row_without_due_date_is_not_due(store: &impl StateStore) {
    let lease = acquire(store).await;
    store.commit(&lease, &with_state("a", 1, None)).await.expect("commits");
    assert_eq!(due(store, &lease, i64::MAX, 10).await, Vec::<String>::new());
}

pub async fn scan_pages_in_subject_order(store: &impl StateStore) {
    let lease = acquire(store).await;
    let states: Vec<_> = ["b", "a", "ab", "c"].map(|name| row(name, 1, None)).to_vec();
    store.commit(&lease, &Batch { states, ..Batch::default() }).await.expect("commits");

    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = store.scan("risk@1", 3, after.as_ref(), 3).await.expect("reads");
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.subject.clone());
        names.extend(page.into_iter().map(|row| text(&row.subject)));
    }
    assert_eq!(names, ["a", "ab", "b", "c"]);
    assert_eq!(store.scan("nobody", 3, None, 3).await.expect("reads"), []);
}

pub async fn positions_need_no_lease(store: &impl StateStore) {
    assert_eq!(store.positions("risk@1", 3).await.expect("reads"), []);
    let lease = acquire(store).await;
    store.commit(&lease, &advance(0, 10)).await.expect("commits");
    let positions = store.positions("risk@1", 3).await.expect("reads");
    assert_eq!(positions, [position("topic", 10, Some("record-9"))]);
    assert_eq!(store.positions("risk@1", 4).await.expect("reads"), []);
    store.commit(&lease, &advance(10, 11)).await.expect("looking fences nobody");
}

async fn acquire(store: &impl StateStore) -> Lease {
    store.acquire("risk@1", 3).await.expect("acquires")
}

async fn load(store: &impl StateStore, lease: &Lease, name: &str) -> Option<StateRow> {
    store.load(lease, &[subject(name)]).await.expect("reads").remove(0)
}

async fn due(store: &impl StateStore, lease: &Lease, now_ms: i64, max: usize) -> Vec<String> {
    let due = store.due(lease, now_ms, max).await.expect("reads");
    due.iter().map(|subject| text(subject)).collect()
}

async fn stored_position(store: &impl StateStore) -> Option<u64> {
    store.positions("risk@1", 3).await.expect("reads").first().map(|position| position.next)
}

fn advance(from: u64, to: u64) -> Batch {
    let last_id = to.checked_sub(1).map(|last| format!("record-{last}"));
    let to = position("topic", to, last_id.as_deref());
    Batch { advances: vec![Advance { from, to }], ..Batch::default() }
}

fn with_state(name: &str, content: u32, due_ms: Option<i64>) -> Batch {
    Batch { states: vec![row(name, content, due_ms)], ..Batch::default() }
}

fn position(topic: &str, next: u64, last_id: Option<&str>) -> Position {
    Position { topic: topic.into(), next, last_id: last_id.map(Into::into) }
}

fn row(name: &str, content: u32, due_ms: Option<i64>) -> StateRow {
    StateRow { subject: subject(name), state: content.to_be_bytes().to_vec().into(), due_ms }
}

fn subject(name: &str) -> Subject {
    name.as_bytes().to_vec()
}

fn text(subject: &[u8]) -> String {
    String::from_utf8_lossy(subject).into_owned()
}

fn name_of(row: Option<StateRow>) -> Option<String> {
    row.map(|row| text(&row.subject))
}

fn entry(id: u128) -> NewEntry {
    NewEntry {
        id: Uuid::from_u128(id),
        target: crate::outbox::TO_LOG.into(),
        lane: "lane".into(),
        kind: "risk.flag.raised".into(),
        flag_id: None,
        body: vec![1],
        created_ms: 0,
        withheld: None,
        part: false,
        end_of: None,
    }
}
