use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The last record of a run on each shard: what the run's payload covered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnded {
    pub feed: String,
    /// The feed's own run number, from 1.
    pub run: u64,
    /// Attendance only: what a missing row means, and what the payload covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowsMean>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<SchoolCoverage>,
}

/// What the absence of a row says about a covered day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowsMean {
    /// Only exceptions have a row: a missing row is a day present.
    Exceptions,
    /// Every day has a row: a missing row is a day unknown.
    EveryDay,
}

/// A range of dates, both ends included, that a payload covered for one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchoolCoverage {
    pub school: String,
    #[schemars(with = "String", extend("format" = "date"))]
    pub first: Date,
    #[schemars(with = "String", extend("format" = "date"))]
    pub last: Date,
}

/// A feed's mode changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeedMode {
    pub feed: String,
    pub mode: Mode,
}

/// How far what a feed says may reach. Ordered: the lowest mode among a flag's feeds governs.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Loading history: flags are computed, nobody is alerted.
    History,
    /// Alerts are shown to operations, none is sent.
    #[default]
    Test,
    Live,
}

impl Mode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// The district's rules changed: everybody is evaluated again from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChanged {
    pub policy_hash: String,
}

/// Something a person changed by command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// Who: the name the person gave.
    pub actor: String,
    /// What, e.g. `hold.approve`.
    pub action: String,
    /// On what, e.g. a hold's id.
    pub target: String,
    pub reason: String,
}
