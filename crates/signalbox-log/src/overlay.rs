//! A trial on a log: what is there is read, what is appended goes elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::group::{Groups, LocalLog, LocalSubscription};
use crate::{EventLog, LogError, Message, Offset, Record, Shard, Subscription};

#[cfg(test)]
mod tests;

/// A log over another one, its *base*, which it never changes: what is appended goes to a second one, its *top*, and
/// groups are joined there.
///
/// The topics and shards are the top's; those that the base lacks begin empty. A shard shows the records that the base
/// had when the shard was first asked for, then those of the top, which was empty, at the offsets that follow. Clones
/// are the same log.
#[derive(Clone)]
pub struct OverlayLog<T> {
    base: Arc<dyn EventLog>,
    top: T,
    shards: Arc<Mutex<Shards>>,
}

/// What the base held of each shard when it was first asked.
type Shards = HashMap<String, BTreeMap<Shard, Range<Offset>>>;

impl<T: LocalLog> OverlayLog<T> {
    /// `top`: empty, and nobody else's.
    pub fn new(base: Arc<dyn EventLog>, top: T) -> Self {
        Self { base, top, shards: Arc::default() }
    }

    /// What the base holds of a shard. Asks it when the shard was not asked for before.
    async fn held(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        if let Some(held) = self.known(topic, shard) {
            return Ok(held);
        }
        // Refuses what is no shard of this log.
        self.top.bounds(topic, shard).await?;
        let held = match self.base.bounds(topic, shard).await {
            Err(LogError::NoSuchShard { .. }) => 0..0,
            bounds => bounds?,
        };
        // Who asked at the same time and was first has said where the base ends.
        Ok(self.lock().entry(topic.to_owned()).or_default().entry(shard).or_insert(held).clone())
    }

    fn known(&self, topic: &str, shard: Shard) -> Option<Range<Offset>> {
        self.lock().get(topic).and_then(|shards| shards.get(&shard)).cloned()
    }

    /// Up to `max` records of the base, from `wanted`.
    async fn read_base(
        &self,
        topic: &str,
        shard: Shard,
        mut wanted: Range<Offset>,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let mut records = Vec::new();
        while records.len() < max && !wanted.is_empty() {
            let left = (max - records.len()).min((wanted.end - wanted.start) as usize);
            let page = self.base.read(topic, shard, wanted.start, left).await?;
            if page.first().is_none_or(|first| first.offset != wanted.start) {
                self.check_overtaken(topic, shard, wanted.start).await?;
            }
            let Some(last) = page.last() else { break };
            wanted.start = last.offset + 1;
            records.extend(page.into_iter().filter(|record| record.offset < wanted.end));
        }
        Ok(records)
    }

    /// There is no record at `wanted`: never was, or no longer.
    async fn check_overtaken(&self, topic: &str, shard: Shard, wanted: Offset) -> Result<(), LogError> {
        let begin = self.base.bounds(topic, shard).await?.start;
        if begin > wanted {
            return Err(LogError::Overtaken { topic: topic.to_owned(), shard, wanted, begin });
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Shards> {
        self.shards.lock().expect("nothing panics while the shards are held")
    }
}

#[async_trait]
impl<T: LocalLog> EventLog for OverlayLog<T> {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        // A shard that is only appended to may have been asked for by nobody yet.
        for run in messages.chunk_by(|a, b| a.topic == b.topic && a.shard == b.shard) {
            self.held(&run[0].topic, run[0].shard).await?;
        }
        self.top.append(messages).await
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(LocalSubscription::join(self.clone(), group, topics).await?))
    }

    /// [`LogError::Overtaken`] when retention took what the base had when it was first asked.
    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let held = self.held(topic, shard).await?;
        let wanted = from.clamp(held.start, held.end)..held.end;
        let mut records = self.read_base(topic, shard, wanted, max).await?;
        let left = max - records.len();
        if left > 0 {
            let appended = self.top.read(topic, shard, from.saturating_sub(held.end), left).await?;
            let follows = |record: Record| Record { offset: held.end + record.offset, ..record };
            records.extend(appended.into_iter().map(follows));
        }
        Ok(records)
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        let held = self.held(topic, shard).await?;
        Ok(held.start..held.end + self.top.bounds(topic, shard).await?.end)
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.top.shards(topic).await
    }
}

#[async_trait]
impl<T: LocalLog> LocalLog for OverlayLog<T> {
    const LOOK_AGAIN: Option<Duration> = T::LOOK_AGAIN;
    /// The base may have them.
    const GAPS: bool = true;

    fn groups(&self) -> &Groups {
        self.top.groups()
    }

    async fn refresh(&self) -> Result<(), LogError> {
        self.top.refresh().await
    }

    fn end(&self, topic: &str, shard: Shard) -> Offset {
        self.known(topic, shard).map_or(0, |held| held.end + self.top.end(topic, shard))
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for OverlayLog<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OverlayLog").field("top", &self.top).finish_non_exhaustive()
    }
}
