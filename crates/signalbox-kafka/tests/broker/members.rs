//! What the conformance suite cannot ask of every log.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset as Place, TopicPartitionList};
use signalbox_kafka::{Config, KafkaLog};
use signalbox_log::{Delivery, EventLog, LogError, Message, Shard, StartAt, Subscription};

use crate::support::{Prefixed, config, connect, in_a_transaction, message, numbers, variable};

const PATIENCE: Duration = Duration::from_mins(1);

async fn next(member: &mut dyn Subscription) -> Delivery {
    let next = tokio::time::timeout(PATIENCE, member.next(100)).await;
    next.expect("a delivery comes in time").expect("the log delivers")
}

/// Joins alone and starts every shard.
async fn started(log: &Prefixed, topics: &[&str]) -> Box<dyn Subscription> {
    let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
    let mut member = log.join("g", &topics).await.expect("the group can be joined");
    let Delivery::Assigned(shards) = next(&mut *member).await else { panic!("first comes the assignment") };
    for shard in shards {
        member.start(shard, &[]).await.expect("an assigned shard can be started");
    }
    member
}

/// A member that left with `close` hands over at once, not when its session is over.
#[tokio::test]
async fn leaving_hands_over_at_once() {
    let log = Prefixed::with_topics(&[("a", 4)]).await;
    let first = started(&log, &["a"]).await;
    drop(first);
    let begun = std::time::Instant::now();
    log.log.close(Duration::from_secs(5)).await;
    drop(started(&log, &["a"]).await);
    assert!(begun.elapsed() < config().session_timeout, "took {:?}", begun.elapsed());
}

/// Of several logs in a process each waits for its own members only.
#[tokio::test]
async fn close_waits_for_members_of_clones_and_not_for_clones() {
    let log = Prefixed::with_topics(&[("a", 1)]).await;
    let clone = log.log.clone();
    let member = started(&log, &["a"]).await;
    let limit = Duration::from_millis(300);
    let begun = std::time::Instant::now();
    clone.close(limit).await;
    assert!(begun.elapsed() >= limit, "the member is still there");
    drop(member);
    clone.close(PATIENCE).await;
    assert!(begun.elapsed() < PATIENCE, "it has left");
}

/// Members of a group are seen by every log, and no longer once they have left.
#[tokio::test]
async fn members_are_counted() {
    let log = Prefixed::with_topics(&[("a", 2)]).await;
    let (group, onlooker) = (log.outside("g"), connect().await);
    let count = async || onlooker.members(&group).await.expect("the broker answers");
    assert_eq!(count().await, 0, "there is no such group");

    let first = started(&log, &["a"]).await;
    assert_eq!(count().await, 1);
    assert_eq!(onlooker.members(&log.outside("other")).await.expect("the broker answers"), 0);
    let second = log.join("g", &["a".to_owned()]).await.expect("the group can be joined");
    let joined = async {
        while count().await < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, joined).await.expect("the second member is seen");

    drop((first, second));
    log.log.close(Duration::from_secs(5)).await;
    assert_eq!(count().await, 0, "both have left");
}

/// `kafka-consumer-groups --describe` and the like show it.
#[tokio::test]
async fn lag_tools_see_what_is_reported() {
    let log = Prefixed::with_topics(&[("a", 2)]).await;
    let mut member = started(&log, &["a"]).await;
    log.append(&[message("a", 1, 1), message("a", 1, 2)]).await.expect("the log takes them");
    member.report(1, &[StartAt { topic: "a".to_owned(), offset: 2 }]).await.expect("a report is taken");
    let (group, topic) = (log.outside("g"), log.outside("a"));
    let seen = tokio::task::spawn_blocking(move || {
        let tool: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", variable("SIGNALBOX_TEST_KAFKA"))
            .set("group.id", &group)
            .create()
            .expect("a client can be made");
        let begun = std::time::Instant::now();
        loop {
            let mut asked = TopicPartitionList::new();
            asked.add_partition(&topic, 1);
            let committed = tool.committed_offsets(asked, PATIENCE).expect("the broker answers");
            match committed.elements()[0].offset() {
                Place::Invalid if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
                offset => return offset,
            }
        }
    });
    assert_eq!(seen.await.expect("the tool works"), Place::Offset(2));
}

