//! A member of a local group that reads.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{Groups, Membership};
use crate::{Delivery, EventLog, LogError, Offset, Record, Shard, StartAt, Subscription};

/// A log whose groups live in this process. Clones are the same log.
#[async_trait]
pub trait LocalLog: EventLog + Clone + 'static {
    /// How often a waiting member looks by itself, because another process may have appended; `None` where that
    /// cannot be.
    const LOOK_AGAIN: Option<Duration>;

    /// Whether an offset inside the bounds may have no record. Where it may not, one that is not there is an error.
    const GAPS: bool = false;

    /// The groups; the log [rings](Groups::ring) after each append.
    fn groups(&self) -> &Groups;

    /// Learns of everything appended so far, by whatever process.
    async fn refresh(&self) -> Result<(), LogError>;

    /// Where a shard ended at the latest refresh (or later); 0 if there is no such shard.
    fn end(&self, topic: &str, shard: Shard) -> Offset;
}

/// One member of a group of a [`LocalLog`].
#[derive(Debug)]
pub struct LocalSubscription<L> {
    log: L,
    topics: Vec<String>,
    membership: Membership,
    /// Of each started shard, the offset to read next: a place for every topic that has the shard, in the order of
    /// the subscription.
    places: BTreeMap<Shard, Vec<StartAt>>,
    /// The shard served last: the search begins behind it, so that a busy shard does not starve the others.
    served: Shard,
    /// The read that was begun, if one is. Whoever gives up waiting for [`next`](Subscription::next) does not give it up:
    /// the next call goes on with it, else a read that takes longer than anybody's patience would never end.
    reading: JoinSet<Result<Peeked, LogError>>,
}

/// What the next shard in turn has to read.
type Peeked = Option<(Shard, Vec<Record>)>;

/// A shard can only be started by the member that holds it.
#[derive(Debug, thiserror::Error)]
#[error("shard {0} is not assigned to this member")]
struct NotAssigned(Shard);

impl<L: LocalLog> LocalSubscription<L> {
    /// Joins `group`. Topics may have different numbers of shards: the group shares out as many as the largest has.
    ///
    /// # Errors
    /// [`LogError::NoSuchShard`] for a topic that does not exist; [`LogError::Failed`] when the group reads other
    /// topics.
    pub async fn join(log: L, group: &str, topics: &[String]) -> Result<Self, LogError> {
        let mut shards = 0;
        for topic in topics {
            shards = shards.max(shard_count(&log, topic).await?);
        }
        let membership = log.groups().join(group, topics, shards).map_err(failed)?;
        Ok(Self {
            log,
            topics: topics.to_vec(),
            membership,
            places: BTreeMap::new(),
            served: 0,
            reading: JoinSet::new(),
        })
    }

    fn moved(&mut self, change: &Delivery) {
        self.reading = JoinSet::new();
        if let Delivery::Revoked(shards) = change {
            self.places.retain(|shard, _| !shards.contains(shard));
        }
    }

    /// What the read that was begun found, else one that begins now; and whether it is that.
    async fn read(&mut self, max: usize) -> Result<(Peeked, bool), LogError> {
        let begins = self.reading.is_empty();
        if begins {
            self.reading.spawn(peek(self.log.clone(), self.places.clone(), self.served, max));
        }
        let read = self.reading.join_next().await.expect("one was begun");
        Ok((read.map_err(failed)??, begins))
    }

    fn pass(&mut self, shard: Shard, records: &[Record]) {
        self.served = shard;
        let places = self.places.get_mut(&shard).expect("only started shards are read");
        for run in records.chunk_by(|a, b| a.topic == b.topic) {
            let place = places.iter_mut().find(|place| *place.topic == *run[0].topic);
            place.expect("only topics of the subscription are read").offset = run[run.len() - 1].offset + 1;
        }
    }

