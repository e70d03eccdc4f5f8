//! A feed's `csv` section.

mod check;
mod column;

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_connector::event::data::RowsMean;

pub(crate) use check::{AttendanceTable, DateColumn, EnrollmentTable, Feed, Table};
pub(crate) use column::{Column, Word, words};

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
    /// Where coverage ends: at each school's latest row (default), or at the day of the run.
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
    /// The whole school year of its latest row.
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
    /// Nothing.
    Keep,
}

/// Where coverage ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Through {
    #[default]
    LatestRow,
    RunDay,
}

/// Column names as the header writes them. `{from: Name, format: "%m/%d/%Y"}` for a date that is not ISO 8601.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Columns {
    /// The student's id. Required.
    pub(crate) student: Option<Column>,
    /// The school's id. Required.
    pub(crate) school: Option<Column>,
    /// Enrolment, required: first day enrolled.
    pub(crate) entry: Option<Column>,
    /// Enrolment: last day enrolled, itself included.
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
    /// Attendance, required: the code of how the day was spent.
    pub(crate) category: Option<Column>,
}

/// What codes mean.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Codes {
    /// Attendance: from the file's code, letter by letter, to the hub's word.
    pub(crate) category: BTreeMap<String, Word>,
}

/// Types of ids.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ids {
    /// `sourcedId`, `identifier`, or the type of a OneRoster `userIds` entry.
    pub(crate) student: Option<String>,
}
