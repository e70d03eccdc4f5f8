//! The hub: what the district configured, with its log and stores, and what every role needs of them.
//!
//! # Layout
//! - `hub`: `Settings` (what the district configured) and `Hub` (with its stores); `names`: what feeds are called
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
pub mod failpoint;
mod hub;
pub mod in_force;
pub mod land;
pub mod names;
pub mod publish;
pub mod reference;
pub mod running;
pub mod shard;

pub use hub::{District, Feed, Hub, HubError, Route, Settings, Target, Topics, dead_letter_topic};
