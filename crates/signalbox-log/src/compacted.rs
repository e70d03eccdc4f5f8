//! A log with gaps, for tests.

use std::collections::BTreeSet;
use std::ops::Range;

use async_trait::async_trait;

use crate::{EventLog, LogError, MemoryLog, Message, Offset, Record, Shard, Subscription};

/// A log of which compaction took the records at some offsets, the same in each shard.
#[derive(Debug)]
pub(crate) struct CompactedLog {
    pub(crate) log: MemoryLog,
    pub(crate) gone: BTreeSet<Offset>,
}

#[async_trait]
impl EventLog for CompactedLog {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        self.log.append(messages).await
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        self.log.join(group, topics).await
    }

    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let all = self.log.read(topic, shard, from, usize::MAX).await?;
        let left = all.into_iter().filter(|record| !self.gone.contains(&record.offset));
        Ok(left.take(max).collect())
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        self.log.bounds(topic, shard).await
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.log.shards(topic).await
    }
}
