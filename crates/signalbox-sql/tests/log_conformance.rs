//! The log's conformance suite on SQLite, and what only a file can be asked.

use std::path::Path;

use bytes::Bytes;
use signalbox_log::conformance::Fixture;
use signalbox_log::{Delivery, EventLog, Message, Record};
use signalbox_sql::sqlite::SqliteLog;
use signalbox_sql::sqlite::log::CreateTopicsError;
use tempfile::TempDir;

async fn fresh(topics: &[(&str, u32)]) -> Fixture {
    let folder = TempDir::new().expect("a temporary folder");
    let log = open(folder.path()).await;
    log.create_topics(topics).await.expect("the topics are new");
    Fixture::new(log).holding(folder)
}

signalbox_log::log_conformance!(fresh);

/// As a trial on servers has it: what is appended to a log that stays as it is goes to a file.
mod on_top {
    use std::sync::Arc;

    use signalbox_log::{MemoryLog, OverlayLog};

    use super::*;

    async fn fresh(topics: &[(&str, u32)]) -> Fixture {
        let base = MemoryLog::with_topics(topics.iter().copied());
        let folder = TempDir::new().expect("a temporary folder");
        let top = open(folder.path()).await;
        top.create_topics(topics).await.expect("the topics are new");
        Fixture::new(OverlayLog::new(Arc::new(base), top)).holding(folder)
    }

    signalbox_log::log_conformance!(fresh);
}

async fn open(folder: &Path) -> SqliteLog {
    SqliteLog::open(&folder.join("log.db")).await.expect("the file opens")
}

fn messages(numbers: std::ops::Range<u32>) -> Vec<Message> {
    let message = |n: u32| Message {
        topic: "a".to_owned(),
        shard: n % 2,
        key: None,
        headers: [("n", n.to_string())].into_iter().collect(),
        value: Bytes::from(n.to_string()),
    };
    numbers.map(message).collect()
}

/// Offsets and values of both shards.
async fn everything(log: &SqliteLog) -> Vec<(u32, u64, String)> {
    let text = |record: Record| {
        (record.shard, record.offset, String::from_utf8(record.value.to_vec()).expect("text"))
    };
    let mut all = Vec::new();
    for shard in [0, 1] {
        all.extend(log.read("a", shard, 0, 1_000).await.expect("the shard is there").into_iter().map(text));
    }
    all
}

fn expected(numbers: std::ops::Range<u32>) -> Vec<(u32, u64, String)> {
    let shard = |shard| numbers.clone().filter(move |n| n % 2 == shard).enumerate();
    let entry = |shard| move |(offset, n): (usize, u32)| (shard, offset as u64, n.to_string());
    shard(0).map(entry(0)).chain(shard(1).map(entry(1))).collect()
}

#[tokio::test]
async fn a_reopened_log_has_everything_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    log.create_topics(&[("a", 2)]).await.unwrap();
    log.append(&messages(0..100)).await.unwrap();
    drop(log);
    let log = open(folder.path()).await;
    assert_eq!(everything(&log).await, expected(0..100));
    log.append(&messages(100..110)).await.unwrap();
    assert_eq!(everything(&log).await, expected(0..110));
    assert_eq!(log.bounds("a", 1).await.unwrap(), 0..55);
}

#[tokio::test]
async fn a_second_handle_reads_what_the_first_appends() {
    let folder = TempDir::new().unwrap();
    let (first, second) = (open(folder.path()).await, open(folder.path()).await);
    first.create_topics(&[("a", 2)]).await.unwrap();
    assert_eq!(second.shards("a").await.unwrap(), Some(2));

    let mut subscription = second.join("g", &["a".to_owned()]).await.unwrap();
    assert_eq!(subscription.next(10).await.unwrap(), Delivery::Assigned(vec![0, 1]));
    subscription.start(1, &[]).await.unwrap();
    let (delivery, appended) = tokio::join!(subscription.next(10), async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        first.append(&messages(0..4)).await
    });
    appended.unwrap();
    let Delivery::Records { shard: 1, records } = delivery.unwrap() else { panic!("not shard 1") };
    assert_eq!(records.iter().map(|record| &record.value[..]).collect::<Vec<_>>(), [b"1", b"3"]);
    assert_eq!(everything(&second).await, expected(0..4));
}

/// A command beside a running hub appends too: nobody's offset is taken twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_handles_append_in_turns() {
    let folder = TempDir::new().unwrap();
    let (first, second) = (open(folder.path()).await, open(folder.path()).await);
    first.create_topics(&[("a", 2)]).await.unwrap();
    let append = |log: SqliteLog, numbers: std::ops::Range<u32>| async move {
        for message in messages(numbers) {
            log.append(&[message]).await.unwrap();
        }
    };
    let (one, other) = (tokio::spawn(append(first.clone(), 0..40)), tokio::spawn(append(second, 40..80)));
    one.await.unwrap();
    other.await.unwrap();
    let everything = everything(&first).await;
    let mut numbers: Vec<u32> = everything.iter().map(|(_, _, n)| n.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..80).collect::<Vec<_>>());
    let places = everything.iter().map(|(shard, offset, _)| (*shard, *offset));
    assert!(places.eq((0..2).flat_map(|shard| (0..40).map(move |offset| (shard, offset)))));
}

#[tokio::test]
async fn two_handles_open_a_new_file_at_once() {
    let folder = TempDir::new().unwrap();
    let (first, second) = tokio::join!(open(folder.path()), open(folder.path()));
    let (one, other) =
        tokio::join!(first.create_topics(&[("a", 2)]), second.create_topics(&[("a", 2), ("b", 1)]));
    one.unwrap();
    other.unwrap();
    assert_eq!(first.shards("b").await.unwrap(), Some(1));
}

#[tokio::test]
async fn create_topics_again_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    log.create_topics(&[("a", 2)]).await.unwrap();
    log.append(&messages(0..4)).await.unwrap();
    log.create_topics(&[("a", 2), ("b", 1)]).await.unwrap();
    assert_eq!(everything(&log).await, expected(0..4));
    assert_eq!(log.shards("b").await.unwrap(), Some(1));
}

#[tokio::test]
async fn create_topics_refuses_another_number_of_shards() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    log.create_topics(&[("a", 2)]).await.unwrap();
    let refused = log.create_topics(&[("new", 1), ("a", 3)]).await;
    let Err(CreateTopicsError::OtherShards { topic, has: 2, wanted: 3 }) = refused else {
        panic!("the number of shards is fixed: {refused:?}")
    };
    assert_eq!(topic, "a");
    assert_eq!(log.shards("new").await.unwrap(), None, "all or none");
    log.append(&messages(0..2)).await.unwrap();
}

#[tokio::test]
async fn a_refused_append_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    log.create_topics(&[("a", 2)]).await.unwrap();
    let mut slice = messages(0..3);
    slice.push(Message { shard: 9, ..slice[0].clone() });
    log.append(&slice).await.unwrap_err();
    assert_eq!(everything(&log).await, []);
}