    /// Where to begin in `topic`; `None` if it does not have the shard and nobody asked for it.
    async fn place(
        &self,
        topic: &str,
        shard: Shard,
        wanted: Option<Offset>,
    ) -> Result<Option<StartAt>, LogError> {
        if wanted.is_none() && shard >= shard_count(&self.log, topic).await? {
            return Ok(None);
        }
        let topic = topic.to_owned();
        let bounds = self.log.bounds(&topic, shard).await?;
        match wanted {
            None => Ok(Some(StartAt { topic, offset: bounds.start })),
            Some(wanted) if wanted < bounds.start => {
                Err(LogError::Overtaken { topic, shard, wanted, begin: bounds.start })
            }
            Some(wanted) if wanted > bounds.end => {
                Err(LogError::Replaced { topic, shard, wanted, end: bounds.end })
            }
            Some(offset) => Ok(Some(StartAt { topic, offset })),
        }
    }

    async fn wait(&mut self) {
        match L::LOOK_AGAIN {
            None => self.membership.wait().await,
            // Whether it was rung or timed out, the caller looks.
            Some(interval) => drop(tokio::time::timeout(interval, self.membership.wait()).await),
        }
    }
}

/// What the next started shard in turn has to read.
async fn peek<L: LocalLog>(
    log: L,
    places: BTreeMap<Shard, Vec<StartAt>>,
    served: Shard,
    max: usize,
) -> Result<Peeked, LogError> {
    log.refresh().await?;
    let turn = places.range(served + 1..).chain(places.range(..=served));
    for (&shard, places) in turn {
        let records = peek_shard(&log, shard, places, max).await?;
        if !records.is_empty() {
            return Ok(Some((shard, records)));
        }
    }
    Ok(None)
}

async fn peek_shard<L: LocalLog>(
    log: &L,
    shard: Shard,
    places: &[StartAt],
    max: usize,
) -> Result<Vec<Record>, LogError> {
    let mut records = Vec::new();
    for place in places {
        if records.len() < max && place.offset < log.end(&place.topic, shard) {
            let wanted = max - records.len();
            let more = log.read(&place.topic, shard, place.offset, wanted).await?;
            if more.first().is_none_or(|record| record.offset != place.offset) {
                check_overtaken(log, shard, place).await?;
            }
            records.extend(more);
        }
    }
    Ok(records)
}

/// The record at `place` is gone, unless it never was.
async fn check_overtaken<L: LocalLog>(log: &L, shard: Shard, place: &StartAt) -> Result<(), LogError> {
    let begin = log.bounds(&place.topic, shard).await?.start;
    if L::GAPS && begin <= place.offset {
        return Ok(());
    }
    Err(LogError::Overtaken { topic: place.topic.clone(), shard, wanted: place.offset, begin })
}

#[async_trait]
impl<L: LocalLog> Subscription for LocalSubscription<L> {
    async fn next(&mut self, max: usize) -> Result<Delivery, LogError> {
        loop {
            self.membership.listen();
            if let Some(change) = self.membership.change() {
                self.moved(&change);
                return Ok(change);
            }
            let (read, begun_now) = self.read(max.max(1)).await?;
            if let Some((shard, records)) = read {
                self.pass(shard, &records);
                return Ok(Delivery::Records { shard, records });
            }
            // What was begun before we listened does not know what was appended since.
            if begun_now {
                self.wait().await;
            }
        }
    }

    /// On an error, a shard that is already being read goes on from where it was.
    async fn start(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError> {
        if !self.membership.holds(shard) {
            return Err(failed(NotAssigned(shard)));
        }
        if let Some(stray) = positions.iter().find(|position| !self.topics.contains(&position.topic)) {
            return Err(LogError::NoSuchShard { topic: stray.topic.clone(), shard });
        }
        let mut places = Vec::with_capacity(self.topics.len());
        for topic in &self.topics {
            let wanted = positions.iter().find(|position| position.topic == *topic);
            places.extend(self.place(topic, shard, wanted.map(|position| position.offset)).await?);
        }
        self.reading = JoinSet::new();
        self.places.insert(shard, places);
        Ok(())
    }

    /// Nobody asks a local log how far its consumers are: the stores know.
    async fn report(&mut self, _shard: Shard, _positions: &[StartAt]) -> Result<(), LogError> {
        Ok(())
    }
}

async fn shard_count(log: &impl EventLog, topic: &str) -> Result<u32, LogError> {
    let shards = log.shards(topic).await?;
    shards.ok_or_else(|| LogError::NoSuchShard { topic: topic.to_owned(), shard: 0 })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> LogError {
    LogError::Failed(Box::new(error))
}
