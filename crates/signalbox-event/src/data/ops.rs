use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The last record of a run on each shard: what the run's payload covered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnded {
    /// The feed that was read.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub feed: String,
    /// The feed's own run number, from 1.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub run: u64,
    /// Attendance only: what the absence of a row says about a covered day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub rows: Option<RowsMean>,
    /// Attendance only: the dates that the payload covered, school by school.
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
    /// The school's id in the roster of record.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub school: String,
    /// The first day covered.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub first: Date,
    /// The last day covered, itself included.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub last: Date,
    /// Covered days on which the absence of a row says nothing: a row that could not be used may belong there. Whatever
    /// was said of the school before is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub doubtful: Vec<(Date, Date)>,
}

/// A feed's mode changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeedMode {
    /// The feed whose mode changed.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub feed: String,
    /// Its mode from here on.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
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
    /// Alerts are sent.
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

/// What the district configured changed: everybody is evaluated again from here on, by this and by nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChanged {
    /// Of the rules and thresholds in force from here on; `explain` states the one a flag was judged by.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub policy_hash: String,
    /// Of two announcements the one with the higher number is in force, whichever stands later.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub number: u64,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<RuleInForce>,
    /// Whom a rule's flags are told to.
    #[serde(default)]
    pub routes: Vec<RouteInForce>,
    /// The feeds that count, in the order of authority; what any other says or said counts nowhere.
    #[serde(default)]
    pub feeds: Vec<FeedInForce>,
}

/// A rule with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleInForce {
    /// Its name, e.g. `chronic-absence`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub rule: String,
    /// As the configuration has them, with defaults spelled out; each rule has its own.
    #[schemars(schema_with = "any_object", extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

fn any_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object"})
}

/// A rule and a destination that is told of its flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteInForce {
    /// The rule.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub rule: String,
    /// The destination's name.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub to: String,
}

/// A feed that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedInForce {
    /// The name in its events.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub feed: String,
    /// What its rows are about, e.g. `attendance.daily`.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub entities: Vec<String>,
    /// Whether it says where students are enrolled.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub enrollment: bool,
    /// Whether it says how students spent their days.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub attendance: bool,
}

/// A person ended what a feed had said: from here on its enrolments, its rows and its coverage count nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedRetired {
    /// The name in its events.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub feed: String,
}

/// Something a person changed by command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// Who: the name the person gave.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub actor: String,
    /// What, e.g. `hold.approve`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub action: String,
    /// On what, e.g. a hold's id.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub target: String,
    /// Why: the person's own words.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub reason: String,
}
