//! Two processes that both believe they own a shard or a feed.

use std::time::Duration;

use signalbox_store::feed::{Closing, LedgerRow, LedgerStatus, NewRun, Outcome, Scope, Term};
use signalbox_store::state::Lease;
use signalbox_store::{FeedStore, StateStore, StoreError};
use sqlx::Connection;

use crate::batches::moved;
use crate::proxy::Network;
use crate::server::Schema;

#[tokio::test]
async fn another_processes_lease_fences() {
    let Some(schema) = Schema::fresh().await else { return };
    let (one, other) = (schema.database().await.state(), schema.database().await.state());
    let earlier = one.acquire("risk@1", 0).await.unwrap();
    one.commit(&earlier, &moved(0, 1)).await.unwrap();
    let later = other.acquire("risk@1", 0).await.unwrap();
    assert_eq!(later.positions[0].next, 1);
    assert!(matches!(one.commit(&earlier, &moved(1, 2)).await, Err(StoreError::Fenced)));
    assert!(matches!(one.load(&earlier, &[b"a".to_vec()]).await, Err(StoreError::Fenced)));
    other.commit(&later, &moved(1, 2)).await.unwrap();
    assert_eq!(one.positions("risk@1", 0).await.unwrap()[0].next, 2);
}

/// Many owners in turn, none of whom knows of the others: what is stored is one line of batches.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_that_race_leave_one_line_of_batches() {
    let Some(schema) = Schema::fresh().await else { return };
    let mut racing = Vec::new();
    for _ in 0..4 {
        let store = schema.database().await.state();
        racing.push(tokio::spawn(async move {
            let mut written = 0;
            let mut lease = store.acquire("risk@1", 0).await.unwrap();
            for _ in 0..40 {
                let at = next(&lease);
                match store.commit(&lease, &moved(at, at + 1)).await {
                    Ok(()) => {
                        written += 1;
                        lease.positions = store.positions("risk@1", 0).await.unwrap();
                    }
                    Err(StoreError::Fenced | StoreError::Moved) => {
                        lease = store.acquire("risk@1", 0).await.unwrap();
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
            written
        }));
    }
    let mut written = 0;
    for owner in racing {
        written += owner.await.unwrap();
    }
    let store = schema.database().await.state();
    assert_eq!(
        next(&store.acquire("risk@1", 0).await.unwrap()),
        written,
        "each written batch moved it by one"
    );
}

/// Without it, the next owner could read positions that are about to change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_lease_waits_for_the_batch_in_hand() {
    let Some((schema, network, database)) = Network::before_a_schema().await else { return };
    let (one, other) = (database.state(), schema.database().await.state());
    let lease = one.acquire("risk@1", 0).await.unwrap();
    // Only a new topic: no position is there that the next owner would have to wait for.
    network.keep_next_commit_back();
    let in_hand = tokio::spawn(async move { one.commit(&lease, &moved(0, 9)).await });
    network.keeps_a_commit_back().await;
    let waiting = tokio::spawn(async move { other.acquire("risk@1", 0).await });
    schema.waits_for_a_lease().await;
    network.let_go();
    in_hand.await.unwrap().expect("was first");
    assert_eq!(next(&waiting.await.unwrap().unwrap()), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_lease_of_a_feed_waits_for_the_rows_in_hand() {
    let Some((schema, network, database)) = Network::before_a_schema().await else { return };
    let (one, other) = (database.feeds(), schema.database().await.feeds());
    let lease = one.take("sis", term("one")).await.unwrap();
    let scope = Scope { entity: 1, school_year: 2022 };
    network.keep_next_commit_back();
    let in_hand = tokio::spawn(async move { one.record(&lease, scope, &[ledger_row()]).await });
    network.keeps_a_commit_back().await;
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { other.take("sis", term("other")).await }
    });
    schema.waits_for_a_lease().await;
    network.let_go();
    in_hand.await.unwrap().expect("was first");
    waiting.await.unwrap().unwrap();
    assert_eq!(other.ledger("sis", scope, None, 10).await.unwrap(), [ledger_row()]);
}

#[tokio::test]
async fn another_processes_lease_of_a_feed_fences() {
    let Some(schema) = Schema::fresh().await else { return };
    let (one, other) = (schema.database().await.feeds(), schema.database().await.feeds());
    let earlier = one.take("sis", term("one")).await.unwrap();
    let run = one.open_run(&earlier, new_run()).await.unwrap();
    let later = other.take("sis", term("other")).await.unwrap();
    let scope = Scope { entity: 1, school_year: 2022 };
    assert!(matches!(one.record(&earlier, scope, &[ledger_row()]).await, Err(StoreError::Fenced)));
    assert!(matches!(one.close_run(&earlier, run.number, closing()).await, Err(StoreError::Fenced)));
    assert_eq!(other.open(&later).await.unwrap(), Some(run));
    other.record(&later, scope, &[ledger_row()]).await.unwrap();
    assert_eq!(one.ledger("sis", scope, None, 10).await.unwrap(), [ledger_row()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_ask_at_once_one_is_granted() {
    let Some(schema) = Schema::fresh().await else { return };
    let database = schema.database().await;
    // Of a feed that nobody ever had, and again of one whose term is over.
    for now_ms in [0, 100] {
        let ask = |holder: String| {
            let store = database.feeds();
            let until_ms = now_ms + 100;
            tokio::spawn(async move { store.lease("sis", Term { holder: &holder, now_ms, until_ms }).await })
        };
        let asking: Vec<_> = (0..8).map(|n| ask(format!("holder {n} at {now_ms}"))).collect();
        let mut granted = 0;
        for one in asking {
            granted += u32::from(one.await.unwrap().unwrap().is_some());
        }
        assert_eq!(granted, 1);
    }
}

#[tokio::test]
async fn a_refused_lease_waits_for_nobody_and_uses_no_number_up() {
    let Some(schema) = Schema::fresh().await else { return };
    let store = schema.database().await.feeds();
    store.lease("sis", Term { until_ms: 100, ..term("one") }).await.unwrap().expect("is free");
    let mut connection = schema.connection().await;
    let mut in_hand = connection.begin().await.unwrap();
    sqlx::query("SELECT FROM feed FOR UPDATE").execute(&mut *in_hand).await.unwrap();
    for _ in 0..3 {
        let asked = tokio::time::timeout(Duration::from_secs(5), store.lease("sis", term("two"))).await;
        assert_eq!(asked.expect("does not wait").unwrap(), None);
    }
    in_hand.rollback().await.unwrap();
    store.take("next", term("one")).await.unwrap();
    let numbers: Vec<i32> =
        sqlx::query_scalar("SELECT id FROM feed ORDER BY id").fetch_all(&mut connection).await.unwrap();
    assert_eq!(numbers, [1, 2]);
}

const fn term(holder: &str) -> Term<'_> {
    Term { holder, now_ms: 0, until_ms: 0 }
}

fn next(lease: &Lease) -> u64 {
    lease.positions.first().map_or(0, |position| position.next)
}

fn new_run() -> NewRun {
    NewRun {
        payload: "sha256:aa".into(),
        name: "one".into(),
        opened_ms: 5,
        marks: Vec::new(),
        cause: "drop".into(),
    }
}

fn closing() -> Closing {
    Closing::new(Outcome::Accepted, "{}".into())
}

fn ledger_row() -> LedgerRow {
    LedgerRow {
        key: [1; 16],
        content: 1,
        revision: 1,
        status: LedgerStatus::Live,
        read_ms: 1,
        detail: vec![7; 3_000],
    }
}
