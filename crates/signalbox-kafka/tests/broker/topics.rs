//! Making and changing topics.

use std::collections::BTreeMap;
use std::time::Duration;

use signalbox_kafka::{OtherShards, SettingChange, TopicAdmin, TopicSpec, TopicsError};
use signalbox_log::{Delivery, EventLog, LogError, Subscription};

use crate::support::{connect, make_topic, message, numbers, spec, unique};

const PATIENCE: Duration = Duration::from_mins(1);

async fn admin() -> TopicAdmin {
    connect().await.topic_admin().expect("the configuration is usable")
}

#[tokio::test]
async fn what_was_applied_is_ok() {
    let (admin, specs) = (admin().await, [spec(&unique("a"), 3), spec(&unique("b"), 1)]);
    let planned = admin.plan(&specs).await.expect("the broker answers");
    assert_eq!(planned.create.len(), 2);
    assert_eq!(admin.apply(&specs).await.expect("the topics can be made"), planned);
    let after = admin.plan(&specs).await.expect("the broker answers");
    assert!(after.create.is_empty() && after.change.is_empty() && after.refuse.is_empty(), "{after:?}");
    assert_eq!(after.ok, specs.map(|spec| spec.name));
}

#[tokio::test]
async fn a_change_leaves_other_settings() {
    let (admin, name) = (admin().await, unique("a"));
    let segment = BTreeMap::from([("segment.ms".to_owned(), "60000".to_owned())]);
    let before = TopicSpec { config: segment, ..spec(&name, 1) };
    admin.apply(std::slice::from_ref(&before)).await.expect("the topic can be made");
    let specs = [TopicSpec { retention_ms: Some(86_400_000), ..spec(&name, 1) }];
    let change = SettingChange {
        topic: name,
        setting: "retention.ms".to_owned(),
        from: Some("-1".to_owned()),
        to: "86400000".to_owned(),
    };
    assert_eq!(admin.apply(&specs).await.expect("the topic can be changed").change, [change]);
    let with_segment = [TopicSpec { retention_ms: Some(86_400_000), ..before }];
    assert_eq!(admin.plan(&with_segment).await.expect("the broker answers").ok.len(), 1);
}

#[tokio::test]
async fn another_number_of_shards_is_refused_before_anything_is_done() {
    let (admin, name, other) = (admin().await, unique("a"), unique("b"));
    admin.apply(&[spec(&name, 2)]).await.expect("the topic can be made");
    let applied = admin.apply(&[spec(&other, 2), spec(&name, 3)]).await;
    let Err(TopicsError::OtherShards(refused)) = applied else { panic!("it was not refused: {applied:?}") };
    assert_eq!(refused, OtherShards { topic: name, has: 2, wanted: 3 });
    assert_eq!(connect().await.shards(&other).await.expect("the broker answers"), None);
}

#[tokio::test]
async fn a_deleted_topic_is_gone() {
    let (admin, name, other) = (admin().await, unique("a"), unique("b"));
    admin.apply(&[spec(&name, 2), spec(&other, 1)]).await.expect("the topics can be made");
    let log = connect().await;
    let there = async || {
        let topics = log.topics().await.expect("the broker answers");
        assert!(topics.is_sorted() && topics.iter().all(|topic| !topic.starts_with("__")), "{topics:?}");
        [&name, &other].map(|topic| topics.contains(topic))
    };
    assert_eq!(there().await, [true, true]);
    admin.delete(&[name.clone(), unique("never")]).await.expect("the topic can be deleted");
    assert_eq!(there().await, [false, true]);
    admin.delete(&[]).await.expect("nothing is nothing");
}

