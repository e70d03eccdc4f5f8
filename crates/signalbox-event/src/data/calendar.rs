use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Status;

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
