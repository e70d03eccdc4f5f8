//! A member of a group.
//!
//! # Layout
//! - this file: [`KafkaSubscription`]: which records come next
//! - `membership`: the client in the group, and its thread
//! - `fetch`: the client that reads, and its queues

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use signalbox_log::{Delivery, LogError, Offset, Record, Shard, StartAt, Subscription};
use tokio::task::JoinHandle;

use self::fetch::{Before, Fetch, is_out_of_range};
use self::membership::{Desk, Group};
use crate::client::{log_error, shard_error};
use crate::cluster::{Cluster, TopicShard, blocking};
use crate::config::Config;
use crate::read::Readers;

mod fetch;
mod membership;

/// How long to await records of an earlier topic that have to be there, before asking whether the offsets are empty.
const AWAITED: Duration = Duration::from_millis(300);

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

/// What a look at the queues found.
#[derive(Default)]
struct Found {
    records: Option<(Shard, Vec<Record>)>,
    /// Records of later topics are there, each of a shard and a lane, but are the earlier topics at their ends?
    unsure: Vec<(Shard, usize)>,
    awaited: Vec<Awaited>,
}

/// What one shard has.
enum Next {
    /// Records of this lane, whose turn it is.
    Ready(usize),
    Unsure(usize),
    Awaits(Awaited),
    Nothing,
}

/// A question under way: where the topics before these lanes end. It goes on when the call that began it is given up.
struct Asking {
    lanes: Vec<(Shard, usize)>,
    answer: JoinHandle<Result<Vec<Offset>, LogError>>,
}

/// Records of a topic that have to be handed out before others that are there.
struct Awaited {
    topic: String,
    shard: Shard,
    end: Offset,
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

    /// Looks into the queues of the shards in hand, in turn, until one has records whose turn it is.
    fn look(&mut self, max: usize) -> Found {
        let (mut found, mut ahead) = (Found::default(), 0);
        let served = self.served;
        for shard in self.fetch().turn(served) {
            if !self.desk.holds(shard) {
                continue;
            }
            match self.look_into(shard, max) {
                Next::Ready(lane) => {
                    self.served = shard;
                    let records = self.fetch().lanes_mut(shard)[lane].hand_out(max);
                    found.records = Some((shard, records));
                    break;
                }
                Next::Unsure(lane) => found.unsure.push((shard, lane)),
                Next::Awaits(records) => found.awaited.push(records),
                Next::Nothing => {}
            }
            ahead += self.fetch().lanes_mut(shard).iter().map(fetch::Lane::ahead).sum::<usize>();
            if !found.unsure.is_empty() && ahead >= max {
                break;
            }
        }
        found
    }

    /// Looks into the queues of one shard, in the order of the topics. What a later topic has goes out when every
    /// earlier one is read to where it ended after that was taken.
    fn look_into(&mut self, shard: Shard, max: usize) -> Next {
        let fetch = self.fetch.as_mut().expect("only drop takes it");
        let lanes = fetch.lanes_mut(shard);
        for lane in &mut *lanes {
            if let Err(error) = lane.take(max) {
                self.broken.insert(shard, (lane.topic.clone(), error));
            }
            if lane.ahead() > 0 || self.broken.contains_key(&shard) {
                break;
            }
        }
        let Some(index) = lanes.iter().position(|lane| lane.ahead() > 0) else { return Next::Nothing };
        let (earlier, rest) = lanes.split_at_mut(index);
        let ends = match &rest[0].before {
            _ if earlier.is_empty() => return Next::Ready(index),
            Before::Unasked => return Next::Unsure(index),
            Before::Asked => return Next::Nothing,
            Before::Ends(ends) => ends,
        };
        match earlier.iter_mut().zip(ends).find(|(lane, end)| !lane.is_through(**end)) {
            None => Next::Ready(index),
            Some((lane, &end)) => {
                lane.awaited_since.get_or_insert_with(Instant::now);
                Next::Awaits(Awaited { topic: lane.topic.clone(), shard, end })
            }
        }
    }

    /// Begins to ask where the earlier topics end, for all of `lanes` at once.
    fn ask(&mut self, lanes: Vec<(Shard, usize)>) {
        let mut asked = Vec::new();
        for (shard, index) in &lanes {
            let (earlier, rest) = self.fetch().lanes_mut(*shard).split_at_mut(*index);
            asked.extend(earlier.iter().map(|lane| (lane.topic.clone(), *shard)));
            rest[0].before = Before::Asked;
        }
        let cluster = self.cluster.clone();
        let answer = tokio::spawn(async move { cluster.ends(asked).await });
        self.asking = Some(Asking { lanes, answer });
    }

    /// Waits for the answer to the question under way.
    async fn answer(&mut self) -> Result<(), LogError> {
        let Some(Asking { answer, .. }) = &mut self.asking else { return Ok(()) };
        let answer = answer.await.map_err(|error| LogError::Failed(Box::new(error)))?;
        let lanes = self.asking.take().map(|asking| asking.lanes).unwrap_or_default();
        let (mut ends, failed) = match answer {
            Ok(ends) => (ends.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(error)),
        };
        for (shard, index) in lanes {
            let ends: Vec<Offset> = ends.by_ref().take(index).collect();
            // Who was stopped meanwhile has other lanes, or none.
            let lane = self.fetch().lanes_mut(shard).get_mut(index);
            let Some(lane) = lane.filter(|lane| lane.before == Before::Asked) else { continue };
            lane.before = if failed.is_none() { Before::Ends(ends) } else { Before::Unasked };
        }
        failed.map_or(Ok(()), Err)
    }

    /// Records that the brokers count may not be there: a transaction's end is counted, and so is what was compacted
    /// away. Asks for those that have been awaited for long; whether any of them turned out not to be there.
    async fn settle(&mut self, awaited: &[Awaited]) -> Result<bool, LogError> {
        let mut settled = false;
        for Awaited { topic, shard, end } in awaited {
            let Some(lane) = self.fetch().lane_mut(*shard, topic) else { continue };
            if lane.awaited_since.is_none_or(|since| since.elapsed() < AWAITED) {
                continue;
            }
            let from = lane.next;
            let found = self.readers.read(topic, *shard, from, 1).await?;
            let Some(lane) = self.fetch().lane_mut(*shard, topic) else { continue };
            lane.awaited_since = None;
            if found.first().is_none_or(|record| record.offset >= *end) {
                lane.empty_until = *end;
                settled = true;
            }
        }
        Ok(settled)
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
