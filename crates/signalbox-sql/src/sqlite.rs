//! SQLite, for a hub that runs on one machine.
//!
//! # Layout
//! - `connect`: how a file is opened; `db`: its connections; `snapshot`: a copy while it is in use
//! - [`state`] and `outbox`: what of the states is this database's own; `feeds`: nothing but how they are opened
//! - `engine`: what both databases say alike, said here; `statement`: many rows at once
//! - [`log`]: the event log
//! - `refusal`: SQLite's errors in the words of the stores

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
