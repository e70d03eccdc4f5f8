//! A trial on a log: what is there is read, what is appended stays in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::group::{Groups, LocalLog, LocalSubscription};
use crate::{EventLog, LogError, Message, Offset, Record, Shard, Subscription};

#[cfg(test)]
mod tests;

/// A log over another one, its *base*, which it never changes: nothing is appended there and no group is joined.
///
/// A shard shows the records that the base had when the shard was first asked for, then those appended here, at the
/// offsets that follow. Appends last as long as the last clone. Clones are the same log.
#[derive(Clone)]
pub struct OverlayLog {
    base: Arc<dyn EventLog>,
    /// Topics that are shown as empty where the base lacks them.
    missing: Arc<HashMap<String, u32>>,
    shards: Arc<Mutex<Shards>>,
    groups: Groups,
}

/// What is held of each shard that was asked for.
type Shards = HashMap<String, BTreeMap<Shard, Held>>;

#[derive(Debug)]
struct Held {
    /// What the base held when it was first asked.
    base: Range<Offset>,
    appended: Vec<Record>,
}

impl OverlayLog {
    pub fn over(base: Arc<dyn EventLog>) -> Self {
        Self { base, missing: Arc::default(), shards: Arc::default(), groups: Groups::default() }
    }

    /// Shows these topics and shards as empty where the base lacks them. To be said before clones are made.
    pub fn with_missing(mut self, topics: &[(&str, u32)]) -> Self {
        self.missing =
            Arc::new(topics.iter().map(|(topic, shards)| ((*topic).to_owned(), *shards)).collect());
        self
    }

    /// Asks the base about a shard that was not asked for before.
    async fn hold(&self, topic: &str, shard: Shard) -> Result<(), LogError> {
        if self.lock().get(topic).is_some_and(|held| held.contains_key(&shard)) {
            return Ok(());
        }
        let base = match self.base.bounds(topic, shard).await {
            Err(LogError::NoSuchShard { .. }) if self.is_declared(topic, shard) => 0..0,
            bounds => bounds?,
        };
        // Who asked at the same time and was first has said where the base ends.
        let held = Held { base, appended: Vec::new() };
        self.lock().entry(topic.to_owned()).or_default().entry(shard).or_insert(held);
        Ok(())
    }

    /// What is held of a shard.
    async fn held<T>(&self, topic: &str, shard: Shard, look: impl FnOnce(&Held) -> T) -> Result<T, LogError> {
        self.hold(topic, shard).await?;
        Ok(look(&self.lock()[topic][&shard]))
    }

    fn is_declared(&self, topic: &str, shard: Shard) -> bool {
        self.missing.get(topic).is_some_and(|shards| shard < *shards)
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
impl EventLog for OverlayLog {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        for run in messages.chunk_by(|a, b| a.topic == b.topic && a.shard == b.shard) {
            self.hold(&run[0].topic, run[0].shard).await?;
        }
        let mut shards = self.lock();
        for message in messages {
            let held = shards.get_mut(&message.topic).and_then(|held| held.get_mut(&message.shard));
            held.expect("nothing held is let go").push(message.clone());
        }
        drop(shards);
        self.groups.ring();
        Ok(())
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
        let base = self.held(topic, shard, |held| held.base.clone()).await?;
        let wanted = from.clamp(base.start, base.end)..base.end;
        let mut records = self.read_base(topic, shard, wanted, max).await?;
        let left = max - records.len();
        let skipped = from.saturating_sub(base.end) as usize;
        let appended =
            |held: &Held| held.appended.iter().skip(skipped).take(left).cloned().collect::<Vec<_>>();
        records.extend(self.held(topic, shard, appended).await?);
        Ok(records)
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        self.held(topic, shard, |held| held.base.start..held.end()).await
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        let declared = self.missing.get(topic).copied();
        Ok(self.base.shards(topic).await?.max(declared))
    }
}

#[async_trait]
impl LocalLog for OverlayLog {
    const LOOK_AGAIN: Option<Duration> = None;
    /// The base may have them.
    const GAPS: bool = true;

    fn groups(&self) -> &Groups {
        &self.groups
    }

    async fn refresh(&self) -> Result<(), LogError> {
        Ok(())
    }

    fn end(&self, topic: &str, shard: Shard) -> Offset {
        self.lock().get(topic).and_then(|held| held.get(&shard)).map_or(0, Held::end)
    }
}

impl Held {
    fn end(&self) -> Offset {
        self.base.end + self.appended.len() as Offset
    }

    fn push(&mut self, message: Message) {
        let Message { topic, shard, key, headers, value } = message;
        let offset = self.end();
        self.appended.push(Record { topic, shard, offset, key, headers, value });
    }
}

impl std::fmt::Debug for OverlayLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OverlayLog").field("missing", &self.missing).finish_non_exhaustive()
    }
}
