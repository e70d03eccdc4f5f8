//! SQLite, for a hub that runs on one machine.

mod connect;
pub mod log;

pub use log::SqliteLog;
