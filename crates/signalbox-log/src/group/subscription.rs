//! A member of a local group that reads.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

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
}

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
        Ok(Self { log, topics: topics.to_vec(), membership, places: BTreeMap::new(), served: 0 })
    }

    fn moved(&mut self, change: &Delivery) {
        if let Delivery::Revoked(shards) = change {
            self.places.retain(|shard, _| !shards.contains(shard));
        }
    }

    /// What the next started shard in turn has to read. Moves nothing, so that it may be dropped half-way.
    async fn peek(&self, max: usize) -> Result<Option<(Shard, Vec<Record>)>, LogError> {
        self.log.refresh().await?;
        let turn = self.places.range(self.served + 1..).chain(self.places.range(..=self.served));
        for (&shard, places) in turn {
            let records = self.peek_shard(shard, places, max).await?;
            if !records.is_empty() {
                return Ok(Some((shard, records)));
            }
        }
        Ok(None)
    }

    async fn peek_shard(
        &self,
        shard: Shard,
        places: &[StartAt],
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let mut records = Vec::new();
        for place in places {
            if records.len() < max && place.offset < self.log.end(&place.topic, shard) {
                let wanted = max - records.len();
                let more = self.log.read(&place.topic, shard, place.offset, wanted).await?;
                if more.first().is_none_or(|record| record.offset != place.offset) {
                    self.check_overtaken(shard, place).await?;
                }
                records.extend(more);
            }
        }
        Ok(records)
    }

    /// The record at `place` is gone, unless it never was.
    async fn check_overtaken(&self, shard: Shard, place: &StartAt) -> Result<(), LogError> {
        let begin = self.log.bounds(&place.topic, shard).await?.start;
        if L::GAPS && begin <= place.offset {
            return Ok(());
        }
        Err(LogError::Overtaken { topic: place.topic.clone(), shard, wanted: place.offset, begin })
    }

    fn pass(&mut self, shard: Shard, records: &[Record]) {
        self.served = shard;
        let places = self.places.get_mut(&shard).expect("only started shards are read");
        for run in records.chunk_by(|a, b| a.topic == b.topic) {
            let place = places.iter_mut().find(|place| place.topic == run[0].topic);
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

#[async_trait]
impl<L: LocalLog> Subscription for LocalSubscription<L> {
    async fn next(&mut self, max: usize) -> Result<Delivery, LogError> {
        loop {
            self.membership.listen();
            if let Some(change) = self.membership.change() {
                self.moved(&change);
                return Ok(change);
            }
            if let Some((shard, records)) = self.peek(max.max(1)).await? {
                self.pass(shard, &records);
                return Ok(Delivery::Records { shard, records });
            }
            self.wait().await;
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
