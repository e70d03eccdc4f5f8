//! The indicators: one file each, and one line in the list below.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) use self::chronic_absence::is_enrolled_on;
use crate::announce::{Announced, Flag, FlagChange, announce};
use crate::judged::{Answer, Followed, Judged, Judging, Measure, Span};
use crate::reasons::Reason;

/// What a rule measures, and where it draws the line. What implements this are a rule's settings, as the configuration has
/// them.
pub trait Indicator: Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema {
    /// The rule's name.
    const NAME: &'static str;
    /// What people work on because of it: `attendance`, `course`, `behavior`.
    const DOMAIN: &'static str;
    /// The entity without whose rows nothing is known.
    const READS: &'static str;

    type Judged: Judged;

    /// What is wrong with the settings.
    fn fault(&self) -> Option<SettingFault>;

    /// The words of which it takes one, in this column of what it [`READS`](Self::READS), to raise a flag.
    fn needs(&self) -> (&'static str, Vec<&'static str>);

    fn judge(&self, on: &Judging<'_>) -> Self::Judged;

    /// Why a flag stands, or stood.
    fn reasons(&self, flag: &Flag, measured: &<Self::Judged as Judged>::Measured) -> Vec<Reason>;

    /// What would take a flag off. `left`: the school days that the student's school year still has.
    fn clears_when(
        &self,
        flag: &Flag,
        measured: &<Self::Judged as Judged>::Measured,
        left: Option<u32>,
    ) -> String;
}

/// A setting that cannot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// Its key.
    pub key: &'static str,
    pub message: String,
    /// The mend.
    pub help: String,
}

impl SettingFault {
    pub(crate) fn new(key: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { key, message: message.into(), help: help.into() }
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

macro_rules! indicators {
    ($($(#[$doc:meta])* $module:ident: $name:ident($measured:ident);)*) => {
        $(mod $module;)*
        $(pub use self::$module::*;)*

        /// The settings of a rule. The order is how they are stored: new ones go to the end.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Settings { $($(#[$doc])* $name($name),)* }

        /// What a flag was told with. The order is how it is stored: new ones go to the end.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Measured { $($(#[$doc])* $name($measured),)* }

        /// What judging by a rule gave.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Judgement { $($(#[$doc])* $name(<$name as Indicator>::Judged),)* }

        $(impl Measure for $measured {
            fn of(measured: &Measured) -> Option<&Self> {
                match measured {
                    Measured::$name(measured) => Some(measured),
                    _ => None,
                }
            }

            fn keep(self) -> Measured {
                Measured::$name(self)
            }
        })*

        impl Settings {
            /// The names of all rules there are.
            pub const NAMES: &'static [&'static str] = &[$($name::NAME,)*];

            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::NAME,)* }
            }

            pub const fn domain(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::DOMAIN,)* }
            }

