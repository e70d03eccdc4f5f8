use std::sync::Arc;

use super::OverlayLog;
use crate::compacted::CompactedLog;
use crate::conformance::Fixture;
use crate::{
    Delivery, EventLog, Headers, LogError, MemoryLog, Message, Record, Shard, StartAt, Subscription,
};

async fn over_an_empty_log(topics: &[(&str, u32)]) -> Fixture {
    let log = || MemoryLog::with_topics(topics.iter().copied());
    Fixture::new(OverlayLog::new(Arc::new(log()), log()))
}

async fn over_nothing(topics: &[(&str, u32)]) -> Fixture {
    let top = MemoryLog::with_topics(topics.iter().copied());
    Fixture::new(OverlayLog::new(Arc::new(MemoryLog::default()), top))
}

mod over_an_empty_log {
    crate::log_conformance!(super::over_an_empty_log);
}

mod over_nothing {
    crate::log_conformance!(super::over_nothing);
}

fn numbered(topic: &str, shard: Shard, numbers: impl IntoIterator<Item = u64>) -> Vec<Message> {
    let message = |number: u64| {
        let (topic, value) = (topic.to_owned(), number.to_string().into());
        Message { topic, shard, key: None, headers: Headers::default(), value }
    };
    numbers.into_iter().map(message).collect()
}

const TOPICS: [(&str, u32); 2] = [("a", 2), ("b", 1)];

/// A trial, with the topics of the base.
fn over(base: impl EventLog + 'static) -> OverlayLog<MemoryLog> {
    OverlayLog::new(Arc::new(base), MemoryLog::with_topics(TOPICS))
}

/// A log whose records of topic `a` shard 1 have their offsets as values.
async fn base(records: u64) -> MemoryLog {
    let log = MemoryLog::with_topics(TOPICS);
    log.append(&numbered("a", 1, 0..records)).await.expect("memory answers");
    log
}

/// The values, having checked that they are the offsets.
fn numbers(records: &[Record]) -> Vec<u64> {
    let number = |record: &Record| {
        let number = std::str::from_utf8(&record.value).ok().and_then(|value| value.parse().ok());
        assert_eq!(number, Some(record.offset));
        record.offset
    };
    records.iter().map(number).collect()
}

async fn read(log: &dyn EventLog, from: u64, max: usize) -> Vec<u64> {
    numbers(&log.read("a", 1, from, max).await.expect("the shard is there"))
}

/// A lone member that has shard 1 in hand, started at `offset` of topic `a`.
async fn started(log: &OverlayLog<MemoryLog>, offset: u64) -> Box<dyn Subscription> {
    let mut member = log.join("g", &["a".to_owned()]).await.expect("the topic is there");
    assert_eq!(member.next(1).await.expect("memory answers"), Delivery::Assigned(vec![0, 1]));
    let at = StartAt { topic: "a".to_owned(), offset };
    member.start(1, &[at]).await.expect("the place is inside the log");
    member
}

/// Reads up to and with the record `last`.
async fn read_to(member: &mut dyn Subscription, max: usize, last: u64) -> Vec<u64> {
    let mut read = Vec::new();
    while read.last() != Some(&last) {
        match member.next(max).await.expect("memory answers") {
            Delivery::Records { shard: 1, records } => read.extend(numbers(&records)),
            other => panic!("records were to come: {other:?}"),
        }
    }
    read
}

#[tokio::test]
async fn what_is_appended_follows_what_is_there() {
    let base = base(5).await;
    let log = over(base.clone());
    log.append(&numbered("a", 1, 5..8)).await.expect("memory answers");
    assert_eq!(log.bounds("a", 1).await.expect("the shard is there"), 0..8);
    for (from, max, found) in
        [(0, 10, 0..8), (0, 5, 0..5), (3, 4, 3..7), (5, 2, 5..7), (7, 9, 7..8), (9, 9, 0..0)]
    {
        assert_eq!(read(&log, from, max).await, found.collect::<Vec<_>>(), "{max} from {from}");
    }
    assert_eq!(base.bounds("a", 1).await.expect("the shard is there"), 0..5, "the base stays as it is");
}

