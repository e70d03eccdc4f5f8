//! The loops of the hub, each one a `step`: ingest, consume, relay, deliver.
//!
//! # Layout
//! - `hub`: `Settings` (what the district configured) and `Hub` (with its stores)
//! - `land`: payloads made durable; `ingest`: from payload to events; `calendar`: school years and days
//! - `reference`: the fold of the reference topic; `shard`: what every consumer knows of a shard; `in_force`: what was announced
//! - `consume`: the kernel of consuming; `consumer`: what is listed of each; `scoring`: from events to flags and alerts
//! - `publish`: an event's place on the log
//! - `up`: all roles of one process; `act`: what people do; `view`: what people look at
//! - `feeds`: what feeds are called, and which are gone
//! - `dead_letters`: records nobody can read; `relay`: outbox to log; `deliver`: outbox to destinations
//! - `retention`: what is forgotten, and when; `running`: which roles run; `failpoint`: where tests make the process die
//!
//! **Architecture invariant:** the runtime sees traits only; it names neither a database, nor Kafka, nor a vendor.
//! No clock and no randomness: `now` is an argument.

pub mod act;
pub mod calendar;
pub mod consume;
pub mod consumer;
pub mod dead_letters;
pub mod deliver;
pub mod failpoint;
pub mod feeds;
pub mod hub;
pub mod in_force;
pub mod ingest;
pub mod land;
mod publish;
pub mod reference;
pub mod relay;
mod retention;
pub mod running;
pub mod scoring;
pub mod shard;
pub mod up;
pub mod view;

#[cfg(test)]
mod tests;
