//! What the brokers say about topics: their shards, and where these begin and end.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use rdkafka::{Offset as Place, TopicPartitionList};
use signalbox_log::{LogError, Offset, Shard};

use crate::client::{Client, Context, Reports, log_error, shard_error};
use crate::config::Config;
use crate::reminder::Reminder;
use crate::threads::blocking;

/// How long to wait before asking again about a shard that has no leader.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// How long to wait for what a client says about a call that failed.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// How long a topic's number of shards is believed. It never changes, but somebody may delete the topic and make
/// another one of its name.
const BELIEVED: Duration = Duration::from_secs(5);

/// How the names of Kafka's own topics begin.
const KAFKAS_OWN: &str = "__";

/// A shard of a topic.
pub(crate) type TopicShard = (String, Shard);

/// Asks the brokers, through a client that reads nothing. (A producer's client would not do: asked about an unknown
/// topic, it makes some brokers create it.)
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Arc<Client<BaseConsumer<Context>>>,
    reminder: Arc<Reminder>,
    /// The topics' numbers of shards, and since when they are known.
    shards: Arc<Mutex<HashMap<String, (u32, Instant)>>>,
    /// How often topics were deleted from here.
    deletions: Arc<AtomicU64>,
    timeout: Duration,
    reports: Reports,
}

impl Cluster {
    /// Makes the client, which asks nothing yet.
    pub(crate) fn new(config: &Config) -> Result<Self, LogError> {
        let reports = Reports::default();
        let context = Context { reports: reports.clone() };
        let client: BaseConsumer<Context> =
            config.consumer().create_with_context(context).map_err(log_error)?;
        Ok(Self {
            client: Arc::new(Client::new(client)),
            reminder: Arc::new(Reminder::new(config)),
            shards: Arc::default(),
            deletions: Arc::default(),
            timeout: config.timeout,
            reports,
        })
    }

    /// Waits until a broker answers.
    pub(crate) async fn answers(&self) -> Result<(), LogError> {
        self.ask(|client, timeout| {
            let id = client.client().fetch_cluster_id(timeout);
            id.map(drop).ok_or(KafkaError::MetadataFetch(Code::OperationTimedOut))
        })
        .await
    }

    pub(crate) fn reports(&self) -> &Reports {
        &self.reports
    }

    /// How many shards a topic has.
    pub(crate) async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        if let Some(known) = self.known(topic) {
            return Ok(Some(known));
        }
        let name = topic.to_owned();
        let shards = self.ask(move |client, timeout| shards_of(client, &name, timeout)).await?;
        if let Some(shards) = shards {
            self.believed().insert(topic.to_owned(), (shards, Instant::now()));
        }
        Ok(shards)
    }

    /// Checks that a topic has the shard.
    pub(crate) async fn require(&self, topic: &str, shard: Shard) -> Result<(), LogError> {
        match self.shards(topic).await? {
            Some(shards) if shard < shards => Ok(()),
            _ => Err(LogError::NoSuchShard { topic: topic.to_owned(), shard }),
        }
    }

    /// Checks that these shards are there, in one request if that is not known.
    pub(crate) async fn require_all(&self, places: &[TopicShard]) -> Result<(), LogError> {
        if places.iter().any(|(topic, _)| self.known(topic).is_none()) {
            let metadata = self.metadata().await?;
            let counts = metadata.topics().iter().filter(|topic| topic.error().is_none());
            let counts = counts.map(|topic| (topic.name().to_owned(), topic.partitions().len() as u32));
            let now = Instant::now();
            self.believed().extend(counts.map(|(topic, shards)| (topic, (shards, now))));
        }
        let missing =
            places.iter().find(|(topic, shard)| self.known(topic).is_none_or(|shards| *shard >= shards));
        match missing {
            None => Ok(()),
            // Also says what became of a topic that was just made.
            Some((topic, shard)) => self.require(topic, *shard).await,
        }
    }

    /// Where shards begin and end, in the order of `asked`. Two requests to each broker that leads any of them.
    pub(crate) async fn bounds(&self, asked: Vec<TopicShard>) -> Result<Vec<Range<Offset>>, LogError> {
        self.ask_shards(asked, |client, asked, timeout| {
            let begins = offsets(client, asked, Place::Beginning, timeout)?;
            let ends = offsets(client, asked, Place::End, timeout)?;
            // A trim between the two requests must not turn a range around.
            Ok(begins.into_iter().zip(ends).map(|(begin, end)| begin..end.max(begin)).collect())
        })
        .await
    }

    /// Where shards end, in the order of `asked`. One request to each broker that leads any of them.
    pub(crate) async fn ends(&self, asked: Vec<TopicShard>) -> Result<Vec<Offset>, LogError> {
        self.ask_shards(asked, |client, asked, timeout| offsets(client, asked, Place::End, timeout)).await
    }

    /// How many members a group has; 0 if there is no such group.
    pub(crate) async fn members(&self, group: &str) -> Result<usize, LogError> {
        let name = group.to_owned();
        self.ask(move |client, timeout| members_of(client, &name, timeout)).await
    }

    /// The names of the topics that this client may see, in order, without Kafka's own.
    pub(crate) async fn topics(&self) -> Result<Vec<String>, LogError> {
        let metadata = self.metadata().await?;
        let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with(KAFKAS_OWN)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Every topic that this client may see.
    pub(crate) async fn metadata(&self) -> Result<Metadata, LogError> {
        self.ask(|client, timeout| client.fetch_metadata(None, timeout)).await
    }

    /// These topics were deleted: what is known of them or was read ahead belongs to the past.
    pub(crate) fn deleted(&self, topics: &[String]) {
        self.believed().retain(|topic, _| !topics.contains(topic));
        self.deletions.fetch_add(1, Ordering::AcqRel);
    }

    /// How often topics were deleted from here.
    pub(crate) fn deletions(&self) -> u64 {
        self.deletions.load(Ordering::Acquire)
    }

    fn known(&self, topic: &str) -> Option<u32> {
        let known = self.believed().get(topic).copied();
        known.filter(|(_, since)| since.elapsed() < BELIEVED).map(|(shards, _)| shards)
    }

    fn believed(&self) -> MutexGuard<'_, HashMap<String, (u32, Instant)>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As `ask`, about shards. A shard that is new or moves has no leader for a moment: asks again.
    async fn ask_shards<T: Send + 'static>(
        &self,
        asked: Vec<TopicShard>,
        question: impl Fn(&BaseConsumer<Context>, &[TopicShard], Duration) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let reminder = self.reminder.clone();
        self.ask(move |client, timeout| {
            let deadline = Instant::now() + timeout;
            loop {
                let answer = question(client, &asked, deadline.saturating_duration_since(Instant::now()));
                let may_pass = matches!(answer, Err(LogError::Unavailable(_)));
                if !may_pass || Instant::now() + ASK_AGAIN >= deadline {
                    return Ok(answer);
                }
                reminder.remind(client.client());
                std::thread::sleep(ASK_AGAIN);
            }
        })
        .await?
    }

    /// The client's calls block their thread.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer<Context>, Duration) -> KafkaResult<T> + Send + 'static,
    ) -> Result<T, LogError> {
        let (client, timeout, reminder) = (self.client.clone(), self.timeout, self.reminder.clone());
        let answer = blocking(move || {
            let answer = question(&client, timeout);
            listen(&client, answer.is_err());
            if answer.is_err() {
                reminder.remind(client.client());
            }
            answer
        })
        .await?;
        match answer {
            Ok(answer) => {
                self.reports.answered();
                Ok(answer)
            }
            Err(error) => Err(self.reports.explain(error)),
        }
    }
}

