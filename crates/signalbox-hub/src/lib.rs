//! The hub: what the district configured, with its log and stores, and what every role needs of them.
//!
//! # Layout
//! - `settings`: what the district configured; `names`: what feeds are called; `hub`: that with its log and stores; `error`: why it fails
//! - `land`: payloads made durable; `calendar`: school years and days
//! - `reference`: the fold of the reference topic; `shard`: what every consumer knows of a shard; `in_force`: what was announced
//! - `consumer`: what is listed of each consumer
//! - `publish`: an event's place on the log; `act`: what people do
//! - `running`: which roles run; `failpoint`: where tests make the process die
//!
//! **Architecture invariant:** the hub and the roles above it see traits only; they name neither a database, nor Kafka, nor a
//! vendor. No clock and no randomness: `now` is an argument.

pub mod act;
pub mod calendar;
pub mod consumer;
mod error;
pub mod failpoint;
mod hub;
pub mod in_force;
pub mod land;
pub mod names;
pub mod publish;
pub mod reference;
pub mod running;
mod settings;
pub mod shard;

pub use error::HubError;
pub use hub::Hub;
pub use settings::{District, Feed, Route, Settings, Target, Topics, dead_letter_topic};
