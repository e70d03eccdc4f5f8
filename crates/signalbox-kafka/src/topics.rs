//! The care of topics: seeing what differs from what is declared, and making it so.

mod plan;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, NewTopic, OwnedResourceSpecifier,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use signalbox_log::LogError;

pub use self::plan::{Cleanup, CreateTopic, OtherShards, SettingChange, TopicPlan, TopicSpec};
use self::plan::{Settings, plan};
use crate::append::Appender;
use crate::client::{Client, Context, log_error};
use crate::cluster::Cluster;
use crate::config::Config;

/// How often to look whether a change is done.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long to wait until the brokers show what was changed.
pub(crate) const SEEN: Duration = Duration::from_secs(5);

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

    /// Without the topics whose settings this user may not see.
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
            // The library passes over a refusal; every topic has settings.
            if let OwnedResourceSpecifier::Topic(topic) = answer.specifier
                && !answer.entries.is_empty()
            {
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
