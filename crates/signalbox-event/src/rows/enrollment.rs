//! `roster.enrollment`: a student's enrolment at a school.

use std::borrow::Cow;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Body, Cells, Column, Day, Holds, Kept, Lacks, Role, Row, SchoolRow, Stands, StudentRow, Subject, Text,
    owned, push_day, push_part, string,
};
use crate::data::{Data, Status};

/// One student's stay at one school, as a connector drafts it and the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnrollmentRow<'a> {
    /// The row's own key in its feed (OneRoster `sourcedId`); without one, student, school and entry are the key.
    #[serde(borrow)]
    pub key: Option<Text<'a>>,
    /// The school's first id.
    #[serde(borrow)]
    pub school: Text<'a>,
    pub entry: Day,
    /// Last day enrolled, itself included. The day before `entry` where there was none: the student never came.
    pub exit: Option<Day>,
    #[serde(borrow)]
    pub grade: Option<Text<'a>>,
}

impl EnrollmentRow<'_> {
    /// Who cannot read them keeps what was said.
    pub const EXIT: Kept = Kept::FIRST;
    pub const GRADE: Kept = Kept::SECOND;

    pub(super) fn into_owned(self) -> EnrollmentRow<'static> {
        let Self { key, school, entry, exit, grade } = self;
        EnrollmentRow { key: key.map(owned), school: owned(school), entry, exit, grade: grade.map(owned) }
    }

    /// Whether it holds on that day.
    pub fn holds_on(&self, date: Date) -> bool {
        let day = Day::from(date);
        self.entry <= day && self.exit.is_none_or(|exit| day <= exit)
    }

    /// Its key within its student: the feed's own, or school and entry date.
    fn enrollment_id(&self) -> String {
        if let Some(key) = &self.key {
            return key.clone().into_owned();
        }
        let mut id = self.school.clone().into_owned();
        push_day(&mut id, self.entry);
        id
    }
}

impl<'a> Row<'a> for EnrollmentRow<'a> {
    const ROLE: Role = Role::Enrollment;
    const KEY: &'static str =
        "student, school, entry (an entry that moves by at most 20 school days is the same)";
    const COLUMNS: &'static [Column] = &[
        Column::key("student", Holds::Student, "The student"),
        Column::key("school", Holds::School, "The school"),
        Column::key("entry", Holds::Date, "The first day enrolled"),
        Column::optional("exit", Holds::LastDay, "The last day enrolled")
            .not_before("entry")
            .kept(Self::EXIT),
        Column::optional("grade", Holds::Text, "The grade level").kept(Self::GRADE),
        Column::optional("last_name", Holds::Text, "The student's family name"),
        Column::optional("first_name", Holds::Text, "The student's given name"),
        Column::optional("birth_date", Holds::DateOrNone, "The student's date of birth"),
    ];

    /// Also says that the school and the student are there.
    fn of_cells(cells: &mut Cells<'a>, say: &mut dyn FnMut(Body<'a>)) {
        let [student, school, entry, exit, grade, family_name, given_name, birth_date, ..] = cells;
        let (Some(student), Some(school), Some(entry)) = (student.text(), school.text(), entry.date()) else {
            return;
        };
        say(SchoolRow { id: school, identifier: None, name: None }.into());
        let (given_name, family_name) = (given_name.text(), family_name.text());
        let birth_date = birth_date.date().map(Day::from);
        say(StudentRow { id: student, ids: Vec::new(), given_name, family_name, birth_date }.into());
        let (entry, exit) = (entry.into(), exit.date().map(Day::from));
        say(Self { key: None, school: Cow::default(), entry, exit, grade: grade.text() }.into());
    }

    fn stands(&self) -> Stands {
        Stands::From(self.entry.into())
    }

    fn school(&self) -> Option<&str> {
        Some(&self.school)
    }

    fn set_school(&mut self, first_id: Cow<'a, str>) {
        self.school = first_id;
    }

    fn push_key(&self, to: &mut String) {
        if let Some(key) = &self.key {
            to.push('#');
            to.push_str(key);
        } else {
            push_part(to, &self.school);
            push_day(to, self.entry);
        }
    }

    fn complete(&mut self, before: Self, lacks: Lacks) -> bool {
        if lacks.has_unread(Self::EXIT) {
            self.exit = before.exit;
        }
        if lacks.has_unread(Self::GRADE) {
            self.grade = before.grade;
        }
        true
    }

    fn data(&self, status: Status, of: Subject<'_>) -> Data {
        Data::RosterEnrollment(Enrollment {
            enrollment_id: self.enrollment_id(),
            student_id: of.first_id.to_owned(),
            id_system: of.id_system.to_owned(),
            school: self.school.clone().into_owned(),
            entry_date: self.entry.into(),
            exit_date: self.exit.map(Into::into),
            grade: string(self.grade.as_ref()),
            status,
        })
    }
}

/// A student's enrolment at a school (Ed-Fi `studentSchoolAssociation`; OneRoster `enrollment` rows of a school).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Enrollment {
    /// The row's own key inside its feed: a OneRoster `sourcedId`, or school and entry date.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub enrollment_id: String,
    /// The student's first id in the roster of record.
    #[schemars(extend("x-ndpa" = "Student Identifiers", "x-data-class" = "education_record"))]
    pub student_id: String,
    /// The name of the roster feed that gave the student's id.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub id_system: String,
    /// The school's id in the roster of record.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub school: String,
    /// First day enrolled.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub entry_date: Date,
    /// Last day enrolled, itself included; absent while enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub exit_date: Option<Date>,
    /// The grade as the source writes it, e.g. `09` (OneRoster `grades`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub grade: Option<String>,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}
