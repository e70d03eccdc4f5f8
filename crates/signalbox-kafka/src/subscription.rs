//! A member of a group.
//!
//! # Layout
//! - this file: [`KafkaSubscription`]: which records come next
//! - `membership`: the client in the group, and its thread
//! - `order`: whose turn it is: what an earlier topic has goes before what a later one has
//! - `fetch`: the client that reads, and its queues

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use signalbox_log::{Delivery, LogError, Offset, Shard, StartAt, Subscription};

use self::fetch::{Fetch, is_out_of_range};
use self::membership::{Desk, Group};
use self::order::{AWAITED, Asking, Found};
use crate::client::{log_error, shard_error};
use crate::cluster::{Cluster, TopicShard};
use crate::config::Config;
use crate::read::Readers;
use crate::threads::blocking;

mod fetch;
mod membership;
mod order;

/// How many members of a log have not left their group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members(Arc<AtomicUsize>);

/// One of them.
#[derive(Debug)]
struct Counted(Members);

impl Members {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::AcqRel);
        Counted(self.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One member's view of its group's topics.
pub(crate) struct KafkaSubscription {
    cluster: Cluster,
    readers: Readers,
    /// The topics in the order of the subscription, and how many shards each has.
    topics: Vec<(String, u32)>,
    desk: Arc<Desk>,
    fetch: Option<Fetch>,
    asking: Option<Asking>,
    /// The shards that this member was told are its own.
    told: BTreeSet<Shard>,
    /// The shard served last: the search begins behind it, so that a busy shard does not starve the others.
    served: Shard,
    /// A shard that cannot be read on: the topic and what the client said. Until it is started again.
    broken: BTreeMap<Shard, (String, KafkaError)>,
    timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("shard {0} is not assigned to this member")]
struct NotAssigned(Shard);

#[derive(Debug, thiserror::Error)]
#[error(
    "topic \"{topic}\" has {shards} shards, others of the subscription {most}: they must have one or equally many"
)]
struct NotAlike {
    topic: String,
    shards: u32,
    most: u32,
}

impl KafkaSubscription {
    pub(crate) async fn join(
        config: &Config,
        cluster: &Cluster,
        readers: &Readers,
        members: &Members,
        group: &str,
        names: &[String],
    ) -> Result<Self, LogError> {
        let topics = alike(cluster, names).await?;
        let desk = Arc::new(Desk::default());
        let fetch = blocking({
            let (config, reports) = (config.clone(), cluster.reports().clone());
            let (name, desk, member) = (group.to_owned(), desk.clone(), members.enter());
            let topics: BTreeMap<String, u32> = topics.iter().cloned().collect();
            move || {
                let queues = topics.values().sum::<u32>() as usize;
                let client = Arc::new(fetch::client(&config, &name, queues, reports.clone())?);
                let group = Group { config, name, topics };
                membership::join(group, desk.clone(), client.clone(), reports, member)?;
                Ok::<_, LogError>(Fetch::new(client, desk))
            }
        })
        .await??;
        Ok(Self {
            cluster: cluster.clone(),
            readers: readers.clone(),
            topics,
            desk,
            fetch: Some(fetch),
            asking: None,
            told: BTreeSet::new(),
            served: Shard::MAX,
            broken: BTreeMap::new(),
            timeout: config.timeout,
        })
    }

    fn fetch(&mut self) -> &mut Fetch {
        self.fetch.as_mut().expect("only drop takes it")
    }

    /// Hears what the group decided.
    fn hear(&mut self, change: &Delivery) {
        match change {
            Delivery::Assigned(shards) => self.told.extend(shards),
            Delivery::Revoked(shards) => {
                for shard in shards {
                    self.told.remove(shard);
                    self.broken.remove(shard);
                    self.fetch().stop(*shard);
                }
            }
            Delivery::Records { .. } => {}
        }
    }

    /// Waits until something happens, or `limit` is over.
    async fn wait(&mut self, limit: Option<Duration>) -> Result<(), LogError> {
        let outage = self.desk.down_since().map(|since| self.timeout.saturating_sub(since.elapsed()));
        if outage == Some(Duration::ZERO) {
            self.desk.outage_reported();
            return Err(log_error(KafkaError::MessageConsumption(RDKafkaErrorCode::AllBrokersDown)));
        }
        let rung = self.desk.rung.notified();
        match limit.into_iter().chain(outage).min() {
            None => rung.await,
            // Whether it was rung or timed out, the caller looks.
            Some(limit) => drop(tokio::time::timeout(limit, rung).await),
        }
        Ok(())
    }

