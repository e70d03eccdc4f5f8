//! Event types, the domains (topics) they belong to, and how sensitive they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What stands before every type name.
pub const TYPE_PREFIX: &str = "org.signalbox.";

/// A topic's domain. A topic is a privacy boundary: one access list each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    Roster,
    Attendance,
    Intervention,
    Risk,
    Ops,
    Reference,
}

impl Domain {
    pub const ALL: [Self; 6] =
        [Self::Roster, Self::Attendance, Self::Intervention, Self::Risk, Self::Ops, Self::Reference];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Roster => "roster",
            Self::Attendance => "attendance",
            Self::Intervention => "intervention",
            Self::Risk => "risk",
            Self::Ops => "ops",
            Self::Reference => "reference",
        }
    }

    /// Whether the topic is cut into the district's shards; reference data has one partition.
    pub const fn is_sharded(self) -> bool {
        !matches!(self, Self::Reference)
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
    ($($(#[$doc:meta])* $variant:ident = $short:literal, $domain:ident, $class:ident;)*) => {
        /// The event types that something emits, each with its version 1 name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name without prefix and version, e.g. `attendance.daily`.
            pub const fn short(self) -> &'static str {
                match self { $(Self::$variant => $short,)* }
            }

            /// The CloudEvents `type`, e.g. `org.signalbox.attendance.daily.v1`.
            pub const fn type_name(self) -> &'static str {
                match self { $(Self::$variant => concat!("org.signalbox.", $short, ".v1"),)* }
            }

            pub const fn domain(self) -> Domain {
                match self { $(Self::$variant => Domain::$domain,)* }
            }

            pub const fn data_class(self) -> DataClass {
                match self { $(Self::$variant => DataClass::$class,)* }
            }
        }
    };
}

kinds! {
    /// A student of the roster of record.
    RosterStudent = "roster.student", Roster, EducationRecord;
    /// A student's enrolment at a school.
    RosterEnrollment = "roster.enrollment", Roster, EducationRecord;
    /// One student, school and day.
    AttendanceDaily = "attendance.daily", Attendance, EducationRecord;
    RiskFlagRaised = "risk.flag.raised", Risk, EducationRecord;
    RiskFlagCleared = "risk.flag.cleared", Risk, EducationRecord;
    RiskFlagWithdrawn = "risk.flag.withdrawn", Risk, EducationRecord;
    /// A person said "I have this".
    InterventionAcknowledged = "intervention.acknowledged", Intervention, EducationRecord;
    /// The last record of a run on a shard of the topic the run wrote to.
    OpsRunEnded = "ops.run.ended", Ops, Operational;
    /// A feed turned `history`, `test` or `live`.
    OpsFeedMode = "ops.feed.mode", Ops, Operational;
    /// The rules or their thresholds changed.
    OpsPolicyChanged = "ops.policy.changed", Ops, Operational;
    /// A person changed something: who, what, why.
    OpsAction = "ops.action", Ops, Operational;
    ReferenceSchool = "reference.school", Reference, Operational;
    ReferenceCalendar = "reference.calendar", Reference, Operational;
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}

/// The type is none that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("event type \"{0}\" is unknown to this version")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    /// Takes the full type name, or the short one that people type.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.type_name() == text || kind.short() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}
