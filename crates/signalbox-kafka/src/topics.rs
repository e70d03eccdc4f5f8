//! The care of topics: what is declared against what is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigSource, NewTopic, OwnedResourceSpecifier,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use serde::Serialize;
use signalbox_log::LogError;

use crate::append::Appender;
use crate::client::{Client, Context, log_error};
use crate::cluster::Cluster;
use crate::config::Config;

/// A log keeps records of a mebibyte; Kafka's default stops a little short of one in its wrapping.
const LARGEST_BATCH: (&str, &str) = ("max.message.bytes", "2097152");

/// How often to look whether a change is done.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long to wait until the brokers show a setting as it was changed.
const SEEN: Duration = Duration::from_secs(5);

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

/// Why topics are not as declared.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// Nothing was done.
    #[error(transparent)]
    OtherShards(#[from] OtherShards),
    /// What was done before stays.
    #[error("the brokers do not {what} topic \"{topic}\"")]
    Refused { what: &'static str, topic: String, source: KafkaError },
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Makes, changes and deletes topics, and cares for their access lists.
pub struct TopicAdmin {
    pub(crate) client: Arc<Client<AdminClient<Context>>>,
    cluster: Cluster,
    appender: Arc<Appender>,
    pub(crate) timeout: Duration,
}

/// The settings of a topic that is there, by name.
type Settings = HashMap<String, ConfigEntry>;

impl TopicAdmin {
    pub(crate) fn new(config: &Config, cluster: Cluster, appender: Arc<Appender>) -> Result<Self, LogError> {
        let context = Context { reports: cluster.reports().clone() };
        let client: AdminClient<Context> = config.client().create_with_context(context).map_err(log_error)?;
        Ok(Self { client: Arc::new(Client::new(client)), cluster, appender, timeout: config.timeout })
    }

    /// What there is to do; does nothing.
    pub async fn plan(&self, specs: &[TopicSpec]) -> Result<TopicPlan, LogError> {
        let there = shard_counts(&self.cluster.metadata().await?);
        let known: Vec<&str> =
            specs.iter().map(|spec| spec.name.as_str()).filter(|name| there.contains_key(*name)).collect();
        let settings = self.settings(&known).await?;
        Ok(plan(specs, &there, &settings))
    }

    /// Does what [`plan`](Self::plan) says, and waits until the topics can be used; returns what was done. Other
    /// settings of a topic stay.
    ///
    /// # Errors
    /// [`TopicsError::OtherShards`] before anything is done.
    pub async fn apply(&self, specs: &[TopicSpec]) -> Result<TopicPlan, TopicsError> {
        let plan = self.plan(specs).await?;
        if let Some(refused) = plan.refuse.first() {
            return Err(refused.clone().into());
        }
        self.create(&plan.create).await?;
        self.change(&plan.change).await?;
        self.wait_until(|metadata| specs.iter().all(|spec| has_leaders(metadata, &spec.name))).await?;
        if !plan.change.is_empty() {
            self.wait_until_seen(specs).await?;
        }
        Ok(plan)
    }

    /// Deletes these topics with all their records, and waits until they are gone. One that is not there is none
    /// the worse.
    ///
    /// A consumer of such a topic is told [`LogError::NoSuchShard`], or, when another topic of its name is made,
    /// [`LogError::Replaced`] where its position lies beyond the new end. Once the new topic is the longer one, only
    /// the record before the position tells.
    ///
    /// # Errors
    /// [`TopicsError::Refused`] names the first topic that the brokers keep.
    pub async fn delete(&self, topics: &[String]) -> Result<(), TopicsError> {
        if topics.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let options = self.options().operation_timeout(Some(self.timeout));
        let results = self.client.delete_topics(&names, &options).await.map_err(log_error)?;
        self.forget(topics);
        for result in results {
            match result {
                Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => {}
                Err((topic, code)) => return Err(refused("delete", topic, code)),
            }
        }
        self.wait_until(|metadata| topics.iter().all(|topic| !is_there(metadata, topic))).await?;
        self.forget(topics);
        Ok(())
    }

    /// What this log knows of topics that are deleted belongs to the past.
    fn forget(&self, topics: &[String]) {
        self.cluster.deleted(topics);
        self.appender.renew();
    }

    async fn create(&self, topics: &[CreateTopic]) -> Result<(), TopicsError> {
        if topics.is_empty() {
            return Ok(());
        }
        let topics: Vec<NewTopic<'_>> = topics.iter().map(new_topic).collect();
        let options = self.options().operation_timeout(Some(self.timeout));
        let results = self.client.create_topics(&topics, &options).await.map_err(log_error)?;
        for result in results {
            match result {
                // Another process was first.
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(refused("create", topic, code)),
            }
        }
        Ok(())
    }

    /// Kafka replaces all settings of a topic at once: those that were set before go along.
    async fn change(&self, changes: &[SettingChange]) -> Result<(), TopicsError> {
        for of_topic in changes.chunk_by(|a, b| a.topic == b.topic) {
            let topic = &of_topic[0].topic;
            let settings = self.settings(&[topic]).await?.remove(topic).unwrap_or_default();
            let set = settings.values().filter(|entry| entry.source == ConfigSource::DynamicTopic);
            let mut entries: HashMap<&str, &str> =
                set.filter_map(|entry| Some((entry.name.as_str(), entry.value.as_deref()?))).collect();
            entries.extend(of_topic.iter().map(|change| (change.setting.as_str(), change.to.as_str())));
            let altered = AlterConfig { specifier: ResourceSpecifier::Topic(topic), entries };
            let results = self.client.alter_configs(&[altered], &self.options()).await.map_err(log_error)?;
            if let Some((_, code)) = results.into_iter().find_map(Result::err) {
                return Err(refused("change", topic.clone(), code));
            }
        }
        Ok(())
    }

    /// New and deleted topics are not known to every broker at once.
    async fn wait_until(&self, done: impl Fn(&Metadata) -> bool) -> Result<(), LogError> {
        let waiting = async {
            while !done(&self.cluster.metadata().await?) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Ok(())
        };
        let late = |_| Err(log_error(KafkaError::MetadataFetch(Code::LeaderNotAvailable)));
        tokio::time::timeout(self.timeout, waiting).await.unwrap_or_else(late)
    }

    /// The brokers took the changes; whoever asks next should see them. A setting that they write in another way
    /// than declared is never seen: it stays a change.
    async fn wait_until_seen(&self, specs: &[TopicSpec]) -> Result<(), LogError> {
        let begun = Instant::now();
        while !self.plan(specs).await?.change.is_empty() && begun.elapsed() < SEEN {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn settings(&self, topics: &[&str]) -> Result<HashMap<String, Settings>, LogError> {
        if topics.is_empty() {
            return Ok(HashMap::new());
        }
        let asked: Vec<ResourceSpecifier<'_>> =
            topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
        let answers = self.client.describe_configs(&asked, &self.options()).await.map_err(log_error)?;
        let mut settings = HashMap::new();
        for answer in answers {
            let answer = answer.map_err(|code| log_error(KafkaError::AdminOp(code)))?;
            if let OwnedResourceSpecifier::Topic(topic) = answer.specifier {
                let by_name = answer.entries.into_iter().map(|entry| (entry.name.clone(), entry));
                settings.insert(topic, by_name.collect());
            }
        }
        Ok(settings)
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.timeout))
    }
}

impl std::fmt::Debug for TopicAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicAdmin").finish_non_exhaustive()
    }
}

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
fn plan(
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
            Some(_) => {
                let changes = changes(spec, settings.get(&spec.name));
                if changes.is_empty() {
                    plan.ok.push(topic);
                }
                plan.change.extend(changes);
            }
        }
    }
    plan
}