    /// Why a shard cannot be read on.
    async fn breakage(&mut self) -> Result<(), LogError> {
        let Some((&shard, (topic, error))) = self.broken.first_key_value() else { return Ok(()) };
        let (topic, error) = (topic.clone(), error.clone());
        if !is_out_of_range(&error) {
            // It may pass: said once.
            self.broken.remove(&shard);
            return Err(shard_error(error, &topic, shard));
        }
        let bounds = self.cluster.bounds(vec![(topic.clone(), shard)]).await?;
        let wanted = self.fetch().lane_mut(shard, &topic).map_or(0, |lane| lane.next);
        check(&topic, shard, wanted, &bounds[0])?;
        Err(shard_error(error, &topic, shard))
    }

    /// The topics that have the shard, and where to begin in each.
    async fn places(&self, shard: Shard, positions: &[StartAt]) -> Result<Vec<StartAt>, LogError> {
        let named = |topic: &str| positions.iter().find(|position| position.topic == topic);
        for position in positions {
            let shards = self.topics.iter().find(|(topic, _)| *topic == position.topic);
            if shards.is_none_or(|(_, shards)| shard >= *shards) {
                return Err(LogError::NoSuchShard { topic: position.topic.clone(), shard });
            }
        }
        let with_shard = self.topics.iter().filter(|(_, shards)| shard < *shards);
        let asked: Vec<TopicShard> = with_shard.map(|(topic, _)| (topic.clone(), shard)).collect();
        let bounds = self.cluster.bounds(asked.clone()).await?;
        let mut places = Vec::with_capacity(asked.len());
        for ((topic, shard), bounds) in asked.into_iter().zip(bounds) {
            let offset = named(&topic).map_or(bounds.start, |position| position.offset);
            check(&topic, shard, offset, &bounds)?;
            places.push(StartAt { topic, offset });
        }
        Ok(places)
    }
}

#[async_trait]
impl Subscription for KafkaSubscription {
    /// A delivery has records of one topic. Those of a later topic come when every earlier one was at its end; the
    /// brokers are asked for that after they came.
    async fn next(&mut self, max: usize) -> Result<Delivery, LogError> {
        loop {
            if let Some(change) = self.desk.change() {
                self.hear(&change);
                return Ok(change);
            }
            if let Some(problem) = self.desk.problem() {
                return Err(problem);
            }
            self.breakage().await?;
            if self.asking.as_ref().is_some_and(|asking| asking.answer.is_finished()) {
                self.answer().await?;
            }
            let Found { records, unsure, awaited } = self.look(max.max(1));
            if self.asking.is_none() && !unsure.is_empty() {
                self.ask(unsure);
            }
            if let Some((shard, records)) = records {
                return Ok(Delivery::Records { shard, records });
            }
            if self.asking.is_some() {
                self.answer().await?;
            } else if self.broken.is_empty() && !self.settle(&awaited).await? {
                self.wait((!awaited.is_empty()).then_some(AWAITED)).await?;
            }
        }
    }

    async fn start(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError> {
        if !self.told.contains(&shard) {
            return Err(LogError::Failed(Box::new(NotAssigned(shard))));
        }
        let places = self.places(shard, positions).await?;
        // Nothing awaits from here on: the shard is started or it is not.
        self.broken.remove(&shard);
        if self.desk.holds(shard) {
            self.fetch().start(shard, &places)?;
        }
        // Else it was just revoked; the next delivery says so.
        Ok(())
    }

    /// Told to the brokers within a moment, for tools that show how far behind a group is.
    async fn report(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError> {
        for position in positions {
            self.desk.leave_report((position.topic.clone(), shard), position.offset);
        }
        Ok(())
    }
}

impl Drop for KafkaSubscription {
    fn drop(&mut self) {
        // The queues first: the thread has to be the last to hold the client, which blocks while it ends.
        self.fetch = None;
        self.desk.close();
    }
}

/// A position outside the shard's bounds is never moved into them.
fn check(topic: &str, shard: Shard, wanted: Offset, bounds: &Range<Offset>) -> Result<(), LogError> {
    let topic = topic.to_owned();
    if wanted < bounds.start {
        Err(LogError::Overtaken { topic, shard, wanted, begin: bounds.start })
    } else if wanted > bounds.end {
        Err(LogError::Replaced { topic, shard, wanted, end: bounds.end })
    } else {
        Ok(())
    }
}

/// The topics and their numbers of shards, if one member can have the same shards of all of them.
async fn alike(cluster: &Cluster, names: &[String]) -> Result<Vec<(String, u32)>, LogError> {
    let mut topics = Vec::with_capacity(names.len());
    for name in names {
        let shards = cluster.shards(name).await?;
        let shards = shards.ok_or_else(|| LogError::NoSuchShard { topic: name.clone(), shard: 0 })?;
        topics.push((name.clone(), shards));
    }
    let most = topics.iter().map(|(_, shards)| *shards).max().unwrap_or(0);
    match topics.iter().find(|(_, shards)| *shards != most && *shards != 1) {
        None => Ok(topics),
        Some((topic, shards)) => {
            Err(LogError::Failed(Box::new(NotAlike { topic: topic.clone(), shards: *shards, most })))
        }
    }
}
