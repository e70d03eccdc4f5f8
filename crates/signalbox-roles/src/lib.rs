//! All roles of a hub together: ingest, every consumer and delivery, each loop one step.
//!
//! # Layout
//! - `up`: all roles of one process, one pass at a time, and what commands do beside it
//!
//! **Architecture invariant:** a role sees traits only; it names neither a database, nor Kafka, nor a vendor. No clock and no
//! randomness: `now` is an argument.

pub mod up;

#[cfg(test)]
mod tests;
