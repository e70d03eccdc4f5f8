//! Event types, the domains (topics) they belong to, and how sensitive they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What stands before every type name (CloudEvents: reverse DNS).
pub const TYPE_PREFIX: &str = "org.signalbox.";

/// Declares the domains, each with its word in topics' names.
macro_rules! domains {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// A topic's domain. A topic is a privacy boundary: one access list each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Domain { $($(#[$doc])* $name,)* }

        impl Domain {
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

domains! {
    /// Students and their enrolments.
    Roster = "roster";
    /// Days of attendance.
    Attendance = "attendance";
    /// Grades.
    Gradebook = "gradebook";
    /// Discipline incidents.
    Behavior = "behavior";
    /// What people do about flags.
    Intervention = "intervention";
    /// Flags: raised, cleared, withdrawn.
    Risk = "risk";
    /// What changed in the hub itself.
    Ops = "ops";
    /// What is true of the district rather than of a student: schools, calendars.
    Reference = "reference";
}

impl Domain {
    /// Whether the topic is cut into the district's shards; reference data has one partition.
    pub const fn is_sharded(self) -> bool {
        !matches!(self, Self::Reference)
    }

    /// Whether each of its events is about a student, whom its key names.
    pub const fn is_about_students(self) -> bool {
        !matches!(self, Self::Reference | Self::Ops)
    }
}

/// How sensitive the data of an event is (FERPA's words where it has them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// No student is spoken of.
    Operational,
    /// Directory information (34 CFR 99.3) such as a name.
    Directory,
    /// An education record.
    EducationRecord,
    /// Counselling, health, discipline.
    Sensitive,
}

impl DataClass {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Directory => "directory",
            Self::EducationRecord => "education_record",
            Self::Sensitive => "sensitive",
        }
    }
}

macro_rules! kinds {
    (
        [$($(#[doc = $row_doc:literal])+ $module:ident: $entity:ident, $of_row:ident($row:ident, $data:ident) = $number:literal,
            $row_short:literal, $row_domain:ident, $row_class:ident;)*]
        $($own:tt)*
    ) => {
        kinds! {
            $($(#[doc = $row_doc])+ $of_row = $row_short, $row_domain, $row_class;)*
            $($own)*
        }
    };
    ($($(#[doc = $doc:literal])+ $variant:ident = $short:literal, $domain:ident, $class:ident;)*) => {
        /// The event types that something emits, each with its version 1 name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[doc = $doc])+ $variant,)* }

        impl Kind {
            /// Every kind, those of rows first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name without prefix and version, e.g. `attendance.daily`.
            pub const fn short(self) -> &'static str {
                match self { $(Self::$variant => $short,)* }
            }

            /// The CloudEvents `type`, e.g. `org.signalbox.attendance.daily.v1`.
            pub const fn type_name(self) -> &'static str {
                match self { $(Self::$variant => concat!("org.signalbox.", $short, ".v1"),)* }
            }

            /// What an event of this kind says, in plain words.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)* }
            }

            /// The domain whose topic carries events of this kind. Only [`Kind::OpsRunEnded`] goes elsewhere: to the
            /// topic that its run wrote to.
            pub const fn domain(self) -> Domain {
                match self { $(Self::$variant => Domain::$domain,)* }
            }

            /// How sensitive the data is: the class of its most sensitive field.
            pub const fn data_class(self) -> DataClass {
                match self { $(Self::$variant => DataClass::$class,)* }
            }
        }
    };
}

entities!(kinds! {
    /// A student crossed a line that the district's rules draw.
    RiskFlagRaised = "risk.flag.raised", Risk, Sensitive;
    /// The student is well back on the right side of the line: the flag was right, and it is over.
    RiskFlagCleared = "risk.flag.cleared", Risk, Sensitive;
    /// A correction took the evidence away: the flag should not have been raised.
    RiskFlagWithdrawn = "risk.flag.withdrawn", Risk, Sensitive;
    /// A person said of a flag: "I have this".
    InterventionAcknowledged = "intervention.acknowledged", Intervention, EducationRecord;
    /// A run's last record on each shard of the topic it wrote to: what the run's payload covered.
    OpsRunEnded = "ops.run.ended", Ops, Operational;
    /// A feed turned `history`, `test` or `live`.
    OpsFeedMode = "ops.feed.mode", Ops, Operational;
    /// A person ended what a feed had said, which is not configured any more.
    OpsFeedRetired = "ops.feed.retired", Ops, Operational;
    /// The rules, their thresholds, who is told or which feeds count changed: everybody is evaluated again.
    OpsPolicyChanged = "ops.policy.changed", Ops, Operational;
    /// A person changed something by command: who, what, why.
    OpsAction = "ops.action", Ops, Operational;
    /// The instructional days of one school year (Ed-Fi `calendarDate`).
    ReferenceCalendar = "reference.calendar", Reference, Operational;
});

impl Kind {
    /// The kind of a CloudEvents `type`: the full name, letter by letter.
    pub fn from_type_name(name: &str) -> Result<Self, UnknownKind> {
        let known = Self::ALL.iter().copied().find(|kind| kind.type_name() == name);
        known.ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}

/// The type is none that this version knows; carries the name that was given.
#[derive(Debug, thiserror::Error)]
#[error("event type \"{0}\" is unknown to this version")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    /// Takes the full type name, or the short one that people type.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let short = Self::ALL.iter().copied().find(|kind| kind.short() == text);
        short.map_or_else(|| Self::from_type_name(text), Ok)
    }
}
