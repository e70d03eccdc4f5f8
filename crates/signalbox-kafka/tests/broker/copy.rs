//! Carrying another log over to Kafka, and back.

use std::time::Duration;

use signalbox_log::{CopyError, EventLog, MemoryLog, Message, Record, copy};

use crate::support::{Prefixed, in_a_transaction, message};

const TOPICS: [(&str, u32); 2] = [("a", 2), ("b", 1)];

fn names() -> Vec<String> {
    TOPICS.map(|(topic, _)| topic.to_owned()).to_vec()
}

/// Thousands of records with keys and headers, and some large ones.
async fn embedded() -> MemoryLog {
    let log = MemoryLog::with_topics(TOPICS);
    let with_parts = |number: usize| Message {
        key: (!number.is_multiple_of(5)).then(|| format!("key {number}").into()),
        headers: (0..number % 3).map(|nth| ("ce_id", [nth as u8, 0xff])).collect(),
        ..message("a", 1, number)
    };
    let many: Vec<Message> = (0..3_500).map(with_parts).collect();
    let large = Message { value: vec![b'x'; 700_000].into(), ..message("b", 0, 0) };
    log.append(&many).await.expect("memory answers");
    log.append(&vec![large; 12]).await.expect("memory answers");
    log
}

async fn everything(log: &dyn EventLog) -> Vec<Record> {
    let mut records = Vec::new();
    for (topic, shards) in TOPICS {
        for shard in 0..shards {
            records.extend(log.read(topic, shard, 0, 10_000).await.expect("the shard is there"));
        }
    }
    records
}

#[tokio::test]
async fn a_log_is_carried_over_and_back() {
    let (from, kafka) = (embedded().await, Prefixed::with_topics(&TOPICS).await);
    // What an earlier copy left.
    let first = from.read("a", 1, 0, 42).await.expect("the shard is there");
    let first = first.into_iter().map(Message::from);
    kafka.append(&first.collect::<Vec<_>>()).await.expect("the log takes them");
    assert_eq!(copy(&from, &kafka, &names(), |_, _| ()).await.expect("it can be copied"), 3_470);
    // Not `assert_eq`: it would print megabytes.
    assert!(everything(&kafka).await == everything(&from).await, "the same records at the same offsets");
    assert_eq!(copy(&from, &kafka, &names(), |_, _| ()).await.expect("it is a copy"), 0);

    let back = MemoryLog::with_topics(TOPICS);
    assert_eq!(copy(&kafka, &back, &names(), |_, _| ()).await.expect("it can be copied"), 3_512);
    assert!(everything(&back).await == everything(&from).await, "the same records at the same offsets");
}

#[tokio::test]
async fn what_differs_or_has_gaps_is_refused() {
    let (from, kafka) = (embedded().await, Prefixed::with_topics(&TOPICS).await);
    kafka.append(&[message("b", 0, 0)]).await.expect("the log takes it");
    let refused = copy(&from, &kafka, &names(), |_, _| ()).await;
    assert!(matches!(refused, Err(CopyError::Differs { shard: 0, offset: 0, .. })), "{refused:?}");

    let topic = kafka.outside("b");
    tokio::task::spawn_blocking(move || in_a_transaction(&topic, "1")).await.expect("it commits");
    // The brokers write a transaction's end after they have said that it is committed.
    while kafka.bounds("b", 0).await.expect("the broker answers").end < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = copy(&kafka, &MemoryLog::with_topics(TOPICS), &names(), |_, _| ()).await;
    let gap = matches!(&refused, Err(CopyError::Gap { topic, shard: 0, offset: 2 }) if topic == "b");
    assert!(gap, "the end of the transaction is no record: {refused:?}");
}
