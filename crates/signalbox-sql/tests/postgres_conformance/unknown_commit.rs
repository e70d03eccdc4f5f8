//! Connections lost at COMMIT, and before it.

use signalbox_store::feed::{NewRun, Term};
use signalbox_store::{FeedStore, StateStore, StoreError};
use sqlx::Connection;

use crate::batches::moved;
use crate::proxy::Network;
use crate::server::Schema;

#[tokio::test]
async fn a_commit_that_is_lost_on_its_way_is_unknown_and_not_written() {
    let Some((schema, network, database)) = Network::before_a_schema().await else { return };
    let store = database.state();
    let lease = store.acquire("risk@1", 0).await.unwrap();
    store.commit(&lease, &moved(0, 1)).await.unwrap();
    network.lose_next_commit();
    assert!(matches!(store.commit(&lease, &moved(1, 2)).await, Err(StoreError::Unknown)));
    assert!(network.is_whole());

    let lease = store.acquire("risk@1", 0).await.expect("the pool has made a new connection");
    assert_eq!(lease.positions[0].next, 1);
    store.commit(&lease, &moved(1, 2)).await.unwrap();
    drop(schema);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_unknown_and_written() {
    let Some((schema, network, database)) = Network::before_a_schema().await else { return };
    let store = database.state();
    let lease = store.acquire("risk@1", 0).await.unwrap();
    network.lose_next_answer();
    assert!(matches!(store.commit(&lease, &moved(0, 1)).await, Err(StoreError::Unknown)));
    assert!(network.is_whole());

    assert!(matches!(store.commit(&lease, &moved(0, 1)).await, Err(StoreError::Moved)));
    let lease = store.acquire("risk@1", 0).await.unwrap();
    assert_eq!(lease.positions[0].next, 1);
    assert_eq!(store.load(&lease, &[b"a".to_vec()]).await.unwrap()[0].as_ref().unwrap().state[..], [1]);
    drop(schema);
}

#[tokio::test]
async fn a_run_whose_opening_is_unknown_is_found_open() {
    let Some((schema, network, database)) = Network::before_a_schema().await else { return };
    let store = database.feeds();
    let lease = store.take("sis", Term { holder: "one", now_ms: 0, until_ms: 0 }).await.unwrap();
    network.lose_next_answer();
    let new = || NewRun {
        payload: "sha256:aa".into(),
        name: "one".into(),
        opened_ms: 5,
        marks: Vec::new(),
        cause: "drop".into(),
    };
    assert!(matches!(store.open_run(&lease, new()).await, Err(StoreError::Unknown)));
    assert_eq!(store.open(&lease).await.unwrap(), Some(new().numbered("sis", 1)));
    drop(schema);
}

/// What an administrator or a failover does to a session.
#[tokio::test]
async fn a_session_that_was_ended_is_replaced() {
    let Some(schema) = Schema::fresh().await else { return };
    let store = schema.database().await.state();
    let lease = store.acquire("risk@1", 0).await.unwrap();
    let mut other = schema.connection().await;
    // Ended while a batch waits for its lock, so in the middle of a statement.
    let mut transaction = other.begin().await.unwrap();
    sqlx::query("SELECT FROM lease FOR UPDATE").execute(&mut *transaction).await.unwrap();
    let waiting = tokio::spawn({
        let (store, lease) = (store.clone(), lease.clone());
        async move { store.commit(&lease, &moved(0, 1)).await }
    });
    let session = schema.waits_for_a_lease().await;
    let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(session);
    end.execute(&mut *transaction).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Unavailable(_))), "nothing was written yet");
    transaction.rollback().await.unwrap();
    assert_eq!(store.positions("risk@1", 0).await.unwrap(), []);
    store.commit(&lease, &moved(0, 1)).await.expect("the pool has made a new connection");
}
