//! The event log: bytes on topics, cut into shards. It does not know what an event is.
//!
//! The model is Kafka's: a *topic* has numbered *shards* (partitions), each an ordered sequence of records with
//! ascending offsets. Consumers of one *group* share the shards among them; a shard index is the unit of
//! ownership, and whoever owns shard 3 owns it in every topic of the subscription.
//!
//! Positions are **not** kept here: a consumer keeps them with its state, in one transaction, and says where to
//! begin ([`Subscription::start`]).
//!
//! # Layout
//! - this file: [`EventLog`], [`Subscription`] and what passes through them
//! - [`headers`]: [`Headers`] of a record, in one piece
//! - [`group`]: consumer groups inside one process, for logs without a broker
//! - [`memory`]: [`MemoryLog`], for tests
//! - [`overlay`]: [`OverlayLog`], for trials on a log that must stay as it is
//! - [`copy`](mod@copy): carrying a log over to another one
//! - [`conformance`]: the suite every implementation runs

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

#[cfg(test)]
mod compacted;
pub mod conformance;
pub mod copy;
pub mod group;
pub mod headers;
pub mod memory;
pub mod overlay;

pub use copy::{CopyError, copy};
pub use headers::Headers;
pub use memory::MemoryLog;
pub use overlay::OverlayLog;

/// The index of a shard (a Kafka partition), the same in every student topic.
pub type Shard = u32;

/// The place of a record in its shard. Ascending, not necessarily without gaps.
pub type Offset = u64;

/// A record to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub shard: Shard,
    pub key: Option<Bytes>,
    pub headers: Headers,
    pub value: Bytes,
}

/// A record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub topic: Arc<str>,
    pub shard: Shard,
    pub offset: Offset,
    pub key: Option<Bytes>,
    pub headers: Headers,
    pub value: Bytes,
}

/// What is to be appended to have the record once more.
impl From<Record> for Message {
    fn from(Record { topic, shard, key, headers, value, offset: _ }: Record) -> Self {
        Self { topic: topic.to_string(), shard, key, headers, value }
    }
}

/// A topic of a subscription and the offset to read next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartAt {
    pub topic: String,
    pub offset: Offset,
}

/// What [`Subscription::next`] brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// These shards are this member's now. Nothing of them is delivered before [`Subscription::start`].
    Assigned(Vec<Shard>),
    /// Records of one started shard, at least one. Per topic in offset order; of several topics with records, those of
    /// an earlier topic of the subscription come first.
    Records { shard: Shard, records: Vec<Record> },
    /// These shards are another member's now; what is not committed of them is dropped.
    Revoked(Vec<Shard>),
}

/// Why the log could not do it.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The topic or shard does not exist (and is not made by using it).
    #[error("topic \"{topic}\" has no shard {shard}")]
    NoSuchShard { topic: String, shard: Shard },
    /// The position lies above the log's end: the log was replaced.
    #[error("the log was replaced: {topic} shard {shard} ends at {end}, but this consumer was at {wanted}")]
    Replaced { topic: String, shard: Shard, wanted: Offset, end: Offset },
    /// The position lies below the log's start: retention overtook the consumer.
    #[error("retention overtook this consumer: {topic} shard {shard} begins at {begin}, it was at {wanted}")]
    Overtaken { topic: String, shard: Shard, wanted: Offset, begin: Offset },
    /// The log cannot be reached or is busy; the same call may succeed later.
    #[error("the event log does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A record that the log does not take, such as one that is too large. Retrying does not help.
    #[error("the event log does not take a record")]
    Unfit(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else; retrying does not help.
    #[error("the event log failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An append-only log of records.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends `messages`. **Durable on `Ok`.** On `Err` a part may be in: append the same slice again (consumers
    /// compare revisions, so a repeated record is harmless). Per shard, slice order is log order.
    async fn append(&self, messages: &[Message]) -> Result<(), LogError>;

    /// Whether an append is in as a whole or not at all.
    fn appends_whole(&self) -> bool {
        false
    }

    /// Joins `group` as a member that reads `topics`. Every member of a group names the same topics in the same
    /// order. The first delivery of a member alone in its group assigns it every shard.
    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError>;

    /// Up to `max` records of one shard from offset `from` on. Belongs to no group and has no side effect.
    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError>;

    /// The offsets a shard holds: from its first record to one past its last.
    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError>;

    /// Where shards end, as in [`bounds`](Self::bounds), in the order of `places`: together, for logs that answer
    /// many as fast as one.
    async fn ends(&self, places: &[(String, Shard)]) -> Result<Vec<Offset>, LogError> {
        let mut ends = Vec::with_capacity(places.len());
        for (topic, shard) in places {
            ends.push(self.bounds(topic, *shard).await?.end);
        }
        Ok(ends)
    }

    /// How many shards a topic has; `None` if there is no such topic.
    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError>;

    /// How many live members a group has, of whatever process. A log without a broker knows of no other process: 0.
    async fn members(&self, _group: &str) -> Result<usize, LogError> {
        Ok(0)
    }
}

/// One member's view of its group's topics. Leaves the group when dropped.
#[async_trait]
pub trait Subscription: Send + Sync {
    /// Waits for the next delivery, at most `max` records. **Cancel-safe**: dropping the future loses nothing. A
    /// record whose bytes nobody can decode is still a record.
    async fn next(&mut self, max: usize) -> Result<Delivery, LogError>;

    /// Answers an assignment: reads `shard` from exactly these offsets (a topic that is not named: from its
    /// beginning). May be called again for a shard in hand, to read again from an earlier place. An offset outside
    /// the shard's bounds is an error, never a reset.
    async fn start(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError>;

    /// Tells lag tools how far this member is. Advisory: never read back.
    async fn report(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError>;
}
