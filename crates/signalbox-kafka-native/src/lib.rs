//! What librdkafka can do and its binding for Rust does not offer.
//!
//! This crate calls the C functions, and is the only one of the workspace that may: everything `unsafe` stands in its
//! modules `native`, behind safe functions. What the binding offers one day is to go.
//!
//! - [`acl`]: access lists of the brokers
//! - [`brokers`]: which brokers a client knows
//! - [`headers`]: those of a message, as bytes

pub mod acl;
pub mod brokers;
pub mod headers;
