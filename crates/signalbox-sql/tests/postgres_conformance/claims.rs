//! Many writers and many claimers at once.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use signalbox_sql::postgres::PgState;
use signalbox_store::outbox::{EntryState, NewEntry, Settled};
use signalbox_store::state::Batch;
use signalbox_store::{Outbox, StateStore};

use crate::batches;
use crate::proxy::Network;
use crate::server::Schema;

const TARGET: &str = "counselor";
const SHARDS: u32 = 3;
const BATCHES: u128 = 40;
/// Entries of a batch; each has a lane that the shard's other batches have too.
const LANES: u128 = 5;
const CLAIMERS: usize = 4;

/// Longer than the test: no claim lapses.
const HOLD_MS: i64 = 3_600_000;

/// What the claimers have in hand, and have delivered in this order.
#[derive(Default)]
struct Seen {
    held: HashSet<String>,
    delivered: BTreeMap<String, Vec<u64>>,
    lists: Vec<u64>,
}

/// Writers of several shards, one of whom writes lists for the recipient, and claimers of several processes: no lane
/// is ever held twice, every lane comes in order, and nothing overtakes a list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claimers_never_hold_a_lane_twice_and_keep_its_order() {
    let Some(schema) = Schema::fresh().await else { return };
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut tasks = tokio::task::JoinSet::new();
    for shard in 0..SHARDS {
        let store = schema.database().await.state();
        tasks.spawn(async move { write(&store, shard).await });
    }
    for _ in 0..CLAIMERS {
        let store = schema.database().await.state();
        let seen = seen.clone();
        tasks.spawn(async move { deliver(&store, &seen).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("neither fails");
    }

    let entries = schema.database().await.state().entries(0, usize::MAX).await.unwrap();
    assert_eq!(entries.len() as u128, expected());
    assert!(entries.iter().all(|entry| entry.state == EntryState::Delivered && entry.attempts == 1));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.lists.len() as u128, BATCHES / 4);
    for (lane, order) in &seen.delivered {
        assert!(order.is_sorted(), "lane {lane} came as {order:?}");
    }
}

/// Numbers are given before COMMIT: what gets a later number must not be there before the list is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_after_a_list_waits_for_it() {
    let Some((schema, network, database)) = Network::before_a_schema().await else { return };
    let (one, other) = (database.state(), schema.database().await.state());
    let in_hand = commit_kept_back(&network, one, entry(1, TARGET)).await;
    let lease = other.acquire("risk@1", 1).await.unwrap();
    let later = tokio::spawn({
        let other = other.clone();
        async move { other.commit(&lease, &writing(entry(2, "lane"))).await }
    });
    schema.waits_for_a_lease().await;
    assert_eq!(other.claim(TARGET, 0, HOLD_MS, 9).await.unwrap(), []);
    network.let_go();
    in_hand.await.unwrap();
    later.await.unwrap().unwrap();
    let claims = other.claim(TARGET, 0, HOLD_MS, 9).await.unwrap();
    assert_eq!(claims.iter().map(|claim| claim.entry.id.as_u128()).collect::<Vec<_>>(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_no_list_waits_for_nobody() {
    let Some((schema, network, database)) = Network::before_a_schema().await else { return };
    let (one, other) = (database.state(), schema.database().await.state());
    let in_hand = commit_kept_back(&network, one, entry(1, "lane")).await;
    let lease = other.acquire("risk@1", 1).await.unwrap();
    other.commit(&lease, &writing(entry(2, "another"))).await.unwrap();
    assert_eq!(other.claim(TARGET, 0, HOLD_MS, 9).await.unwrap().len(), 1);
    network.let_go();
    in_hand.await.unwrap();
}

/// Writes an entry as shard 0, all but its COMMIT.
async fn commit_kept_back(network: &Network, store: PgState, entry: NewEntry) -> tokio::task::JoinHandle<()> {
    let lease = store.acquire("risk@1", 0).await.expect("acquires");
    network.keep_next_commit_back();
    let in_hand = tokio::spawn(async move { store.commit(&lease, &writing(entry)).await.expect("commits") });
    network.keeps_a_commit_back().await;
    in_hand
}

fn writing(entry: NewEntry) -> Batch {
    Batch { outbox: vec![entry], ..Batch::default() }
}

const fn expected() -> u128 {
    SHARDS as u128 * BATCHES * LANES + BATCHES / 4
}

async fn write(store: &PgState, shard: u32) {
    let lease = store.acquire("risk@1", shard).await.expect("answers");
    for batch in 0..BATCHES {
        let number = |place: u128| u128::from(shard) << 64 | batch << 32 | place;
        let mut outbox: Vec<NewEntry> =
            (0..LANES).map(|lane| entry(number(lane), &format!("{shard}-{lane}"))).collect();
        if shard == 0 && batch % 4 == 3 {
            outbox.insert(2, entry(number(99), TARGET));
        }
        store.commit(&lease, &Batch { outbox, ..Batch::default() }).await.expect("answers");
    }
}

async fn deliver(store: &PgState, seen: &Mutex<Seen>) {
    loop {
        let claims = store.claim(TARGET, 0, HOLD_MS, 3).await.expect("answers");
        for claim in &claims {
            let mut seen = seen.lock().expect("answers");
            assert!(seen.held.insert(claim.entry.lane.clone()), "lane {} is held twice", claim.entry.lane);
        }
        for claim in claims {
            {
                let mut seen = seen.lock().expect("answers");
                // A list that is delivered after something written later was overtaken.
                if claim.entry.lane == TARGET {
                    let last = seen.delivered.values().flatten().max().copied().unwrap_or(0);
                    assert!(last < claim.entry.seq, "{last} overtook the list {}", claim.entry.seq);
                    seen.lists.push(claim.entry.seq);
                }
                seen.delivered.entry(claim.entry.lane.clone()).or_default().push(claim.entry.seq);
                seen.held.remove(&claim.entry.lane);
            }
            assert!(store.settle(&claim, Settled::Delivered, None).await.expect("answers"));
        }
        let delivered: usize = seen.lock().expect("answers").delivered.values().map(Vec::len).sum();
        if delivered as u128 == expected() {
            return;
        }
    }
}

fn entry(number: u128, lane: &str) -> NewEntry {
    NewEntry { target: TARGET.into(), lane: lane.into(), ..batches::entry(number) }
}
