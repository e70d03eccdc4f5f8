//! Connections lost at COMMIT, and before it.

use signalbox_sql::postgres::{Database, connect};
use signalbox_store::feed::NewRun;
use signalbox_store::state::{Advance, Batch, Position, StateRow};
use signalbox_store::{FeedStore, StateStore, StoreError};
use sqlx::Connection;

use crate::proxy::Network;
use crate::server::{Schema, server, with_parameter};

#[tokio::test]
async fn a_commit_that_is_lost_on_its_way_is_unknown_and_not_written() {
    let Some((schema, network, database)) = behind_a_network().await else { return };
    let store = database.state();
    let lease = store.acquire("risk@1", 0).await.unwrap();
    store.commit(&lease, batch(0, 1)).await.unwrap();
    network.lose_next_commit();
    assert!(matches!(store.commit(&lease, batch(1, 2)).await, Err(StoreError::Unknown)));
    assert!(network.is_whole());

    let lease = store.acquire("risk@1", 0).await.expect("the pool has made a new connection");
    assert_eq!(lease.positions[0].next, 1);
    store.commit(&lease, batch(1, 2)).await.unwrap();
    drop(schema);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_unknown_and_written() {
    let Some((schema, network, database)) = behind_a_network().await else { return };
    let store = database.state();
    let lease = store.acquire("risk@1", 0).await.unwrap();
    network.lose_next_answer();
    assert!(matches!(store.commit(&lease, batch(0, 1)).await, Err(StoreError::Unknown)));
    assert!(network.is_whole());

    assert!(matches!(store.commit(&lease, batch(0, 1)).await, Err(StoreError::Moved)));
    let lease = store.acquire("risk@1", 0).await.unwrap();
    assert_eq!(lease.positions[0].next, 1);
    assert_eq!(store.load(&lease, &[b"a".to_vec()]).await.unwrap()[0].as_ref().unwrap().state, [1]);
    drop(schema);
}

#[tokio::test]
async fn a_run_whose_opening_is_unknown_is_found_open() {
    let Some((schema, network, database)) = behind_a_network().await else { return };
    let store = database.feeds();
    let lease = store.lease("sis").await.unwrap();
    network.lose_next_answer();
    let new = || NewRun {
        payload: "sha256:aa".into(),
        name: "one".into(),
        opened_ms: 5,
        cursor: None,
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
        async move { store.commit(&lease, batch(0, 1)).await }
    });
    let session = schema.waits_for_a_lease().await;
    let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(session);
    end.execute(&mut *transaction).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Unavailable(_))), "nothing was written yet");
    transaction.rollback().await.unwrap();
    assert_eq!(store.positions("risk@1", 0).await.unwrap(), []);
    store.commit(&lease, batch(0, 1)).await.expect("the pool has made a new connection");
}

async fn behind_a_network() -> Option<(Schema, Network, Database)> {
    let schema = Schema::fresh().await?;
    let server = url::Url::parse(&server()?).expect("is a URL");
    let host = server.host_str().expect("names a host");
    let network = Network::default();
    let port = network.to(format!("{host}:{}", server.port().unwrap_or(5432))).await;
    let mut url = url::Url::parse(&schema.url()).expect("is a URL");
    url.set_host(Some("127.0.0.1")).expect("takes a host");
    url.set_port(Some(port)).expect("takes a port");
    // In clear text, so that the network sees a COMMIT.
    let url = with_parameter(url.as_str(), "sslmode", "disable");
    let options = schema.options();
    Some((schema, network, connect(&url, &options).await.expect("connects")))
}

fn batch(from: u64, to: u64) -> Batch {
    let to = Position { topic: "topic".into(), next: to, last_id: None };
    let state = StateRow { subject: b"a".to_vec(), state: vec![to.next as u8], due_ms: None };
    Batch { advances: vec![Advance { from, to }], states: vec![state], ..Batch::default() }
}
