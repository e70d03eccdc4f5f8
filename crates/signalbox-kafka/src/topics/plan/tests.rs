use rdkafka::admin::ConfigSource;

use super::*;

fn spec(name: &str, shards: u32) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        shards,
        replication: 1,
        retention_ms: Some(1_000),
        cleanup: Cleanup::CompactAndDelete,
        config: BTreeMap::new(),
    }
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let entry = |(name, value): &(&str, &str)| ConfigEntry {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
        source: ConfigSource::DynamicTopic,
        is_read_only: false,
        is_default: false,
        is_sensitive: false,
    };
    pairs.iter().map(entry).map(|entry| (entry.name.clone(), entry)).collect()
}

#[test]
fn a_topic_is_made_left_changed_or_refused() {
    let specs = [spec("new", 3), spec("same", 3), spec("short", 3), spec("other", 3), spec("hidden", 3)];
    let there = HashMap::from([("same", 3), ("short", 3), ("other", 12), ("hidden", 3), ("stranger", 1)]);
    let there = there.into_iter().map(|(name, shards)| (name.to_owned(), shards)).collect();
    let declared = [("retention.ms", "1000"), ("cleanup.policy", "delete,compact"), LARGEST_BATCH];
    let short = [("retention.ms", "7"), ("cleanup.policy", "compact,delete"), LARGEST_BATCH];
    let settings = HashMap::from([
        ("same".to_owned(), settings(&declared)),
        ("short".to_owned(), settings(&short)),
        ("other".to_owned(), settings(&declared)),
    ]);
    let plan = plan(&specs, &there, &settings);
    assert_eq!(plan.create.iter().map(|new| new.topic.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(plan.create[0].settings["retention.ms"], "1000");
    assert_eq!(plan.ok, ["same"]);
    assert_eq!(plan.unseen, ["hidden"], "what is not shown is not as declared, and not otherwise");
    let change = SettingChange {
        topic: "short".to_owned(),
        setting: "retention.ms".to_owned(),
        from: Some("7".to_owned()),
        to: "1000".to_owned(),
    };
    assert_eq!(plan.change, [change]);
    assert_eq!(plan.refuse, [OtherShards { topic: "other".to_owned(), has: 12, wanted: 3 }]);
}

#[test]
fn further_settings_win() {
    let config = BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
    let spec = TopicSpec { config, ..spec("a", 1) };
    assert_eq!(spec.settings()["retention.ms"], "-1");
    assert_eq!(changes(&spec, &Settings::new()).len(), 3, "what the brokers do not tell is set");
}
