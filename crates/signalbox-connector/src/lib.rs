//! The connector SDK. A connector crate depends on this crate only and exports one [`Connector`].
//!
//! A *source* fetches payloads and normalises them; a *destination* delivers alerts. Both are described by a section
//! of the district's YAML, which parsing checks without connecting to anything.
//!
//! # Layout
//! - this file: [`Connector`], what a connector crate exports
//! - [`source`]: [`Source`], [`Page`], [`FetchCx`]; [`draft`]: what `normalize` yields; `row_sum`: [`RowSum`]
//! - [`destination`]: [`Destination`], [`Alert`]
//! - [`delimited`]: rows of CSV files; [`drop_folder`]: files that a tool puts down, opened by [`regular_file`]
//! - [`secret`]: `SECRET[env.NAME]`; [`http`]: the HTTP client; [`words`]: counts with their nouns
//! - [`testing`]: the suite every connector passes

pub mod delimited;
pub mod destination;
pub mod draft;
pub mod drop_folder;
pub mod http;
pub mod regular_file;
mod row_sum;
pub mod secret;
pub mod source;
pub mod testing;
pub mod words;

use std::path::Path;

use ::jiff::tz::TimeZone;
pub use async_trait::async_trait;
pub use destination::{Alert, DeliverCx, DeliverError, Destination, Receipt, Repeats};
pub use draft::{Claims, Draft, Entity, Item, Reject, RejectCode};
pub use erased_serde;
pub use jiff;
pub use row_sum::RowSum;
pub use schemars;
pub use secret::Secret;
pub use serde;
pub use serde_json;
pub use signalbox_event as event;
pub use source::{
    AbsentRows, Contents, CoveredThrough, Covers, Cursor, Extent, FetchCx, FetchError, Land, Landed, Mark,
    Newest, Page, Payload, PushRequest, ReadSeek, Refusal, Source, VerifyError,
};
pub use uuid;

/// What a connector crate exports: its name and its constructors.
#[derive(Clone, Copy)]
pub struct Connector {
    /// The key of its section in the YAML, e.g. `csv`.
    pub name: &'static str,
    /// One sentence for `signalbox schema` and the documentation.
    pub about: &'static str,
    /// The JSON Schema of its section.
    pub config_schema: fn() -> schemars::Schema,
    pub source: Option<ParseSource>,
    pub destination: Option<ParseDestination>,
}

/// Parses a feed's section. Pure: reads no file but its own section, opens no connection.
pub type ParseSource =
    fn(&mut dyn erased_serde::Deserializer<'_>, &ParseCx<'_>) -> Result<Box<dyn Source>, erased_serde::Error>;

/// Parses a destination's section. Pure, like [`ParseSource`].
pub type ParseDestination = fn(
    &mut dyn erased_serde::Deserializer<'_>,
    &ParseCx<'_>,
) -> Result<Box<dyn Destination>, erased_serde::Error>;

/// What a section is read in the light of.
#[derive(Debug, Clone, Copy)]
pub struct ParseCx<'a> {
    /// Relative paths are relative to this folder: that of the configuration file.
    pub base: &'a Path,
    /// The district's: it decides which day a moment belongs to.
    pub zone: &'a TimeZone,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the caller of a connector branches on. The source error is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// May work later: network, 5xx, 429 without a time.
    Transient,
    /// May work after this long.
    RateLimited { retry_after_s: u64 },
    /// The key is refused: a person has to mend it.
    Unauthorized,
    /// Nothing was sent, as the configuration does not allow it: a person has to mend it.
    NotSent,
    /// Nothing was sent, as nobody was there: may work later.
    Unreached,
    /// Will not work however often it is tried.
    Permanent,
}
