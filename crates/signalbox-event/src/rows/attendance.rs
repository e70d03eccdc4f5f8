//! `attendance.daily`: a student's day at a school.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Column, Day, Holds, Row, Stands, Subject, Text, owned, push_day, push_part, string};
use crate::data::{Data, Status};

/// One student's day at one school, as a connector drafts it and the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttendanceRow<'a> {
    /// The school's first id; blank where the row's school cannot be used.
    #[serde(borrow)]
    pub school: Text<'a>,
    pub date: Day,
    pub category: AttendanceCategory,
    /// As the source writes it.
    #[serde(borrow)]
    pub source_code: Option<Text<'a>>,
}

impl AttendanceRow<'_> {
    pub(super) fn into_owned(self) -> AttendanceRow<'static> {
        let Self { school, date, category, source_code } = self;
        AttendanceRow { school: owned(school), date, category, source_code: source_code.map(owned) }
    }
}

impl<'a> Row<'a> for AttendanceRow<'a> {
    const IS_ROSTER: bool = false;
    const KEY: &'static str = "student, school, date";
    const COLUMNS: &'static [Column] = &[
        Column::required("student", Holds::Student, "The student"),
        Column::required("school", Holds::School, "The school"),
        Column::required("date", Holds::Date, "The school day"),
        Column::required("category", Holds::Word(&AttendanceCategory::WORDS), "How the day was spent"),
    ];

    fn stands(&self) -> Stands {
        Stands::On(self.date.into())
    }

    fn school(&self) -> Option<&str> {
        Some(&self.school)
    }

    fn set_school(&mut self, first_id: Cow<'a, str>) {
        self.school = first_id;
    }

    fn push_key(&self, to: &mut String) {
        push_part(to, &self.school);
        push_day(to, self.date);
    }

    /// The same day, nothing known of it.
    fn disputed(self) -> Option<Self> {
        Some(Self { category: AttendanceCategory::Unknown, source_code: None, ..self })
    }

    fn data(&self, status: Status, _: Subject<'_>) -> Data {
        Data::AttendanceDaily(AttendanceDaily {
            school: (!self.school.is_empty()).then(|| self.school.clone().into_owned()),
            date: self.date.into(),
            category: self.category,
            source_code: string(self.source_code.as_ref()),
            status,
        })
    }
}

/// One student's day at one school (Ed-Fi `studentSchoolAttendanceEvent`, with the category as a value, not a key).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttendanceDaily {
    /// The school's id in the roster of record. Absent where the row's school could not be used: the day is then
    /// unknown at every school at which the student is enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub school: Option<String>,
    /// The civil date in the district's zone (Ed-Fi `eventDate`).
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub date: Date,
    /// Ed-Fi `attendanceEventCategory`, in the hub's words.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub category: AttendanceCategory,
    /// The code as the source wrote it; absent where rows of one day disagree, and in sources without codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub source_code: Option<String>,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}

/// How a day was spent. Only the three words that begin with `absent` count as absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttendanceCategory {
    /// In school.
    Present,
    /// Taught at a distance that day, and there.
    PresentRemote,
    /// Came late.
    Tardy,
    /// Left early.
    EarlyDeparture,
    /// Absent with an excuse that the school accepts.
    AbsentExcused,
    /// Absent without one.
    AbsentUnexcused,
    /// Absent for at least half of the day.
    AbsentHalfDay,
    /// A code that nobody mapped, or rows that disagree: neither present nor absent.
    Unknown,
    /// No row says anything, and one that could not be used may have: the silence of that day is unknown.
    Doubtful,
}

impl AttendanceCategory {
    /// Those that a code may be mapped to: all but `unknown` and `doubtful`.
    pub const MAPPABLE: [Self; 7] = [
        Self::Present,
        Self::PresentRemote,
        Self::Tardy,
        Self::EarlyDeparture,
        Self::AbsentExcused,
        Self::AbsentUnexcused,
        Self::AbsentHalfDay,
    ];

    /// The words of [`MAPPABLE`](Self::MAPPABLE).
    pub const WORDS: [&'static str; 7] = {
        let mut words = [""; 7];
        let mut at = 0;
        while at < words.len() {
            words[at] = Self::MAPPABLE[at].as_str();
            at += 1;
        }
        words
    };

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::PresentRemote => "present_remote",
            Self::Tardy => "tardy",
            Self::EarlyDeparture => "early_departure",
            Self::AbsentExcused => "absent_excused",
            Self::AbsentUnexcused => "absent_unexcused",
            Self::AbsentHalfDay => "absent_half_day",
            Self::Unknown => "unknown",
            Self::Doubtful => "doubtful",
        }
    }
}

impl fmt::Display for AttendanceCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is no attendance category.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is no attendance category")]
pub struct UnknownCategory(pub String);

impl FromStr for AttendanceCategory {
    type Err = UnknownCategory;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::MAPPABLE
            .into_iter()
            .chain([Self::Unknown, Self::Doubtful])
            .find(|category| category.as_str() == text)
            .ok_or_else(|| UnknownCategory(text.to_owned()))
    }
}
