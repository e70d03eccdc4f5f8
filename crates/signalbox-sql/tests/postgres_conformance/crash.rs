//! kill -9 of a server of our own, and its restart.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use signalbox_sql::postgres::{PgState, connect, migrate};
use signalbox_store::state::{Batch, Lease, StateRow};
use signalbox_store::{FeedStore, Outbox, StateStore, StoreError};
use uuid::Uuid;

use crate::batches::step;
use crate::server::{few_connections, server};

/// A server that a test may kill.
struct OwnServer {
    dir: PathBuf,
    url: String,
}

impl OwnServer {
    fn start() -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-{}", std::process::id()));
        let printed = script("start", &dir);
        let url = printed.trim().strip_prefix("export SIGNALBOX_TEST_POSTGRES=").expect("prints the URL");
        Self { url: url.to_owned(), dir }
    }

    fn kill(&self) {
        script("kill", &self.dir);
    }

    fn restart(&self) {
        script("restart", &self.dir);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        script("stop", &self.dir);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_unavailable_and_then_goes_on_where_it_was() {
    if server().is_none() {
        return;
    }
    let own = OwnServer::start();
    migrate(&own.url).await.unwrap();
    let database = connect(&own.url, &few_connections()).await.unwrap();
    let store = database.state();
    let lease = store.acquire("risk@1", 0).await.unwrap();

    let working = tokio::spawn(commit_until_it_fails(store.clone(), lease));
    tokio::time::sleep(Duration::from_millis(300)).await;
    own.kill();
    let (acknowledged, failure) = working.await.unwrap();
    assert!(acknowledged > 0);
    assert!(matches!(failure, StoreError::Unknown | StoreError::Unavailable(_)), "{failure:?}");
    assert_unavailable(&store).await;

    own.restart();
    let lease = until_available(&store).await;
    let stored = lease.positions[0].next;
    assert!(
        stored == acknowledged || matches!(failure, StoreError::Unknown) && stored == acknowledged + 1,
        "acknowledged {acknowledged}, stored {stored}, {failure:?}"
    );
    let entries = store.entries(0, usize::MAX).await.unwrap();
    assert_eq!(entries.len() as u64, stored, "each batch wrote one");
    let state = store.load(&lease, &[b"a".to_vec()]).await.unwrap().remove(0).unwrap();
    assert_eq!(state.state[..], stored.to_be_bytes());
    store.commit(&lease, &batch(stored)).await.expect("goes on");
    assert_eq!(database.feeds().feeds().await.expect("feeds answer too"), []);
}

async fn commit_until_it_fails(store: PgState, lease: Lease) -> (u64, StoreError) {
    let mut at = 0;
    loop {
        match store.commit(&lease, &batch(at)).await {
            Ok(()) => at += 1,
            Err(failure) => return (at, failure),
        }
    }
}

async fn assert_unavailable(store: &PgState) {
    let begun = Instant::now();
    let (acquired, due, claimed) = tokio::join!(
        store.acquire("risk@1", 0),
        store.scan("risk@1", 0, None, 1),
        store.claim("log", 0, 1, 1)
    );
    assert!(matches!(acquired, Err(StoreError::Unavailable(_))), "{acquired:?}");
    assert!(matches!(due, Err(StoreError::Unavailable(_))), "{due:?}");
    assert!(matches!(claimed, Err(StoreError::Unavailable(_))), "{claimed:?}");
    assert!(begun.elapsed() < Duration::from_secs(8), "within the acquire timeout of 3 s");
}

async fn until_available(store: &PgState) -> Lease {
    let begun = Instant::now();
    loop {
        match store.acquire("risk@1", 0).await {
            Ok(lease) => return lease,
            Err(StoreError::Unavailable(_)) if begun.elapsed() < Duration::from_secs(20) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Runs scripts/postgres and answers what it printed.
fn script(command: &str, dir: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres");
    let mut run = Command::new(script);
    run.args([command, "--dir"]).arg(dir).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = run.output().expect("runs scripts/postgres");
    assert!(output.status.success(), "scripts/postgres {command} failed");
    String::from_utf8(output.stdout).expect("prints text")
}

/// The position, one state and the outbox say the same number.
fn batch(at: u64) -> Batch {
    let mut batch = step(at);
    batch.states[0] =
        StateRow { subject: b"a".to_vec(), state: (at + 1).to_be_bytes().to_vec().into(), due_ms: None };
    batch.outbox[0].id = Uuid::from_u128(u128::from(at));
    batch
}
