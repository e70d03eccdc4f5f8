//! A Kafka client and a CloudEvents package of other people make of our records what we meant.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::pass_over;
use crate::binary::{Run, root};
use crate::district::District;
use crate::drops::through;
use crate::receiver::Receiver;
use crate::servers::Servers;

const DOMAINS: [&str; 6] = ["ops", "roster", "attendance", "risk", "intervention", "reference"];

/// What `read_events.py` prints of the topics.
fn read_by_others(servers: &Servers) -> Vec<Value> {
    let made: Run =
        Command::new(root().join("scripts/python-env")).output().expect("the script starts").into();
    let python = made.exit(0).stdout;
    let read: Run = Command::new(python.trim())
        .arg(root().join("tests/it/on_servers/read_events.py"))
        .arg(servers.brokers())
        .args(DOMAINS.map(|domain| servers.topic(domain)))
        .output()
        .expect("Python starts")
        .into();
    read.json_lines()
}

/// A week with events in every topic.
fn district() -> District {
    let receiver = Receiver::start();
    let mut district = District::on(Some(Servers::new()), |config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&(1000..1020).collect::<Vec<_>>());
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "E"), (1003, 6, "Q"), through(20)]);
    district.up();
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    district.run(&["flags", "ack", &flag, "--by", "Pat", "--reason", "Grüße, 100 % \"sicher\""]).exit(0);
    district.attend(&[(1001, 3, "A"), (1001, 4, "T"), (1002, 5, "E"), (1003, 6, "Q"), through(20)]);
    district.up();
    district
}

#[test]
fn a_python_client_reads_every_event_as_it_was_meant() {
    if pass_over("others_read_us") {
        return;
    }
    let district = district();
    let servers = district.servers.as_ref().expect("it is on servers");
    let theirs = read_by_others(servers);
    for domain in DOMAINS {
        let ours = district.events(&["--topic", domain]);
        let topic = servers.topic(domain);
        let theirs: Vec<&Value> = theirs.iter().filter(|record| record["topic"] == *topic).collect();
        assert!(!ours.is_empty(), "{domain} has events");
        assert_eq!(theirs.len(), ours.len(), "{domain}");
        let theirs = theirs.iter().map(|record| comparable(&record["attributes"], &record["data"]));
        let ours = ours.iter().map(|event| comparable(event, &event["data"]));
        for (theirs, ours) in sorted(theirs).into_iter().zip(sorted(ours)) {
            assert_eq!(theirs, ours, "{domain}");
        }
    }
    theirs.iter().for_each(assert_keyed);
}

fn sorted(events: impl Iterator<Item = BTreeMap<String, Value>>) -> Vec<BTreeMap<String, Value>> {
    let mut events: Vec<_> = events.collect();
    events.sort_by_key(|event| (event["id"].to_string(), event["data"].to_string()));
    events
}

/// In headers every attribute is text; times are equal when they are the same moment.
fn comparable(attributes: &Value, data: &Value) -> BTreeMap<String, Value> {
    let attributes = attributes.as_object().expect("an object").iter().filter(|(name, _)| *name != "data");
    let text = |name: &str, value: &Value| match (name, value) {
        ("time", Value::String(time)) => time.parse::<jiff::Timestamp>().expect("RFC 3339").to_string(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    };
    let attributes = attributes.map(|(name, value)| (name.clone(), Value::String(text(name, value))));
    attributes.chain([("data".to_owned(), data.clone())]).collect()
}

/// Extensions are there, and their producers put a record of the same key where we do.
fn assert_keyed(record: &Value) {
    let attributes = &record["attributes"];
    let is_row = attributes["run"].is_string() && attributes["subject"].is_string();
    for name in ["partitionkey", "revision", "dataclass"].into_iter().chain(is_row.then_some("traceparent")) {
        let text = attributes[name].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{name} of {record}");
    }
    let of_school_year =
        ["attendance", "risk"].iter().any(|one| record["topic"].as_str().is_some_and(|t| t.contains(one)));
    if of_school_year && attributes["subject"].is_string() {
        assert_eq!(attributes["schoolyear"], "2022", "{record}");
    }
    assert_eq!(record["partitionkey_header"], record["key"], "{record}");
    assert!(record["data"].is_object(), "{record}");
    // Markers of a shard stand on theirs, whatever their key.
    if attributes["subject"].is_string() {
        assert_eq!(record["shard"], record["shard_of_key"], "{record}");
    }
}