fn changes(spec: &TopicSpec, has: Option<&Settings>) -> Vec<SettingChange> {
    let value = |setting: &str| has.and_then(|has| has.get(setting)?.value.clone());
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

fn new_topic(topic: &CreateTopic) -> NewTopic<'_> {
    let replication = TopicReplication::Fixed(i32::from(topic.replication));
    let new = NewTopic::new(&topic.topic, topic.shards.cast_signed(), replication);
    topic.settings.iter().fold(new, |new, (setting, value)| new.set(setting, value))
}

fn shard_counts(metadata: &Metadata) -> HashMap<String, u32> {
    let topics = metadata.topics().iter();
    topics.map(|topic| (topic.name().to_owned(), topic.partitions().len() as u32)).collect()
}

fn has_leaders(metadata: &Metadata, name: &str) -> bool {
    let topic = metadata.topics().iter().find(|topic| topic.name() == name);
    topic.is_some_and(|topic| {
        topic.error().is_none() && topic.partitions().iter().all(|shard| shard.leader() >= 0)
    })
}

fn is_there(metadata: &Metadata, name: &str) -> bool {
    metadata.topics().iter().any(|topic| topic.name() == name && topic.error().is_none())
}

fn refused(what: &'static str, topic: String, code: Code) -> TopicsError {
    TopicsError::Refused { what, topic, source: KafkaError::AdminOp(code) }
}

#[cfg(test)]
mod tests;
