use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::{CopyError, copy};
use crate::compacted::CompactedLog;
use crate::{EventLog, Headers, LogError, MemoryLog, Message, Offset, Record, Shard, Subscription};

const TOPICS: [(&str, u32); 2] = [("a", 2), ("b", 1)];

/// Different in each place, with and without key, with equal header names.
fn messages(topic: &str, shard: Shard, numbers: std::ops::Range<usize>) -> Vec<Message> {
    let message = |number: usize| Message {
        topic: topic.to_owned(),
        shard,
        key: (!number.is_multiple_of(3)).then(|| Bytes::from(format!("key {number}"))),
        headers: (0..number % 4).map(|nth| ("ce_id", [nth as u8, 0xff])).collect(),
        value: Bytes::from(format!("{topic} {shard} {number}")),
    };
    numbers.map(message).collect()
}

async fn filled() -> MemoryLog {
    let log = MemoryLog::with_topics(TOPICS);
    for (topic, shard, count) in [("a", 0, 2_345), ("a", 1, 7), ("b", 0, 1_000)] {
        append(&log, &messages(topic, shard, 0..count)).await;
    }
    log
}

async fn append(log: &dyn EventLog, messages: &[Message]) {
    log.append(messages).await.expect("memory answers");
}

async fn everything(log: &dyn EventLog) -> Vec<Record> {
    let mut records = Vec::new();
    for (topic, shards) in TOPICS {
        for shard in 0..shards {
            records.extend(log.read(topic, shard, 0, usize::MAX).await.expect("the shard is there"));
        }
    }
    records
}

async fn copy_all(from: &dyn EventLog, to: &dyn EventLog) -> Result<u64, CopyError> {
    copy(from, to, &TOPICS.map(|(topic, _)| topic.to_owned()), |_, _| ()).await
}

#[tokio::test]
async fn every_record_keeps_its_offset() {
    let (from, to) = (filled().await, MemoryLog::with_topics(TOPICS));
    let mut told = Vec::new();
    let topics = TOPICS.map(|(topic, _)| topic.to_owned());
    let copied = copy(&from, &to, &topics, |topic, done| told.push((topic.to_owned(), done))).await;
    assert_eq!(copied.expect("the target is empty"), 3_352);
    // Not `assert_eq`: it would print thousands of records.
    assert!(everything(&to).await == everything(&from).await, "they are equal");
    assert!(told.is_sorted(), "progress only goes on: {told:?}");
    let last = |topic: &str| told.iter().rfind(|(told, _)| told == topic).map(|(_, done)| *done);
    assert_eq!((last("a"), last("b")), (Some(2_352), Some(1_000)));
}

#[tokio::test]
async fn a_second_copy_only_compares() {
    let (from, to) = (filled().await, MemoryLog::with_topics(TOPICS));
    copy_all(&from, &to).await.expect("the target is empty");
    assert_eq!(copy_all(&from, &to).await.expect("the target is equal"), 0);
    append(&from, &messages("a", 1, 7..9)).await;
    assert_eq!(copy_all(&from, &to).await.expect("the target has the beginning"), 2);
    // Not `assert_eq`: it would print thousands of records.
    assert!(everything(&to).await == everything(&from).await, "they are equal");
}

/// Takes so many records, and of the next slice only a part; once.
struct Fails {
    log: MemoryLog,
    left: AtomicU64,
}

#[async_trait]
impl EventLog for Fails {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        let left = self.left.load(Ordering::Relaxed) as usize;
        if messages.len() > left {
            self.left.store(u64::MAX, Ordering::Relaxed);
            self.log.append(&messages[..left]).await?;
            return Err(LogError::Unavailable("gone".into()));
        }
        self.left.fetch_sub(messages.len() as u64, Ordering::Relaxed);
        self.log.append(messages).await
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        self.log.join(group, topics).await
    }

    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        // Short pages are no end.
        self.log.read(topic, shard, from, max.min(300)).await
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<std::ops::Range<Offset>, LogError> {
        self.log.bounds(topic, shard).await
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.log.shards(topic).await
    }
}

#[tokio::test]
async fn an_interrupted_copy_goes_on() {
    let from = filled().await;
    for left in [0, 1, 99, 100, 1_234, 2_345, 2_346, 2_500, 3_351] {
        let to = Fails { log: MemoryLog::with_topics(TOPICS), left: AtomicU64::new(left) };
        let failed = copy_all(&from, &to).await;
        assert!(matches!(failed, Err(CopyError::To(LogError::Unavailable(_)))), "{left}: {failed:?}");
        assert_eq!(copy_all(&from, &to).await.expect("the target has the beginning"), 3_352 - left);
        assert!(everything(&to.log).await == everything(&from).await, "interrupted after {left}");
    }
}