/// Shards of topics with different counts would come to different members.
#[tokio::test]
async fn topics_that_are_not_alike_are_refused() {
    let log = Prefixed::with_topics(&[("a", 4), ("b", 3), ("one", 1)]).await;
    let topics = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let refused = log.join("g", &topics(&["a", "b"])).await.err();
    assert!(matches!(refused, Some(LogError::Failed(_))), "{refused:?}");
    drop(log.join("g", &topics(&["a", "one"])).await.expect("one is a number for all"));
}

/// Kafka counts the end of a transaction as a record; nobody ever reads it.
#[tokio::test]
async fn the_end_of_a_transaction_holds_nothing_up() {
    let log = Prefixed::with_topics(&[("a", 1), ("b", 1)]).await;
    let mut member = started(&log, &["a", "b"]).await;
    let topic = log.outside("a");
    tokio::task::spawn_blocking(move || in_a_transaction(&topic, "1")).await.expect("it commits");
    let Delivery::Records { records, .. } = next(&mut *member).await else { panic!("records come") };
    assert_eq!(numbers(&records), [1]);

    log.append(&[message("b", 0, 2)]).await.expect("the log takes it");
    let Delivery::Records { records, .. } = next(&mut *member).await else { panic!("records come") };
    assert_eq!((&*records[0].topic, numbers(&records)), ("b", vec![2]));
    let bounds = log.bounds("a", 0).await.expect("the shard is there");
    assert_eq!(bounds, 0..2);
    assert_eq!(log.read("a", 0, 1, 10).await.expect("there is nothing, but that is no error"), []);
}

/// A member that does not read holds back neither the others nor the memory of its process.
#[tokio::test]
async fn a_slow_shard_does_not_hold_back_another() {
    let log = Prefixed::with_topics(&[("a", 2)]).await;
    let mut member = started(&log, &["a"]).await;
    let large = Message { value: "x".repeat(100_000).into(), ..message("a", 0, 0) };
    for _ in 0..30 {
        let many = vec![large.clone(); 10];
        log.append(&many).await.expect("the log takes them");
    }
    log.append(&[message("a", 1, 7)]).await.expect("the log takes it");
    let mut from = Vec::<Shard>::new();
    loop {
        let Delivery::Records { shard, records } = next(&mut *member).await else { panic!("records come") };
        from.push(shard);
        if shard == 1 {
            assert_eq!(numbers(&records), [7]);
            break;
        }
    }
    assert!(from.len() <= 3, "the other shard has its turn soon: {from:?}");
}

/// Reads go on where the last one ended, go back, and read several places at once.
#[tokio::test]
async fn reads_are_independent_of_each_other() {
    let log = Prefixed::with_topics(&[("a", 3)]).await;
    for shard in 0..3 {
        let messages: Vec<_> = (0..500).map(|n| message("a", shard, n)).collect();
        log.append(&messages).await.expect("the log takes them");
    }
    let pages = async |shard: Shard| {
        let mut from = 0;
        while from < 500 {
            let page = log.read("a", shard, from, 70).await.expect("the shard is there");
            let upto = (from + 70).min(500);
            assert_eq!(numbers(&page), (from as usize..upto as usize).collect::<Vec<_>>());
            from = upto;
        }
    };
    tokio::join!(pages(0), pages(1), pages(2), pages(0), pages(1), pages(2), pages(0));
}

#[tokio::test]
async fn nobody_there_is_unavailable_in_time() {
    // Nobody listens on the port for "discard".
    let nobody = Config { timeout: Duration::from_secs(1), ..Config::new(["127.0.0.1:9"]) };
    let begun = std::time::Instant::now();
    let connected = KafkaLog::connect(nobody).await;
    assert!(matches!(connected, Err(LogError::Unavailable(_))), "{connected:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "took {:?}", begun.elapsed());
}
