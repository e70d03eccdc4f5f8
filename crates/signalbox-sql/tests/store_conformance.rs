//! The SQLite stores against the suites, and what only a file can promise.

use signalbox_sql::sqlite::{SqliteFeeds, SqliteState};
use signalbox_store::feed::{LedgerRow, LedgerStatus, Scope, Term};
use signalbox_store::state::{Advance, Batch, Position, StateRow};
use signalbox_store::{FeedStore, StateStore, StoreError};
use tempfile::TempDir;

signalbox_store::state_conformance!(state());
signalbox_store::card_conformance!(state());
signalbox_store::outbox_conformance!(state());
signalbox_store::feed_conformance!(feeds());

async fn state() -> (SqliteState, TempDir) {
    let dir = TempDir::new().expect("makes a directory");
    (SqliteState::open(&dir.path().join("state.db")).await.expect("opens"), dir)
}

async fn feeds() -> (SqliteFeeds, TempDir) {
    let dir = TempDir::new().expect("makes a directory");
    (SqliteFeeds::open(&dir.path().join("feeds.db")).await.expect("opens"), dir)
}

#[tokio::test]
async fn state_outlives_its_process() {
    let (store, dir) = state().await;
    let lease = store.acquire("risk@1", 0).await.unwrap();
    store.commit(&lease, &batch(0, 1)).await.unwrap();
    drop(store);

    let store = SqliteState::open(&dir.path().join("state.db")).await.unwrap();
    assert!(matches!(store.commit(&lease, &batch(0, 1)).await, Err(StoreError::Moved)));
    let lease = store.acquire("risk@1", 0).await.unwrap();
    assert_eq!(lease.epoch, 2);
    assert_eq!(lease.positions[0].next, 1);
    assert_eq!(store.load(&lease, &[b"a".to_vec()]).await.unwrap(), [Some(row())]);
}

#[tokio::test]
async fn another_handle_on_the_same_file_fences() {
    let (one, dir) = state().await;
    let other = SqliteState::open(&dir.path().join("state.db")).await.unwrap();
    let earlier = one.acquire("risk@1", 0).await.unwrap();
    let later = other.acquire("risk@1", 0).await.unwrap();
    assert!(matches!(one.commit(&earlier, &batch(0, 1)).await, Err(StoreError::Fenced)));
    other.commit(&later, &batch(0, 1)).await.unwrap();
    assert_eq!(one.scan("risk@1", 0, None, 10).await.unwrap(), [row()]);
}

#[tokio::test]
async fn a_snapshot_holds_the_last_commit_and_nothing_later() {
    let (store, dir) = state().await;
    let lease = store.acquire("risk@1", 0).await.unwrap();
    store.commit(&lease, &batch(0, 1)).await.unwrap();
    let path = dir.path().join("copy.db");
    store.snapshot_to(&path).await.unwrap();
    store.commit(&lease, &Batch { states: vec![], ..batch(1, 2) }).await.unwrap();

    let copy = SqliteState::open(&path).await.unwrap();
    assert_eq!(copy.positions("risk@1", 0).await.unwrap()[0].next, 1);
    assert_eq!(copy.scan("risk@1", 0, None, 10).await.unwrap(), [row()]);
    let lease = copy.acquire("risk@1", 0).await.unwrap();
    copy.commit(&lease, &batch(1, 9)).await.unwrap();
    assert_eq!(store.positions("risk@1", 0).await.unwrap()[0].next, 2, "the copy is apart");
    assert!(store.snapshot_to(&path).await.is_err(), "an existing file is not overwritten");
}

#[tokio::test]
async fn a_snapshot_of_feeds_holds_the_ledger() {
    let (store, dir) = feeds().await;
    let lease = store.take("attendance", Term { holder: "one", now_ms: 0, until_ms: 0 }).await.unwrap();
    let scope = Scope { entity: 1, school_year: 2022 };
    let row = LedgerRow {
        key: [3; 16],
        content: 1,
        revision: 1,
        status: LedgerStatus::Live,
        read_ms: 1,
        detail: vec![1],
    };
    store.record(&lease, scope, std::slice::from_ref(&row)).await.unwrap();
    let path = dir.path().join("copy.db");
    store.snapshot_to(&path).await.unwrap();

    let copy = SqliteFeeds::open(&path).await.unwrap();
    assert_eq!(copy.ledger("attendance", scope, None, 10).await.unwrap(), [row]);
    assert_eq!(copy.ledger_counts("attendance").await.unwrap().live, 1);
}

fn batch(from: u64, to: u64) -> Batch {
    let to = Position { topic: "topic".into(), next: to, last_id: None };
    Batch { advances: vec![Advance { from, to }], states: vec![row()], ..Batch::default() }
}

fn row() -> StateRow {
    StateRow { subject: b"a".to_vec(), state: vec![1, 2].into(), due_ms: Some(3) }
}
