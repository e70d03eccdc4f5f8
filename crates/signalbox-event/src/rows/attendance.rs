//! `attendance.daily`: a student's day at a school.

use std::borrow::Cow;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Body, Cells, Column, Day, Holds, Role, Row, Stands, Subject, Text, owned, push_day, push_part, string,
};
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
    const ROLE: Role = Role::Fact;
    const KEY: &'static str = "student, school, date";
    const COLUMNS: &'static [Column] = &[
        Column::key("student", Holds::Student, "The student"),
        Column::required("school", Holds::School, "The school"),
        Column::key("date", Holds::Day, "The school day"),
        Column::required("category", Holds::Code(AttendanceCategory::WORDS), "How the day was spent"),
    ];
    const WHILE_DISPUTED: &'static str = "That day counts as unknown until the source says one thing.";

    #[inline]
    fn of_cells([_, _, date, category, ..]: &mut Cells<'a>, say: &mut dyn FnMut(Body<'a>)) {
        let Some(date) = date.date() else { return };
        let word = category.word(AttendanceCategory::MAPPABLE);
        say(Self {
            school: Cow::default(),
            date: date.into(),
            category: word.unwrap_or(AttendanceCategory::Unknown),
            source_code: category.code(),
        }
        .into());
    }

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

words! {
    /// How a day was spent. Only the three words that begin with `absent` count as absence.
    pub enum AttendanceCategory {
        /// In school.
        Present = "present",
        /// Taught at a distance that day, and there.
        PresentRemote = "present_remote",
        /// Came late.
        Tardy = "tardy",
        /// Left early.
        EarlyDeparture = "early_departure",
        /// Absent with an excuse that the school accepts.
        AbsentExcused = "absent_excused",
        /// Absent without one.
        AbsentUnexcused = "absent_unexcused",
        /// Absent for at least half of the day.
        AbsentHalfDay = "absent_half_day",
    }
    beside {
        /// A code that nobody mapped, or rows that disagree: neither present nor absent.
        Unknown = "unknown",
        /// No row says anything, and one that could not be used may have: the silence of that day is unknown.
        Doubtful = "doubtful",
    }
}
