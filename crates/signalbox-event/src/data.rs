//! What events say. Field names are the words of OneRoster and Ed-Fi where they have one. That of a row of a feed stands
//! beside the row, in [`rows`](crate::rows).

mod calendar;
mod intervention;
mod ops;
mod risk;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use calendar::Calendar;
pub use intervention::Acknowledged;
pub use ops::{
    Action, FeedInForce, FeedMode, FeedRetired, Mode, PolicyChanged, RouteInForce, RowsMean, RuleInForce,
    RunEnded, SchoolCoverage,
};
pub use risk::{Evidence, FlagChanged, Reason, StudentRef};

use crate::kind::Kind;
pub use crate::rows::{
    AttendanceCategory, AttendanceDaily, CourseGrade, CourseGradeKind, Enrollment, IdValue, Incident,
    IncidentCategory, School, Student,
};
use crate::schema;

/// Whether the row still stands in its source (OneRoster's `status`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The row stands.
    #[default]
    Active,
    /// The row is gone from the source, or its source marked it so.
    ToBeDeleted,
}

impl Status {
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active)
    }
}

macro_rules! data {
    (
        [$($(#[doc = $doc:literal])+ $module:ident: $entity:ident, $of_row:ident($row:ident, $row_data:ident) = $number:literal,
            $short:literal, $domain:ident, $class:ident;)*]
        $($own:tt)*
    ) => {
        data! { $($of_row(crate::rows::$row_data),)* $($own)* }
    };
    ($($variant:ident($payload:ty),)*) => {
        /// What an event says. One variant per [`Kind`].
        #[derive(Debug, Clone, PartialEq)]
        pub enum Data { $($variant($payload),)* }

        impl Data {
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)* }
            }

            /// The data as JSON bytes: the value of a record in CloudEvents binary mode.
            pub fn to_json(&self) -> Vec<u8> {
                match self {
                    $(Self::$variant(data) => serde_json::to_vec(data),)*
                }.expect("plain data with text keys always serialises")
            }

            /// Reads the data of an event of this kind; unknown fields are tolerated.
            ///
            /// The error may quote the data: show its position, never its text.
            pub fn from_json(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
                Ok(match kind {
                    $(Kind::$variant => Self::$variant(serde_json::from_slice(json)?),)*
                })
            }

            /// The JSON Schema (2020-12) of the data of events of this kind, as `schemas/events` publishes it
            /// (see [`crate::schema`]).
            pub fn schema(kind: Kind) -> schemars::Schema {
                match kind { $(Kind::$variant => schema::of::<$payload>(kind),)* }
            }
        }
    };
}

entities!(data! {
    RiskFlagRaised(FlagChanged),
    RiskFlagCleared(FlagChanged),
    RiskFlagWithdrawn(FlagChanged),
    InterventionAcknowledged(Acknowledged),
    OpsRunEnded(RunEnded),
    OpsFeedMode(FeedMode),
    OpsFeedRetired(FeedRetired),
    OpsPolicyChanged(PolicyChanged),
    OpsAction(Action),
    ReferenceCalendar(Calendar),
});
