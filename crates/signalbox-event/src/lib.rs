//! The normalised event: what every connector produces and every consumer reads.
//!
//! An [`Event`] is a CloudEvents 1.0.2 envelope around one of the [`Data`] variants, whose words are those of
//! OneRoster and Ed-Fi. Identifiers are derived, never random: reading the same record again gives the same event.
//!
//! # Layout
//! - [`envelope`]: [`Event`] and its attributes
//! - [`codec`]: CloudEvents binary mode (headers and value) and structured mode (one JSON object)
//! - `entities`: their list; [`rows`]: one file per entity, a row and its event; [`data`]: what events say; [`kind`]: type names, domains, data classes
//! - [`schema`]: the JSON Schemas of `schemas/`, with the privacy category of every field
//! - [`id`]: [`StudentKey`], event and alert ids
//! - [`topic`]: topic names and shards
//!
//! **Architecture invariant:** this crate performs no I/O and knows neither Kafka nor SQL.

#[macro_use]
mod entities;

pub mod codec;
pub mod data;
pub mod envelope;
pub mod id;
pub mod kind;
pub mod rows;
pub mod schema;
pub mod topic;
pub mod webhook;

pub use data::{Data, Status};
pub use envelope::Event;
pub use id::StudentKey;
pub use kind::{DataClass, Domain, Kind};
pub use rows::{Body, Entity};
