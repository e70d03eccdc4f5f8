//! The memory twins: the promises of the traits without a database, for tests and for trying things out.
//!
//! Each call takes one lock and never awaits under it, so a call is a transaction.

mod feed;
mod outbox;
mod state;

pub use feed::MemoryFeeds;
pub use state::MemoryState;
