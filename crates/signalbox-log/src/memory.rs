//! The log in memory.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::group::{Groups, LocalLog, LocalSubscription};
use crate::{EventLog, LogError, Message, Offset, Record, Shard, Subscription};

/// A log that lasts as long as its last clone. For tests and scratch runs.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog {
    topics: Arc<Mutex<Topics>>,
    groups: Groups,
}

/// The shards of each topic.
type Topics = HashMap<String, Vec<Records>>;

#[derive(Debug, Clone, Default)]
struct Records {
    begin: Offset,
    records: VecDeque<Record>,
}

impl MemoryLog {
    /// A log with these topics, each with so many shards.
    pub fn with_topics<'a>(topics: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        let empty = |shards: u32| vec![Records::default(); shards as usize];
        let topics = topics.into_iter().map(|(name, shards)| (name.to_owned(), empty(shards)));
        Self { topics: Arc::new(Mutex::new(topics.collect())), groups: Groups::default() }
    }

    /// Drops the records of a shard below `before`, as retention does; more than there are: all.
    ///
    /// # Errors
    /// [`LogError::NoSuchShard`].
    pub fn trim(&self, topic: &str, shard: Shard, before: Offset) -> Result<(), LogError> {
        let mut topics = self.topics();
        let held = find_mut(&mut topics, topic, shard)?;
        while held.begin < before && held.records.pop_front().is_some() {
            held.begin += 1;
        }
        Ok(())
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().expect("nothing panics while the topics are held")
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    fn appends_whole(&self) -> bool {
        true
    }

    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        let mut topics = self.topics();
        for message in messages {
            find(&topics, &message.topic, message.shard)?;
        }
        for message in messages {
            find_mut(&mut topics, &message.topic, message.shard)?.push(message.clone());
        }
        drop(topics);
        self.groups.ring();
        Ok(())
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(LocalSubscription::join(self.clone(), group, topics).await?))
    }

    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let topics = self.topics();
        let held = find(&topics, topic, shard)?;
        let skipped = from.saturating_sub(held.begin) as usize;
        Ok(held.records.iter().skip(skipped).take(max).cloned().collect())
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        let topics = self.topics();
        let held = find(&topics, topic, shard)?;
        Ok(held.begin..held.end())
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        Ok(self.topics().get(topic).map(|shards| shards.len() as u32))
    }
}

#[async_trait]
impl LocalLog for MemoryLog {
    const LOOK_AGAIN: Option<Duration> = None;

    fn groups(&self) -> &Groups {
        &self.groups
    }

    async fn refresh(&self) -> Result<(), LogError> {
        Ok(())
    }

    fn end(&self, topic: &str, shard: Shard) -> Offset {
        find(&self.topics(), topic, shard).map_or(0, Records::end)
    }
}

impl Records {
    fn end(&self) -> Offset {
        self.begin + self.records.len() as Offset
    }

    fn push(&mut self, message: Message) {
        let Message { topic, shard, key, headers, value } = message;
        let offset = self.end();
        self.records.push_back(Record { topic: topic.into(), shard, offset, key, headers, value });
    }
}

fn find<'a>(topics: &'a Topics, topic: &str, shard: Shard) -> Result<&'a Records, LogError> {
    let held = topics.get(topic).and_then(|shards| shards.get(shard as usize));
    held.ok_or_else(|| LogError::NoSuchShard { topic: topic.to_owned(), shard })
}

fn find_mut<'a>(topics: &'a mut Topics, topic: &str, shard: Shard) -> Result<&'a mut Records, LogError> {
    let held = topics.get_mut(topic).and_then(|shards| shards.get_mut(shard as usize));
    held.ok_or_else(|| LogError::NoSuchShard { topic: topic.to_owned(), shard })
}