/// The log that deletes a topic knows at once that another one of its name is another one: shards, bounds, what was
/// read ahead, and a member in the middle of it.
#[tokio::test]
async fn a_topic_made_anew_is_another_one() {
    let (log, name) = (connect().await, unique("a"));
    let admin = log.topic_admin().expect("the configuration is usable");
    make_topic(&log, &name, 2).await;
    let old: Vec<_> = (0..100).map(|n| message(&name, 0, n)).collect();
    log.append(&old).await.expect("the log takes them");
    let mut member = log.join(&unique("g"), std::slice::from_ref(&name)).await.expect("it can be joined");
    assert!(matches!(member.next(10).await, Ok(Delivery::Assigned(_))));
    member.start(0, &[]).await.expect("the shard is in hand");
    read_until(&mut *member, 99).await;
    assert_eq!(log.read(&name, 0, 0, 10).await.expect("the shard is there").len(), 10);

    admin.delete(std::slice::from_ref(&name)).await.expect("the topic can be deleted");
    assert_eq!(log.shards(&name).await.expect("the broker answers"), None);
    let appended = log.append(&[message(&name, 0, 1)]).await;
    assert!(matches!(appended, Err(LogError::NoSuchShard { .. })), "{appended:?}");

    make_topic(&log, &name, 3).await;
    assert_eq!(log.shards(&name).await.expect("the broker answers"), Some(3));
    assert_eq!(log.bounds(&name, 0).await.expect("the shard is there"), 0..0);
    let new: Vec<_> = (200..220).map(|n| message(&name, 0, n)).collect();
    log.append(&new).await.expect("the log takes them");
    log.append(&[message(&name, 2, 7)]).await.expect("the log takes it");
    let read = log.read(&name, 0, 10, 100).await.expect("the shard is there");
    assert_eq!(numbers(&read), (210..220).collect::<Vec<_>>());
    is_told(&mut *member).await;
}

/// As above, but another process did it.
#[tokio::test]
async fn a_topic_made_anew_by_another_process_is_noticed() {
    let (log, other, name) = (connect().await, connect().await, unique("a"));
    make_topic(&other, &name, 2).await;
    let old: Vec<_> = (0..100).map(|n| message(&name, 0, n)).collect();
    log.append(&old).await.expect("the log takes them");
    let mut member = log.join(&unique("g"), std::slice::from_ref(&name)).await.expect("it can be joined");
    assert!(matches!(member.next(10).await, Ok(Delivery::Assigned(_))));
    member.start(0, &[]).await.expect("the shard is in hand");
    read_until(&mut *member, 99).await;

    let admin = other.topic_admin().expect("the configuration is usable");
    admin.delete(std::slice::from_ref(&name)).await.expect("the topic can be deleted");
    make_topic(&other, &name, 1).await;
    other.append(&[message(&name, 0, 500)]).await.expect("the log takes it");
    assert_eq!(log.bounds(&name, 0).await.expect("the shard is there"), 0..1);
    assert_eq!(numbers(&log.read(&name, 0, 0, 10).await.expect("the shard is there")), [500]);
    log.append(&[message(&name, 0, 501)]).await.expect("the log takes it");
    assert_eq!(numbers(&log.read(&name, 0, 0, 10).await.expect("the shard is there")), [500, 501]);
    is_told(&mut *member).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(log.shards(&name).await.expect("the broker answers"), Some(1));
    let appended = log.append(&[message(&name, 1, 1)]).await;
    assert!(matches!(appended, Err(LogError::NoSuchShard { shard: 1, .. })), "{appended:?}");
}

/// Whoever makes topics may do it in a task.
#[test]
fn the_care_of_topics_can_move_between_threads() {
    fn moves(_: impl Send) {}
    let care = async || {
        let admin = admin().await;
        admin.apply(&[]).await.expect("nothing is to be done");
        admin.delete(&[]).await.expect("nothing is to be done");
    };
    moves(care());
}

async fn read_until(member: &mut dyn Subscription, last: usize) {
    while let Delivery::Records { records, .. } = member.next(1_000).await.expect("the log delivers") {
        if numbers(&records).last() == Some(&last) {
            return;
        }
    }
    panic!("only records were to come");
}

/// The member hears that its topic is gone or another one, or that its shards are shared out anew; never a record.
async fn is_told(member: &mut dyn Subscription) {
    let next = tokio::time::timeout(PATIENCE, member.next(10)).await.expect("it is told in time");
    let told = matches!(
        next,
        Err(LogError::NoSuchShard { .. } | LogError::Replaced { wanted: 100, .. }) | Ok(Delivery::Revoked(_))
    );
    assert!(told, "{next:?}");
}
