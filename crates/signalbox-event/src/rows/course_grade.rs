//! `gradebook.course_grade`: a student's grade in a class for a term.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::{Body, Cells, Column, Day, Holds, Lacks, Role, Row, Stands, Subject, Text, owned, push_part};
use crate::data::{Data, Status};

/// One student's grade in one class for one term, as a connector drafts it and the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseGradeRow<'a> {
    /// The school's first id; blank where the row's school cannot be used.
    #[serde(borrow)]
    pub school: Text<'a>,
    #[serde(borrow)]
    pub class: Text<'a>,
    #[serde(borrow)]
    pub term: Text<'a>,
    pub kind: CourseGradeKind,
    #[serde(borrow)]
    pub grade: Grade<'a>,
    pub as_of: Option<Day>,
}

impl CourseGradeRow<'_> {
    pub(super) fn into_owned(self) -> CourseGradeRow<'static> {
        let Self { school, class, term, kind, grade, as_of } = self;
        let (school, class, term) = (owned(school), owned(class), owned(term));
        CourseGradeRow { school, class, term, kind, grade: grade.into_owned(), as_of }
    }
}

impl CourseGradeRow<'_> {
    fn push_key_of(&self, kind: CourseGradeKind, to: &mut String) {
        for part in [&self.school, &self.class, &self.term] {
            push_part(to, part);
            to.push('|');
        }
        to.push_str(kind.as_str());
    }
}

impl<'a> Row<'a> for CourseGradeRow<'a> {
    const ROLE: Role = Role::Fact;
    const KEY: &'static str = "student, school, class, term, kind";
    const COLUMNS: &'static [Column] = &[
        Column::key("student", Holds::Student, "The student"),
        Column::key("school", Holds::School, "The school"),
        Column::key("class", Holds::Id, "The class (section), as the gradebook names it"),
        Column::key("term", Holds::Text, "The term that the grade is for"),
        Column::key("kind", Holds::Word(CourseGradeKind::WORDS), "Whether the grade is final"),
        Column::optional("grade", Holds::Grade, "The grade").or_blank(),
        Column::optional("as_of", Holds::Date, "The day on which the grade was entered").or_blank(),
    ];
    const WHILE_DISPUTED: &'static str = "That grade counts as unknown until the source says one thing.";

    fn of_cells([_, _, class, term, kind, grade, as_of, ..]: &mut Cells<'a>, say: &mut dyn FnMut(Body<'a>)) {
        let (Some(class), Some(term)) = (class.text(), term.text()) else { return };
        let Some(kind) = kind.word(CourseGradeKind::MAPPABLE) else { return };
        let (school, as_of) = (Cow::default(), as_of.date().map(Day::from));
        say(Self { school, class, term, kind, grade: Grade::of_cell(grade), as_of }.into());
    }

    fn stands(&self) -> Stands {
        self.as_of.map_or(Stands::Throughout, |as_of| Stands::By(as_of.into()))
    }

    fn school(&self) -> Option<&str> {
        Some(&self.school)
    }

    fn set_school(&mut self, first_id: Cow<'a, str>) {
        self.school = first_id;
    }

    fn term(&self) -> Option<&str> {
        Some(&self.term)
    }

    fn push_key(&self, to: &mut String) {
        self.push_key_of(self.kind, to);
    }

    const MAY_LACK: bool = true;

    /// The same grade was not entered anew because nobody says any more when.
    fn complete(&mut self, before: Self, _: Lacks) -> bool {
        let completes = self.as_of.is_none() && before.as_of.is_some() && self.grade == before.grade;
        if completes {
            self.as_of = before.as_of;
        }
        completes
    }

    /// A running grade is over once it is posted; a blank cell ends nothing.
    fn push_replaced(&self, to: &mut String) -> bool {
        let replaces = self.kind == CourseGradeKind::Posted && self.grade != Grade::None;
        if replaces {
            self.push_key_of(CourseGradeKind::InProgress, to);
        }
        replaces
    }

    /// The same class and term, nothing known of the grade.
    fn disputed(self) -> Option<Self> {
        Some(Self { grade: Grade::Unknown, as_of: None, ..self })
    }

    fn data(&self, status: Status, _: Subject<'_>) -> Data {
        let (numeric_grade, letter_grade) = match &self.grade {
            Grade::Number(points) => (Some(points.number()), None),
            Grade::Letter(letter) => (None, Some(letter.clone().into_owned())),
            Grade::None | Grade::Unknown => (None, None),
        };
        Data::GradebookCourseGrade(CourseGrade {
            school: (!self.school.is_empty()).then(|| self.school.clone().into_owned()),
            class: self.class.clone().into_owned(),
            term: self.term.clone().into_owned(),
            kind: self.kind,
            numeric_grade,
            letter_grade,
            is_unknown: self.grade == Grade::Unknown,
            as_of: self.as_of.map(Into::into),
            status,
        })
    }
}

/// What stands where a grade does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grade<'a> {
    /// None was given yet.
    None,
    Number(Points),
    /// A letter, or a word such as `INC`; what it is worth, a rule's scale says.
    #[serde(borrow)]
    Letter(Text<'a>),
    /// There is one, and it cannot be read or is in dispute.
    Unknown,
}

/// The highest grade that is believed: room for extra credit.
pub const HIGHEST_GRADE: u16 = 200;

/// The longest letter: `A+`, `INC`, `PASS`.
const LETTER_AT_MOST: usize = 12;

/// It is neither a number from 0 to [`HIGHEST_GRADE`] nor a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no grade: neither a number from 0 to {HIGHEST_GRADE} nor a letter")]
pub struct NoGrade;

