//! Making and changing topics.

use std::collections::BTreeMap;

use signalbox_kafka::{OtherShards, SettingChange, TopicAdmin, TopicSpec, TopicsError};
use signalbox_log::EventLog;

use crate::support::{connect, spec, unique};

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
