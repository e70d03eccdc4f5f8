use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Status;

/// A school of the roster of record (OneRoster `org` of type school).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct School {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default)]
    pub status: Status,
}

/// The instructional days of one school year (Ed-Fi `calendarDate`s that are instructional).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// A school's id; absent for the calendar of all schools without one of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<String>,
    /// The spring year, e.g. 2022 for 2021-22.
    pub school_year: u16,
    #[schemars(with = "String", extend("format" = "date"))]
    pub first: Date,
    #[schemars(with = "String", extend("format" = "date"))]
    pub last: Date,
    /// Every instructional day, ascending.
    #[schemars(with = "Vec<String>")]
    pub days: Vec<Date>,
    #[serde(default)]
    pub status: Status,
}
