//! A feed's `csv` section.

mod check;
mod column;
mod table;

use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU16};

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_connector::event::data::RowsMean;

pub(crate) use check::Feed;
pub(crate) use column::{Column, Word, words};
pub(crate) use table::{AttendanceTable, DateColumn, EnrollmentTable, IdColumn, Table};

/// CSV files from a drop folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The files, as a path or a pattern (`./drop/attendance*.csv`), relative to the configuration file.
    pub(crate) path: String,
    /// What a row is about.
    pub(crate) entity: RowEntity,
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
    /// Where coverage ends: at each school's latest row (default), at the day of the run, or at the day before it.
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

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum RowEntity {
    /// A student's enrolment at a school.
    #[serde(rename = "roster.enrollment")]
    Enrollment,
    /// A student's day at a school.
    #[serde(rename = "attendance.daily")]
    Attendance,
}

/// Which dates a file speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Span {
    /// The whole school year.
    SchoolYear,
    /// The N school days that end at each school's latest row.
    SchoolDays(NonZeroU16),
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

/// Column names as the header writes them; upper and lower case matter only where two names differ in nothing else.
/// `{from: Name, format: "%m/%d/%Y"}` for a date that is not ISO 8601.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Columns {
    /// The student's id. Required.
    pub(crate) student: Option<Column>,
    /// The school's id. Required.
    pub(crate) school: Option<Column>,
    /// Enrolment, required: first day enrolled.
    pub(crate) entry: Option<Column>,
    /// Enrolment: last day enrolled, itself included; with `exclusive: true` the first day out.
    pub(crate) exit: Option<Column>,
    /// Enrolment: grade level.
    pub(crate) grade: Option<Column>,
    /// Enrolment: family name.
    pub(crate) last_name: Option<Column>,
    /// Enrolment: given name.
    pub(crate) first_name: Option<Column>,
    /// Enrolment: date of birth.
    pub(crate) birth_date: Option<Column>,
    /// Attendance, required: the school day.
    pub(crate) date: Option<Column>,
    /// Attendance, required: the code of how the day was spent. `{from: [Absent, Tardy]}` joins columns with `|`.
    pub(crate) category: Option<Column>,
}

/// What codes mean.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Codes {
    /// Attendance: from the file's code, letter by letter, to the hub's word. `blank` stands for an empty cell.
    pub(crate) category: BTreeMap<String, Word>,
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
