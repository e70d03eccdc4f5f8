//! From payload to events: fetch, land, read, compare, gate, publish, record.
//!
//! A pass reads every payload that is not yet read, roster feeds first. A run that was cut short is finished from
//! its landed bytes before anything else of its feed.
//!
//! # Layout
//! - `pass`: `Ingest`, the role; `holder`: whose feeds they are; `due`: which payloads are to be worked through; `work`: doing that
//! - `run`: one payload from its bytes to its events; `close`: how that ends; `cause`: why it was begun; `report`: what
//!   came of it
//! - `read`: the first pass over a payload; `sort`: more rows than memory; `row`: a row between draft and event
//! - `same`: a payload whose rows are those of the one before
//! - `diff`: payload against ledger; `steps`: what came of it, for those who want it twice; `gate`: what it would do; `emit`: doing it
//! - `extent`: what a payload speaks for; `identity`: whose row it is; `release`: late arrivals; `waited`: since when they
//!   are known
//! - `first`: what the gate would say of a payload, were it the first of its feed, for those who only try it
//! - `announce`: calendars, modes and rules, told to the consumers once, at a process' start
//! - `failing`: a run that fails whatever is tried
//! - `unconfigured`: what a feed left behind that is no longer configured; `feeds`: renaming and retiring feeds
//! - `retention`: what is forgotten, and when
//!
//! **Architecture invariant:** it sees traits only; it names neither a database, nor Kafka, nor a vendor. No clock and no
//! randomness: `now` is an argument.

mod announce;
mod cause;
mod close;
mod diff;
mod doubt;
mod due;
mod emit;
mod extent;
mod failing;
pub mod feeds;
mod first;
mod gate;
mod holder;
pub mod identity;
mod pass;
mod read;
mod rejects;
mod release;
mod report;
mod retention;
mod returned;
mod row;
mod run;
mod same;
mod settings;
mod sort;
mod steps;
mod unconfigured;
pub mod unmatched;
mod waited;
mod work;

use jiff::Timestamp;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::feed::FeedLease;

pub use announce::differs;
pub use failing::Trouble;
pub use first::{Disputed, FirstLoad, FirstLoads};
pub use gate::{Counts, Held, SchoolEnds};
pub use holder::{Holder, keep, let_go};
pub use identity::{Known, Lost};
pub use pass::Ingest;
pub use read::{outside_years, unknown_school};
pub use report::{HoldReport, PassReport, RunReport, Warning};
pub use settings::FeedSettings;
pub(crate) use unconfigured::end_open_run;

/// A feed that this process reads, and when.
#[derive(Clone, Copy)]
struct Taken<'a> {
    feed: &'a Feed,
    lease: &'a FeedLease,
    now: Timestamp,
}

/// Announces what this process' configuration lays down, if something else is in force: once, at its start.
///
/// # Errors
/// Log or store do not answer.
pub async fn announce(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    announce::calendars(hub, now).await?;
    announce::policy(hub, now).await
}