impl<'a> Grade<'a> {
    /// A grade as a file writes it; blank is none.
    pub fn parse(text: Text<'a>) -> Result<Self, NoGrade> {
        if text.is_empty() {
            return Ok(Self::None);
        }
        if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+')) {
            return Points::parse(&text).map(Self::Number);
        }
        let is_letter = text.chars().count() <= LETTER_AT_MOST && text.starts_with(char::is_alphabetic);
        if is_letter { Ok(Self::Letter(text)) } else { Err(NoGrade) }
    }

    fn of_cell(cell: &mut super::Cell<'a>) -> Self {
        match std::mem::take(cell) {
            super::Cell::Blank => Self::None,
            super::Cell::Text(text) => Self::parse(text).unwrap_or(Self::Unknown),
            _ => Self::Unknown,
        }
    }

    fn into_owned(self) -> Grade<'static> {
        match self {
            Self::None => Grade::None,
            Self::Number(points) => Grade::Number(points),
            Self::Letter(letter) => Grade::Letter(owned(letter)),
            Self::Unknown => Grade::Unknown,
        }
    }
}

/// A numeric grade in hundredths, so that two decimals are exact. Further ones are cut off, never rounded up: 59.999 is below 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Points(u16);

impl Points {
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// A grade as it is written: `85`, `59.99`, `72.5%`.
    pub fn parse(text: &str) -> Result<Self, NoGrade> {
        let number = text.strip_suffix('%').unwrap_or(text).trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + decimals.len() == 0 || !is_digits(whole) || !is_digits(decimals) {
            return Err(NoGrade);
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u16>().map_err(|_| NoGrade)? };
        let digit = |at: usize| decimals.as_bytes().get(at).map_or(0, |digit| u16::from(digit - b'0'));
        let is_above = whole == HIGHEST_GRADE && decimals.bytes().any(|digit| digit != b'0');
        if whole > HIGHEST_GRADE || is_above {
            return Err(NoGrade);
        }
        Ok(Self(whole * 100 + digit(0) * 10 + digit(1)))
    }

    fn number(self) -> Number {
        if self.0.is_multiple_of(100) {
            return (self.0 / 100).into();
        }
        Number::from_f64(f64::from(self.0) / 100.0).expect("hundredths of a small number are finite")
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

words! {
    /// Whether a grade is final.
    pub enum CourseGradeKind {
        /// As it stands; more work will change it.
        InProgress = "in_progress",
        /// As it was given for the term.
        Posted = "posted",
    }
}

/// A student's grade in a class for a term (Ed-Fi `grade`). Without a grade of either kind none was given yet, unless it is
/// unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CourseGrade {
    /// The school's id in the roster of record. Absent where the row's school could not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub school: Option<String>,
    /// The class, as the gradebook names it.
    #[schemars(extend("x-ndpa" = "Schedule", "x-data-class" = "education_record"))]
    pub class: String,
    /// The term that the grade is for, as the gradebook names it (Ed-Fi `gradingPeriod`).
    #[schemars(extend("x-ndpa" = "Schedule", "x-data-class" = "education_record"))]
    pub term: String,
    /// Whether it is final (Ed-Fi `gradeType`).
    #[schemars(extend("x-ndpa" = "Transcript", "x-data-class" = "education_record"))]
    pub kind: CourseGradeKind,
    /// The grade as a number, 0 to 200, exact to two decimals (Ed-Fi `numericGradeEarned`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 200))]
    #[schemars(extend("x-ndpa" = "Transcript", "x-data-class" = "education_record"))]
    pub numeric_grade: Option<Number>,
    /// The grade as a letter (Ed-Fi `letterGradeEarned`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Transcript", "x-data-class" = "education_record"))]
    pub letter_grade: Option<String>,
    /// There is a grade, and what it is is not known: it cannot be read, or rows of one key disagree.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("x-ndpa" = "Transcript", "x-data-class" = "education_record"))]
    pub is_unknown: bool,
    /// The day on which the grade was entered, where the gradebook says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Transcript", "x-data-class" = "education_record"))]
    pub as_of: Option<Date>,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}

impl CourseGrade {
    /// The grade; `Err`: what it says is none.
    pub fn grade(&self) -> Result<Grade<'_>, NoGrade> {
        match (&self.numeric_grade, &self.letter_grade, self.is_unknown) {
            (_, _, true) => Ok(Grade::Unknown),
            (Some(number), ..) => Points::parse(&number.to_string()).map(Grade::Number),
            (None, Some(letter), _) => Ok(Grade::Letter(letter.as_str().into())),
            (None, None, _) => Ok(Grade::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_are_exact_to_two_decimals_and_never_rounded_up() {
        for (text, hundredths) in [
            ("0", 0),
            ("60", 6000),
            ("59.99", 5999),
            ("59.999", 5999),
            ("72.5%", 7250),
            ("72.5 %", 7250),
            (".5", 50),
            ("200", 20_000),
            ("200.00", 20_000),
        ] {
            let grade = Grade::parse(text.into()).expect(text);
            assert_eq!(grade, Grade::Number(Points(hundredths)), "{text}");
            let data = serde_json::to_string(&Points(hundredths).number()).expect("a number");
            assert_eq!(Points::parse(&data), Ok(Points(hundredths)), "{text}");
        }
    }

    #[test]
    fn what_is_no_grade_is_none() {
        assert_eq!(Grade::parse("".into()), Ok(Grade::None));
        for letter in ["F", "A+", "INC", "b"] {
            assert_eq!(Grade::parse(letter.into()), Ok(Grade::Letter(letter.into())));
        }
        for text in
            ["250", "200.01", "-1", "59,99", "1e2", "85 of 100", ".", "%", "+5", "?", "a sentence on it"]
        {
            assert_eq!(Grade::parse(text.into()), Err(NoGrade), "{text}");
        }
    }
}