/// What the client has to say waits in its queue until somebody listens. When a call failed, why may be there.
fn listen(client: &BaseConsumer<Context>, failed: bool) {
    if failed {
        while client.poll(LAST_WORDS).is_some() {}
    } else {
        drop(client.poll(Duration::ZERO));
    }
}

fn shards_of(client: &BaseConsumer<Context>, topic: &str, timeout: Duration) -> KafkaResult<Option<u32>> {
    let metadata = client.fetch_metadata(Some(topic), timeout)?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    match found.error().map(Code::from) {
        None => Ok(Some(found.partitions().len() as u32)),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::InvalidTopic) => Ok(None),
        Some(code) => Err(KafkaError::MetadataFetch(code)),
    }
}

/// Only the broker that coordinates a group lists it.
fn members_of(client: &BaseConsumer<Context>, group: &str, timeout: Duration) -> KafkaResult<usize> {
    let groups = client.fetch_group_list(Some(group), timeout)?;
    let mut members = 0;
    for found in groups.groups().iter().filter(|found| found.name() == group) {
        // The library does not show the error of a single group: the coordinator is just moving.
        if found.state().is_empty() {
            return Err(KafkaError::GroupListFetch(Code::CoordinatorNotAvailable));
        }
        members += found.members().len();
    }
    Ok(members)
}

/// The offsets at one place (the beginning or the end) of several shards, in their order. The request for the offset
/// at a time takes these two places as times of their own.
fn offsets(
    client: &BaseConsumer<Context>,
    asked: &[TopicShard],
    place: Place,
    timeout: Duration,
) -> Result<Vec<Offset>, LogError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let mut list = TopicPartitionList::with_capacity(asked.len());
    // A place that is asked for twice stands in the list once.
    for (topic, shard) in BTreeSet::from_iter(asked) {
        let added = list.add_partition_offset(topic, shard.cast_signed(), place);
        added.map_err(|error| shard_error(error, topic, *shard))?;
    }
    let about = asked.first().map_or(("", 0), |(topic, shard)| (topic, *shard));
    let found =
        client.offsets_for_times(list, timeout).map_err(|error| shard_error(error, about.0, about.1))?;
    asked.iter().map(|(topic, shard)| offset_of(&found, topic, *shard)).collect()
}

fn offset_of(found: &TopicPartitionList, topic: &str, shard: Shard) -> Result<Offset, LogError> {
    let element = found.find_partition(topic, shard.cast_signed());
    let element = element.ok_or_else(|| LogError::NoSuchShard { topic: topic.to_owned(), shard })?;
    element.error().map_err(|error| shard_error(error, topic, shard))?;
    match element.offset() {
        Place::Offset(offset) => Ok(offset.cast_unsigned()),
        _ => Err(log_error(KafkaError::OffsetFetch(Code::OffsetNotAvailable))),
    }
}
