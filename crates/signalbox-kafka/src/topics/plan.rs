//! Topics as declared against topics as they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rdkafka::admin::ConfigEntry;
use serde::Serialize;

/// A log keeps records of a mebibyte; Kafka's default stops a little short of one in its wrapping.
const LARGEST_BATCH: (&str, &str) = ("max.message.bytes", "2097152");

/// A topic as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    /// Fixed for the life of the topic.
    pub shards: u32,
    /// Copies of each record. Counts when the topic is made; moving replicas later is for Kafka's own tools.
    pub replication: u16,
    /// How long records stay; -1: for ever; `None`: whatever the brokers' default is.
    pub retention_ms: Option<i64>,
    pub cleanup: Cleanup,
    /// Further settings by Kafka's names. They win over the fields above.
    pub config: BTreeMap<String, String>,
}

/// What becomes of old records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// They go when retention is over.
    Delete,
    /// The latest of each key stays.
    Compact,
    /// The latest of each key stays until retention is over.
    CompactAndDelete,
}

/// What there is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TopicPlan {
    pub create: Vec<CreateTopic>,
    pub change: Vec<SettingChange>,
    /// Topics that are as declared.
    pub ok: Vec<String>,
    /// Topics whose settings the brokers do not show to this user.
    pub unseen: Vec<String>,
    /// Topics that cannot become what is declared.
    pub refuse: Vec<OtherShards>,
}

/// A topic that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreateTopic {
    pub topic: String,
    pub shards: u32,
    pub replication: u16,
    pub settings: BTreeMap<String, String>,
}

/// A setting that is not as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingChange {
    pub topic: String,
    pub setting: String,
    pub from: Option<String>,
    pub to: String,
}

/// The number of shards is fixed for the life of a topic: a student's records would move to another shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("topic \"{topic}\" has {has} shards and cannot have {wanted}: set `shards` back to {has}")]
pub struct OtherShards {
    pub topic: String,
    pub has: u32,
    pub wanted: u32,
}

/// The settings of a topic that is there, by name.
pub(super) type Settings = HashMap<String, ConfigEntry>;

impl TopicSpec {
    /// The settings that the topic should have, by Kafka's names.
    fn settings(&self) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::from([
            (LARGEST_BATCH.0.to_owned(), LARGEST_BATCH.1.to_owned()),
            ("cleanup.policy".to_owned(), self.cleanup.setting().to_owned()),
        ]);
        settings.extend(self.retention_ms.map(|ms| ("retention.ms".to_owned(), ms.to_string())));
        settings.extend(self.config.clone());
        settings
    }
}

impl Cleanup {
    fn setting(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Compact => "compact",
            Self::CompactAndDelete => "compact,delete",
        }
    }
}

/// What there is to do, given the numbers of shards and the settings of the topics that are there.
pub(super) fn plan(
    specs: &[TopicSpec],
    there: &HashMap<String, u32>,
    settings: &HashMap<String, Settings>,
) -> TopicPlan {
    let mut plan = TopicPlan::default();
    for spec in specs {
        let (topic, wanted) = (spec.name.clone(), spec.shards);
        match there.get(&spec.name) {
            None => plan.create.push(CreateTopic {
                topic,
                shards: wanted,
                replication: spec.replication,
                settings: spec.settings(),
            }),
            Some(&has) if has != wanted => plan.refuse.push(OtherShards { topic, has, wanted }),
            Some(_) => match settings.get(&spec.name) {
                None => plan.unseen.push(topic),
                Some(settings) => {
                    let changes = changes(spec, settings);
                    if changes.is_empty() {
                        plan.ok.push(topic);
                    }
                    plan.change.extend(changes);
                }
            },
        }
    }
    plan
}

fn changes(spec: &TopicSpec, has: &Settings) -> Vec<SettingChange> {
    let value = |setting: &str| has.get(setting)?.value.clone();
    let change = |(setting, to): (String, String)| {
        let from = value(&setting);
        let same = from.as_ref().is_some_and(|from| is_same(from, &to));
        (!same).then(|| SettingChange { topic: spec.name.clone(), setting, from, to })
    };
    spec.settings().into_iter().filter_map(change).collect()
}

/// Lists (as in `cleanup.policy`) have no order.
fn is_same(a: &str, b: &str) -> bool {
    let items = |list: &str| list.split(',').map(|item| item.trim().to_owned()).collect::<BTreeSet<_>>();
    items(a) == items(b)
}

#[cfg(test)]
mod tests;