#[tokio::test]
async fn topics_must_be_alike_before_anything_is_copied() {
    let from = filled().await;
    let to = MemoryLog::with_topics([("a", 2), ("b", 3)]);
    let refused = copy_all(&from, &to).await.expect_err("b has other shards");
    assert!(matches!(&refused, CopyError::OtherShards { from: 1, to: 3, .. }), "{refused:?}");
    assert!(refused.to_string().contains("make it anew with 1 shards"), "{refused}");
    assert_eq!(to.bounds("a", 0).await.expect("the shard is there"), 0..0);

    let without = MemoryLog::with_topics([("a", 2)]);
    let refused = copy_all(&from, &without).await;
    assert!(matches!(&refused, Err(CopyError::NoTarget { topic, shards: 1 }) if topic == "b"), "{refused:?}");
    let refused = copy_all(&without, &from).await;
    assert!(matches!(&refused, Err(CopyError::NoSource { topic }) if topic == "b"), "{refused:?}");
}

#[tokio::test]
async fn offsets_that_cannot_stay_are_refused() {
    let trimmed = filled().await;
    trimmed.trim("a", 1, 2).expect("the shard is there");
    let refused = copy_all(&trimmed, &MemoryLog::with_topics(TOPICS)).await;
    let no_beginning =
        matches!(&refused, Err(CopyError::NoBeginning { topic, shard: 1, begin: 2 }) if topic == "a");
    assert!(no_beginning, "{refused:?}");

    // In the middle, at the beginning of a shard and at its end.
    for (gone, shard, offset) in [(150, 0, 150), (0, 0, 0), (2_344, 0, 2_344)] {
        let gaps = CompactedLog { log: filled().await, gone: [gone].into() };
        let to = MemoryLog::with_topics(TOPICS);
        let refused = copy_all(&gaps, &to).await;
        let gap = matches!(&refused, Err(CopyError::Gap { shard: s, offset: o, .. }) if (*s, *o) == (shard, offset));
        assert!(gap, "{gone}: {refused:?}");
        let end = to.bounds("a", 0).await.expect("the shard is there").end;
        assert!(end <= gone, "nothing is copied to another offset: {end}");
    }
}

fn reversed(headers: &Headers) -> Headers {
    headers.iter().collect::<Vec<_>>().into_iter().rev().collect()
}

#[tokio::test]
async fn a_target_that_differs_is_refused() {
    let from = filled().await;
    let originals = messages("a", 1, 0..7);
    let changed = |nth: usize, change: fn(&mut Message)| {
        let mut messages = originals.clone();
        change(&mut messages[nth]);
        messages
    };
    let more = [originals.clone(), messages("a", 1, 7..8)].concat();
    let twice = [&originals[..3], &originals[2..]].concat();
    let cases = [
        (changed(4, |message| message.value = Bytes::from_static(b"other")), 4),
        (changed(0, |message| message.key = Some(Bytes::new())), 0),
        (changed(1, |message| message.headers = Headers::default()), 1),
        (changed(6, |message| message.headers = reversed(&message.headers)), 6),
        (
            changed(5, |message| {
                message.headers = message.headers.iter().chain([("more", &b""[..])]).collect();
            }),
            5,
        ),
        (more, 7),
        (twice[..5].to_vec(), 3),
    ];
    for (held, offset) in cases {
        let to = MemoryLog::with_topics(TOPICS);
        append(&to, &held).await;
        let refused = copy_all(&from, &to).await;
        let differs = matches!(&refused, Err(CopyError::Differs { shard: 1, offset: o, .. }) if *o == offset);
        assert!(differs, "{offset}: {refused:?}");
    }
    let trimmed = filled().await;
    trimmed.trim("a", 0, 1).expect("the shard is there");
    let refused = copy_all(&from, &trimmed).await;
    assert!(matches!(refused, Err(CopyError::Differs { shard: 0, offset: 0, .. })), "{refused:?}");
}

/// As a producer may that repeats a record after a lost acknowledgement.
struct Stutters(MemoryLog);

#[async_trait]
impl EventLog for Stutters {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        self.0.append(messages).await?;
        if messages[0].topic == "b" { self.0.append(&messages[..1]).await } else { Ok(()) }
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        self.0.join(group, topics).await
    }

    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.0.read(topic, shard, from, max).await
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<std::ops::Range<Offset>, LogError> {
        self.0.bounds(topic, shard).await
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.0.shards(topic).await
    }
}

#[tokio::test]
async fn a_record_that_was_written_twice_is_noticed_at_once() {
    let to = Stutters(MemoryLog::with_topics(TOPICS));
    let refused = copy_all(&filled().await, &to).await.expect_err("a record of b is there twice");
    assert!(matches!(&refused, CopyError::Differs { shard: 0, offset: 0, .. }), "{refused:?}");
    assert!(refused.to_string().contains("delete that topic and make it anew"), "{refused}");
    assert_eq!(to.bounds("b", 0).await.expect("the shard is there"), 0..101, "the first page and one more");
}
