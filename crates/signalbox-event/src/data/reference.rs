use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Status;

/// A school of the roster of record (OneRoster `org` of type school).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct School {
    /// OneRoster `sourcedId`: what events call `school`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub id: String,
    /// OneRoster `identifier`, e.g. the state's number of the school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub identifier: Option<String>,
    /// The school's name as people know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub name: Option<String>,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}

/// The instructional days of one school year (Ed-Fi `calendarDate`s that are instructional).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// A school's id; absent for the calendar of all schools without one of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub school: Option<String>,
    /// The spring year, e.g. 2022 for 2021-22.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub school_year: u16,
    /// The first day of the school year. Means nothing in a calendar `tobedeleted`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub first: Date,
    /// The last day of the school year, itself included. Means nothing in a calendar `tobedeleted`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub last: Date,
    /// Every instructional day, ascending; empty in a calendar `tobedeleted`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub days: Vec<Date>,
    /// Whether the calendar still stands in the configuration.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}
