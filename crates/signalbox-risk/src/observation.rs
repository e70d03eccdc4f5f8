use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::points::Points;

/// What one feed says about one fact of one student in one school year.
///
/// These are all the inputs of a decision. A protected attribute has no field here and cannot have one by
/// accident: a test takes the type apart field by field (invariant I17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation<'a> {
    /// Name of the feed in the district's configuration.
    pub feed: &'a str,
    /// The hub's own revision of this fact in this feed, raised whenever the normalised content changes.
    pub revision: u64,
    pub fact: Fact<'a>,
}

/// The fact and its natural key; a `value` of `None` says that the row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<'a> {
    /// `key` is the natural key of the enrolment inside the feed.
    Enrollment { key: &'a str, value: Option<Enrollment<'a>> },
    /// The key is (feed, school, date). An ended row is back to "no row": what that means is the feed's
    /// [`Rows`](crate::Rows).
    /// A blank school says that the row's school could not be used: the day is unknown at every school of enrolment.
    Attendance { school: &'a str, date: Date, value: Option<Category> },
    /// The key is (feed, school, class, term, kind).
    CourseGrade { of: GradeOf<'a>, value: Option<CourseGrade<'a>> },
    /// The key is (feed, incident).
    Incident { incident: &'a str, value: Option<Incident<'a>> },
}

impl Fact<'_> {
    /// Its key in its feed, of the student and the school year; for people and lists, in two parts.
    pub fn key(&self) -> (String, String) {
        match self {
            Self::Enrollment { key, .. } => ("enrollment".to_owned(), (*key).to_owned()),
            Self::Attendance { school, date, .. } => ((*school).to_owned(), date.to_string()),
            Self::CourseGrade { of: GradeOf { school, class, term, kind }, .. } => {
                (format!("{school}|{class}"), format!("{term}|{}", kind.as_str()))
            }
            Self::Incident { incident, .. } => ("incident".to_owned(), (*incident).to_owned()),
        }
    }
}

/// Which grade: of what class, for what term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GradeOf<'a> {
    /// Blank: the row's school could not be used.
    pub school: &'a str,
    pub class: &'a str,
    pub term: &'a str,
    pub kind: GradeKind,
}

/// A grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CourseGrade<'a> {
    pub mark: Mark<&'a str>,
    /// The day on which it was entered, or first read.
    pub date: Date,
}

words! {
    /// Whether a grade is final. The order decides nothing, and is how a register is stored: new ones go to the end.
    pub enum GradeKind { InProgress = "in_progress", Posted = "posted" }
}

impl GradeKind {
    pub(crate) const fn plain(self) -> &'static str {
        match self {
            Self::InProgress => "running",
            Self::Posted => "posted",
        }
    }
}

/// What stands where a grade does. The order decides between two contents of equal revision, and is how a register is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mark<Text> {
    /// None was given yet.
    None,
    Points(Points),
    /// A letter or a word; what it is worth, a rule's scale says.
    Letter(Text),
    /// There is one, and what it is is not known.
    Unknown,
}

impl Mark<&str> {
    pub(crate) fn to_owned(self) -> Mark<Box<str>> {
        match self {
            Self::None => Mark::None,
            Self::Points(points) => Mark::Points(points),
            Self::Letter(letter) => Mark::Letter(letter.into()),
            Self::Unknown => Mark::Unknown,
        }
    }
}

/// One student's part in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incident<'a> {
    /// Blank: the row's school could not be used.
    pub school: &'a str,
    /// `None`: it is not known when it was.
    pub date: Option<Date>,
    pub category: IncidentCategory,
}

words! {
    /// How grave an incident was. The order is how a register is stored: new ones go to the end.
    pub enum IncidentCategory {
        Minor = "minor",
        Major = "major",
        SuspensionIn = "suspension_in",
        SuspensionOut = "suspension_out",
        Unknown = "unknown",
    }
}

/// One enrolment of the student, in the words of `OneRoster` and Ed-Fi.
///
/// The derived order decides between two contents of equal revision; it has no other meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Enrollment<'a> {
    pub school: &'a str,
    /// First day enrolled.
    pub entry: Date,
    /// Last day enrolled, inclusive; `None` lasts to the end of the school's calendar.
    pub exit: Option<Date>,
    pub grade: Option<&'a str>,
}

words! {
    /// Daily attendance. Tardy, leaving early and being present remotely all count as present.
    ///
    /// The order of the variants decides between two contents of equal revision, and is how a register is
    /// stored: new ones go to the end.
    pub enum Category {
        Present = "present",
        PresentRemote = "present_remote",
        Tardy = "tardy",
        EarlyDeparture = "early_departure",
        AbsentExcused = "absent_excused",
        AbsentUnexcused = "absent_unexcused",
        /// Absent for at least half the day; counted by the rule's [`HalfDay`](crate::HalfDay).
        AbsentHalfDay = "absent_half_day",
        /// The feed has a row whose meaning is not known: neither present nor absent.
        Unknown = "unknown",
        /// The feed has no row, and one of it that could not be used may belong there: the day's silence is unknown.
        Doubtful = "doubtful",
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// Stops compiling when a field is added anywhere in an observation: whoever adds one decides here, in
    /// the open, that it is not a protected attribute.
    #[test]
    fn i17_an_observation_has_no_protected_attribute() {
        let enrollment = Enrollment { school: "100", entry: date(2026, 8, 24), exit: None, grade: None };
        let fact = Fact::Enrollment { key: "e1", value: Some(enrollment) };
        let Observation { feed: _, revision: _, fact } = Observation { feed: "sis", revision: 1, fact };
        match fact {
            Fact::Enrollment { key: _, value } => {
                let Enrollment { school: _, entry: _, exit: _, grade } = value.expect("given above");
                assert_eq!(grade, None);
            }
            Fact::Attendance { school: _, date: _, value: _ } => unreachable!("an enrolment was given"),
            Fact::CourseGrade { of, value } => {
                let GradeOf { school: _, class: _, term: _, kind: _ } = of;
                assert!(value.is_none_or(|CourseGrade { mark: _, date: _ }| true));
            }
            Fact::Incident { incident: _, value } => {
                assert!(value.is_none_or(|Incident { school: _, date: _, category: _ }| true));
            }
        }
    }
}
