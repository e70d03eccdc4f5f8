//! Consumer state: opaque rows, due dates, positions and outbox entries, written together.

use async_trait::async_trait;
use bytes::Bytes;

use crate::StoreError;
use crate::card::{Card, Cards};
use crate::outbox::{Amendment, NewEntry};

/// The key of a state row inside (consumer, shard). Rows are scanned in the order of these bytes.
pub type Subject = Vec<u8>;

/// The right to write the states of one shard of one consumer. A later lease fences every earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub consumer: String,
    pub shard: u32,
    pub epoch: u64,
    /// Where the consumer is, one per topic it has read from.
    pub positions: Vec<Position>,
}

/// Where a consumer is in one topic of its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub topic: String,
    /// The offset to read next.
    pub next: u64,
    /// The id of the record before it: compared at start, to notice a log that was replaced.
    pub last_id: Option<String>,
}

/// A state as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    pub subject: Subject,
    pub state: Bytes,
    /// When the subject is to be evaluated without a new record.
    pub due_ms: Option<i64>,
}

/// One position moving on inside a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The offset the batch began at: must be what is stored (0 if nothing is).
    pub from: u64,
    pub to: Position,
}

/// All that one batch changes.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub advances: Vec<Advance>,
    /// New states with their due dates; each replaces the row.
    pub states: Vec<StateRow>,
    /// Each replaces the one of its kind and id.
    pub cards: Vec<Card>,
    pub outbox: Vec<NewEntry>,
    /// Made when `outbox` is written.
    pub amendments: Vec<Amendment>,
}

/// Keeps consumer state.
#[async_trait]
pub trait StateStore: Cards {
    /// Takes a shard: raises its epoch, so that every earlier lease is [`StoreError::Fenced`] from here on.
    async fn acquire(&self, consumer: &str, shard: u32) -> Result<Lease, StoreError>;

    /// The rows of `subjects`, in the same order; `None` where there is none.
    async fn load(&self, lease: &Lease, subjects: &[Subject]) -> Result<Vec<Option<StateRow>>, StoreError>;

    /// Writes the batch in ONE transaction. `Fenced` or `Moved`: nothing was written. On `Ok` the caller moves
    /// its own copy of the positions on.
    async fn commit(&self, lease: &Lease, batch: &Batch) -> Result<(), StoreError>;

    /// Up to `max` subjects whose due date is not after `now_ms`, the earliest first.
    async fn due(&self, lease: &Lease, now_ms: i64, max: usize) -> Result<Vec<Subject>, StoreError>;

    /// Up to `max` rows of a shard in subject order, after `after`. Needs no lease: for commands that only look.
    async fn scan(
        &self,
        consumer: &str,
        shard: u32,
        after: Option<&Subject>,
        max: usize,
    ) -> Result<Vec<StateRow>, StoreError>;

    /// The stored positions of a shard. Needs no lease.
    async fn positions(&self, consumer: &str, shard: u32) -> Result<Vec<Position>, StoreError>;
}
