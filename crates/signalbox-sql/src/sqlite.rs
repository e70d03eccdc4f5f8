//! SQLite, for a hub that runs on one machine.

mod connect;
mod db;
mod engine;
mod feeds;
pub mod log;
mod outbox;
mod refusal;
mod snapshot;
pub mod state;
mod statement;

pub use feeds::SqliteFeeds;
pub use log::SqliteLog;
pub use state::SqliteState;