            /// See [`Indicator::READS`].
            pub const fn reads(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::READS,)* }
            }

            /// The JSON Schema of the settings of each rule, by its name.
            pub fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
                vec![$(($name::NAME, $name::json_schema(generator)),)*]
            }

            /// See [`Indicator::fault`].
            pub fn fault(&self) -> Option<SettingFault> {
                match self { $(Self::$name(settings) => settings.fault(),)* }
            }

            /// See [`Indicator::needs`].
            pub fn needs(&self) -> (&'static str, Vec<&'static str>) {
                match self { $(Self::$name(settings) => settings.needs(),)* }
            }

            /// See [`Indicator::judge`].
            pub fn judge(&self, on: &Judging<'_>) -> Judgement {
                match self { $(Self::$name(settings) => Judgement::$name(settings.judge(on)),)* }
            }

            /// See [`Indicator::reasons`]. A flag of another rule has none.
            pub fn reasons(&self, flag: &Flag) -> Vec<Reason> {
                match (self, &flag.measured) {
                    $((Self::$name(settings), Measured::$name(measured)) => settings.reasons(flag, measured),)*
                    _ => Vec::new(),
                }
            }

            /// See [`Indicator::clears_when`].
            pub fn clears_when(&self, flag: &Flag, left: Option<u32>) -> Option<String> {
                match (self, &flag.measured) {
                    $((Self::$name(settings), Measured::$name(measured)) => {
                        Some(settings.clears_when(flag, measured, left))
                    })*
                    _ => None,
                }
            }

            /// The settings of the rule of this name, as JSON has them; `None`: there is no such rule.
            ///
            /// # Errors
            /// When a setting is missing, unknown, or no value of its kind.
            pub fn read<'de, D: serde::Deserializer<'de>>(name: &str, json: D) -> Option<Result<Self, D::Error>> {
                match name {
                    $($name::NAME => Some($name::deserialize(json).map(Self::$name)),)*
                    _ => None,
                }
            }

            /// What [`read`](Self::read) takes.
            pub(crate) fn to_json(&self) -> serde_json::Result<serde_json::Value> {
                match self { $(Self::$name(settings) => serde_json::to_value(settings),)* }
            }
        }

        impl Measured {
            /// The name of the rule that measured it.
            pub const fn rule(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::NAME,)* }
            }

            /// What people work on because of it.
            pub const fn domain(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::DOMAIN,)* }
            }
        }

        impl Judgement {
            /// See [`announce`].
            pub fn announce(&self, announced: &mut Announced, now: Timestamp) -> Vec<FlagChange> {
                match self { $(Self::$name(judged) => announce(judged, announced, now),)* }
            }

            /// See [`Judged::answer`].
            pub fn answer(&self) -> Answer {
                match self { $(Self::$name(judged) => judged.answer(),)* }
            }

            /// See [`Judged::as_of`].
            pub fn as_of(&self) -> Option<Date> {
                match self { $(Self::$name(judged) => judged.as_of(),)* }
            }

            /// See [`Judged::feeds`].
            pub fn feeds(&self) -> &[Arc<str>] {
                match self { $(Self::$name(judged) => judged.feeds(),)* }
            }

            /// See [`Judged::feeds_of`].
            pub fn feeds_of(&self, flag: &Flag) -> Vec<Arc<str>> {
                match self { $(Self::$name(judged) => feeds_of(judged, flag),)* }
            }

            /// See [`Judged::open_questions`].
            pub fn open_questions(&self, flag: &Flag) -> Vec<String> {
                match self { $(Self::$name(judged) => open_questions(judged, flag),)* }
            }

            /// See [`Judged::decides`].
            pub fn decides(&self) -> bool {
                match self { $(Self::$name(judged) => judged.decides(),)* }
            }

            /// See [`Judged::looks_again`].
            pub fn looks_again(&self) -> Option<Date> {
                match self { $(Self::$name(judged) => judged.looks_again(),)* }
            }

            /// Whether this judgement leads to the flag as it stands.
            pub fn gives(&self, flag: &Flag) -> bool {
                match self { $(Self::$name(judged) => gives(judged, flag),)* }
            }
        }
    };
}

indicators! {
    /// Absent from a share of the school days.
    chronic_absence: ChronicAbsence(Absences);
    /// Grades below a line.
    course_failure: CourseFailure(FailedCourses);
    /// Incidents within some time.
    behavior: Behavior(CountedIncidents);
}

/// A flag that was told of what another indicator measures rests on nothing of this one.
fn feeds_of<J: Judged>(judged: &J, flag: &Flag) -> Vec<Arc<str>> {
    J::Measured::of(&flag.measured).map(|told| judged.feeds_of(told)).unwrap_or_default()
}

fn open_questions<J: Judged>(judged: &J, flag: &Flag) -> Vec<String> {
    J::Measured::of(&flag.measured).map(|told| judged.open_questions(told)).unwrap_or_default()
}

/// What is live, or was when its year ended, stands as it was last confirmed.
fn gives<J: Judged>(judged: &J, flag: &Flag) -> bool {
    use crate::announce::FlagState::{Cleared, Dismissed, Ended, Open, Withdrawn};
    let Some(told) = J::Measured::of(&flag.measured) else { return false };
    match (flag.state, judged.follow(Span { start: flag.start, end: Some(flag.until) }, told)) {
        (Open | Dismissed | Ended, Followed::Open(Some(_))) => judged.measured(told) == *told,
        (Cleared, Followed::Ended { measured, .. }) => measured == *told,
        (Withdrawn, Followed::Gone) => true,
        _ => false,
    }
}
