//! What the hub remembers, behind three traits: consumer state, the outbox, and feeds.
//!
//! States are opaque bytes here; the crates above know what they mean. Every trait has a memory twin for tests and
//! one exported conformance suite that each implementation runs.
//!
//! # Layout
//! - [`state`]: [`StateStore`]: states, due dates and positions, one transaction per batch
//! - [`outbox`]: [`Outbox`]: what is still to be sent, in the same database as the states
//! - [`feed`]: [`FeedStore`]: runs, the ledger, the crosswalk, holds and rejects
//! - [`memory`]: the memory twins; [`conformance`]: the suites
//!
//! Times are Unix milliseconds and always come in as arguments.

pub mod card;
pub mod conformance;
pub mod feed;
pub mod memory;
pub mod outbox;
pub mod state;

pub use feed::FeedStore;
pub use outbox::Outbox;
pub use state::StateStore;

/// The format of everything that stores keep: ledger rows, states, notes. **Raise it with every change of one of them**:
/// a hub then refuses stores of another format by name, with the mend, instead of misreading them.
pub const FORMAT_OF_STORES: u32 = 10;

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process took the lease; nothing was written. Drop what is in hand.
    #[error("another process owns this now")]
    Fenced,
    /// The stored position is not the one the batch starts from; nothing was written.
    #[error("the stored position moved")]
    Moved,
    /// The connection was lost at COMMIT: acquire again and read the positions to learn whether it was written.
    #[error("it is unknown whether the transaction was written")]
    Unknown,
    /// The database cannot be reached or is busy; the same call may succeed later.
    #[error("the database does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was to be written is not for a database: too large, or no text. Retrying does not help.
    #[error("the database does not take a value")]
    Unfit(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else; retrying does not help.
    #[error("the database failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// For implementations: the run that was named is not the open one.
    pub fn not_open(number: u64) -> Self {
        Self::Failed(format!("run {number} is not the open one").into())
    }

    /// For implementations: ledger rows that do not ascend.
    pub fn out_of_order() -> Self {
        Self::Failed("ledger rows must come in key order, each key once".into())
    }
}
