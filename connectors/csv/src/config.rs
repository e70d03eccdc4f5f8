//! A feed's `csv` section.

mod check;
mod codes;
mod column;
mod columns;
mod extent;
mod one_of;
mod table;

use std::borrow::Cow;
use std::num::{NonZeroU8, NonZeroU16};
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use signalbox_connector::Entity;
use signalbox_connector::event::data::RowsMean;
use signalbox_connector::serde_json::json;

pub(crate) use check::Feed;
pub(crate) use codes::Codes;
pub(crate) use column::Column;
pub(crate) use columns::Columns;
pub(crate) use table::{Table, TableColumn};

/// CSV files from a drop folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The files, as a path or a pattern (`./drop/attendance*.csv`), relative to the configuration file.
    pub(crate) path: String,
    /// What a row is about.
    pub(crate) entity: Mapped,
    /// Attendance only, required there: whether only exceptions have a row (no row: present) or every day has one
    /// (no row: unknown).
    #[serde(default)]
    pub(crate) rows: Option<RowsMean>,
    /// Which dates a file speaks for. There is no default.
    #[schemars(required, with = "Span")]
    pub(crate) covers: Option<Span>,
    /// What a row means that was there before and is missing now, inside what the file covers. There is no default.
    #[schemars(required, with = "Missing")]
    pub(crate) absent_rows: Option<Missing>,
    /// Attendance only: where coverage ends: at each school's latest row (default), at the day of the run, or at the day before it.
    #[serde(default)]
    pub(crate) covered_through: Option<Through>,
    /// Which column holds what.
    pub(crate) columns: Columns,
    /// What the file's codes mean.
    #[serde(default)]
    pub(crate) codes: Codes,
    /// Which type of id the file names students by; by default any that the roster of record states.
    #[serde(default)]
    pub(crate) ids: Ids,
    /// How many digits an id has: shorter numbers get leading zeros before they are looked up.
    #[serde(default)]
    pub(crate) pad: Pad,
    /// `utf-8` by default; any label of the WHATWG encoding standard, such as `windows-1252`. A byte order mark in
    /// the file outranks it.
    #[serde(default)]
    pub(crate) encoding: Option<String>,
    /// `","` by default; `"\t"`, `";"`, `"|"`.
    #[serde(default)]
    pub(crate) delimiter: Option<String>,
}

/// What a row is about: an entity with columns to be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mapped(pub(crate) Entity);

impl<'de> Deserialize<'de> for Mapped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let entity = Entity::mapped().find(|entity| entity.as_str() == text);
        entity.map(Self).ok_or_else(|| D::Error::unknown_variant(&text, &MAPPED))
    }
}

static MAPPED: LazyLock<Vec<&'static str>> = LazyLock::new(|| Entity::mapped().map(Entity::as_str).collect());

impl JsonSchema for Mapped {
    fn schema_name() -> Cow<'static, str> {
        "Entity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |entity: Entity| json!({"const": entity.as_str(), "description": entity.about()});
        json_schema!({"oneOf": Entity::mapped().map(one).collect::<Vec<_>>()})
    }
}

/// Which dates a file speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Span {
    /// The whole school year.
    SchoolYear,
    /// The N school days that end at each school's latest row.
    SchoolDays(NonZeroU16),
    /// Its own rows only: a stream of happenings.
    OwnRows,
}

/// What a row means that is missing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missing {
    /// It ended.
    End,
    /// Enrolment only: it never was.
    Erase,
    /// Nothing.
    Keep,
}

/// Where coverage ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Through {
    /// At each school's latest row.
    #[default]
    LatestRow,
    /// At the local day of the run.
    RunDay,
    /// At the local day before the run's: for files that are written in the night or early in the morning.
    DayBeforeRun,
}

/// Types of ids.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ids {
    /// `sourcedId`, `identifier`, or the type of a OneRoster `userIds` entry.
    pub(crate) student: Option<String>,
}

/// Digits of ids.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pad {
    /// Of a student's id.
    pub(crate) student: Option<NonZeroU8>,
    /// Of a school's id.
    pub(crate) school: Option<NonZeroU8>,
}