#[tokio::test]
async fn the_base_ends_where_it_ended_when_first_asked() {
    let base = base(5).await;
    let log = over(base.clone());
    assert_eq!(log.bounds("a", 1).await.expect("the shard is there"), 0..5);
    base.append(&numbered("a", 1, [99, 99])).await.expect("memory answers");
    assert_eq!(read(&log, 0, 10).await, (0..5).collect::<Vec<_>>());
    log.clone().append(&numbered("a", 1, 5..7)).await.expect("memory answers");
    assert_eq!(read(&log, 4, 10).await, [4, 5, 6]);
    base.append(&numbered("b", 0, [0])).await.expect("memory answers");
    assert_eq!(log.bounds("b", 0).await.expect("the shard is there"), 0..1, "not asked for until now");
}

#[tokio::test]
async fn a_member_goes_on_from_a_stored_position() {
    let log = over(base(5).await);
    let mut member = started(&log, 3).await;
    assert_eq!(read_to(&mut *member, 1, 4).await, [3, 4]);
    log.append(&numbered("a", 1, 5..9)).await.expect("memory answers");
    assert_eq!(read_to(&mut *member, 3, 8).await, [5, 6, 7, 8]);
    let beyond = member.start(1, &[StartAt { topic: "a".to_owned(), offset: 10 }]).await;
    assert!(matches!(beyond, Err(LogError::Replaced { wanted: 10, end: 9, .. })), "{beyond:?}");
}

#[tokio::test]
async fn no_group_of_the_base_is_joined() {
    let base = base(1).await;
    let log = over(base.clone());
    let _member = started(&log, 0).await;
    let mut other = base.join("g", &["b".to_owned(), "a".to_owned()]).await.expect("nobody is in that group");
    assert_eq!(other.next(1).await.expect("memory answers"), Delivery::Assigned(vec![0, 1]));
}

#[tokio::test]
async fn what_the_base_lacks_is_empty_and_what_the_top_lacks_is_nothing() {
    let base = base(2).await;
    let top = MemoryLog::with_topics([("a", 4), ("b", 1), ("new", 2)]);
    let log = OverlayLog::new(Arc::new(base), top);
    for (topic, shards) in [("a", Some(4)), ("b", Some(1)), ("new", Some(2)), ("other", None)] {
        assert_eq!(log.shards(topic).await.expect("memory answers"), shards, "{topic}");
    }
    assert_eq!(log.bounds("a", 1).await.expect("the base has it"), 0..2);
    for (topic, shard) in [("a", 3), ("new", 1)] {
        assert_eq!(log.bounds(topic, shard).await.expect("the top has it"), 0..0);
    }
    for (topic, shard) in [("a", 4), ("new", 2), ("other", 0)] {
        let refused = log.append(&numbered(topic, shard, [0])).await;
        assert!(matches!(refused, Err(LogError::NoSuchShard { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn retention_on_the_base_is_told() {
    let base = base(6).await;
    base.trim("a", 1, 2).expect("the shard is there");
    let log = over(base.clone());
    assert_eq!(log.bounds("a", 1).await.expect("the shard is there"), 2..6);
    assert_eq!(read(&log, 0, 10).await, [2, 3, 4, 5]);
    base.trim("a", 1, 4).expect("the shard is there");
    let overtaken = log.read("a", 1, 3, 10).await;
    assert!(matches!(overtaken, Err(LogError::Overtaken { wanted: 3, begin: 4, .. })), "{overtaken:?}");
    base.trim("a", 1, 6).expect("the shard is there");
    let overtaken = log.read("a", 1, 5, 10).await;
    assert!(matches!(overtaken, Err(LogError::Overtaken { wanted: 5, begin: 6, .. })), "{overtaken:?}");
}

/// Also at the end of the base, where a place is left that never has a record.
#[tokio::test]
async fn gaps_of_the_base_are_passed_over() {
    let base = CompactedLog { log: base(8).await, gone: [0, 3, 4, 7].into() };
    let log = over(base);
    assert_eq!(read(&log, 0, 10).await, [1, 2, 5, 6]);
    let mut member = started(&log, 0).await;
    assert_eq!(read_to(&mut *member, 1, 6).await, [1, 2, 5, 6]);
    log.append(&numbered("a", 1, 8..10)).await.expect("memory answers");
    assert_eq!(read(&log, 6, 2).await, [6, 8]);
    assert_eq!(read_to(&mut *member, 10, 9).await, [8, 9]);
}
