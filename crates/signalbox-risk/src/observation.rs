use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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

/// Daily attendance. Tardy, leaving early and being present remotely all count as present.
///
/// The order of the variants decides between two contents of equal revision, and is how a register is
/// stored: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Present,
    PresentRemote,
    Tardy,
    EarlyDeparture,
    AbsentExcused,
    AbsentUnexcused,
    /// Absent for at least half the day; counted by the policy's [`HalfDay`](crate::HalfDay).
    AbsentHalfDay,
    /// The feed has a row whose meaning is not known: neither present nor absent.
    Unknown,
    /// The feed has no row, and one of it that could not be used may belong there: the day's silence is unknown.
    Doubtful,
}

impl Category {
    pub const ALL: [Category; 9] = [
        Category::Present,
        Category::PresentRemote,
        Category::Tardy,
        Category::EarlyDeparture,
        Category::AbsentExcused,
        Category::AbsentUnexcused,
        Category::AbsentHalfDay,
        Category::Unknown,
        Category::Doubtful,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Present => "present",
            Category::PresentRemote => "present_remote",
            Category::Tardy => "tardy",
            Category::EarlyDeparture => "early_departure",
            Category::AbsentExcused => "absent_excused",
            Category::AbsentUnexcused => "absent_unexcused",
            Category::AbsentHalfDay => "absent_half_day",
            Category::Unknown => "unknown",
            Category::Doubtful => "doubtful",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not repeated: it came from a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an attendance category")]
pub struct UnknownCategory;

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(text: &str) -> Result<Category, UnknownCategory> {
        Category::ALL.into_iter().find(|category| category.as_str() == text).ok_or(UnknownCategory)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn category_names_round_trip() {
        for category in Category::ALL {
            assert_eq!(category.as_str().parse(), Ok(category));
        }
        assert_eq!("Absent".parse::<Category>(), Err(UnknownCategory));
    }

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
        }
    }
}
