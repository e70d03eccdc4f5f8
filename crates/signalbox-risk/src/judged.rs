//! What judging a student by a rule gives, whatever the rule.

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::announce::Flag;
use crate::day::Day;
use crate::indicators::is_enrolled_on;
use crate::observation::{Enrollment, GradeKind};
use crate::reference::{Reference, SchoolYear};
use crate::registers::Registers;

/// What a student is judged on.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    pub registers: &'a Registers,
    pub reference: &'a Reference,
    pub school_year: u16,
    /// The day that is asked about.
    pub as_of: Date,
}

impl<'a> Judging<'a> {
    /// The school days of the school where the student is on the day that is asked about.
    pub(crate) fn days(&self) -> SchoolDaysOf<'a> {
        let school = self.enrollment().map(|enrollment| enrollment.school);
        let year = self.reference.school_year(school.unwrap_or_default(), self.school_year);
        SchoolDaysOf { school, year }
    }

    /// Where the student is on the day that is asked about.
    pub fn enrollment(&self) -> Option<Enrollment<'a>> {
        self.registers.enrollment_on(self.as_of, |feed| Some(self.reference.enrollment_rank(feed)))
    }

    /// Every place where the student is on that day; where that is none, the one that says most of where.
    pub fn enrollments(&self) -> Vec<Enrollment<'a>> {
        self.registers.enrollments_on(self.as_of, |feed| Some(self.reference.enrollment_rank(feed)))
    }

    /// Whether the student is enrolled anywhere on the day that is asked about.
    pub fn is_enrolled(&self) -> bool {
        is_enrolled_on(self.registers, self.reference, self.as_of)
    }
}

/// The school days of one school.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SchoolDaysOf<'a> {
    school: Option<&'a str>,
    year: Option<&'a SchoolYear>,
}

impl<'a> SchoolDaysOf<'a> {
    pub(crate) fn school(&self) -> Option<&'a str> {
        self.school
    }

    /// The first day of the school year; `None`: no calendar says so.
    pub(crate) fn begin(&self) -> Option<Date> {
        self.year.map(SchoolYear::begin)
    }

    pub(crate) const fn is_known(&self) -> bool {
        self.year.is_some()
    }

    /// The school day from which on so many, its own included, have passed since `date`: the first that is not within so
    /// many of it. `None`: it is none of this school year, or no calendar says so.
    pub(crate) fn after(&self, date: Date, school_days: u32) -> Option<Date> {
        let year = self.year?;
        let upto = year.upto(Day::of(date));
        // That day is the first of them, or the last school day before it is.
        year.day((upto + school_days as usize).checked_sub(1)?)
    }
}

/// A judgement, to be announced and shown.
pub trait Judged {
    /// What a flag keeps of it.
    type Measured: Measure;

    /// The answer, for people.
    fn answer(&self) -> Answer;

    /// The last day that was used.
    fn as_of(&self) -> Option<Date>;

    /// The feeds that it rests on, each once.
    fn feeds(&self) -> &[Arc<str>];

    /// Those that a flag rests on that was told of this, each once; none: nothing is left of it.
    fn feeds_of(&self, _told: &Self::Measured) -> Vec<Arc<str>> {
        self.feeds().to_vec()
    }

    /// What is to be known before it is certain whether a flag that was told of this goes on, each in a sentence without
    /// its stop.
    fn open_questions(&self, _told: &Self::Measured) -> Vec<String> {
        let Answer { missing, unknown_dates, .. } = self.answer();
        let dates: Vec<String> = unknown_dates.iter().map(ToString::to_string).collect();
        let days = (!dates.is_empty()).then(|| format!("what was on {}", dates.join(", ")));
        days.into_iter().chain(missing.iter().map(Missing::to_string)).collect()
    }

    /// Whether enough is known to raise, clear or withdraw anything.
    fn decides(&self) -> bool;

    /// What is to be told: what is certainly over the line, of which no live flag was told. `told`: what each live flag stands
    /// for.
    fn opens(&self, told: &[Self::Measured]) -> Option<Opens<Self::Measured>>;

    /// What became of the episode that a live flag stands for, which was told of it what was measured `before`.
    fn follow(&self, flag: Span, before: &Self::Measured) -> Followed<Self::Measured>;

    /// What is measured now of what a flag that stands was told of `before`.
    fn measured(&self, before: &Self::Measured) -> Self::Measured;

    /// The next day on which time alone may change the judgement.
    fn looks_again(&self) -> Option<Date> {
        None
    }

    /// Why a flag was raised that was told with this.
    fn raised(&self, flag: &Flag, told: &Self::Measured) -> String;

    /// What of that no longer holds; `None`: all of it does.
    fn correction(&self, before: &Self::Measured) -> Option<String>;

    /// How the figures changed, where all that was told still holds.
    fn recount(&self, before: &Self::Measured) -> Option<String>;

    /// Why the line was never crossed, as known now.
    fn withdrawn(&self, before: &Self::Measured) -> String;
}

/// What a flag keeps of a judgement.
pub trait Measure: Clone + PartialEq {
    /// `None`: it is another indicator's.
    fn of(measured: &crate::indicators::Measured) -> Option<&Self>;

    fn keep(self) -> crate::indicators::Measured;
}

/// From a day to another, itself included; open without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: Date,
    pub end: Option<Date>,
}

impl Span {
    pub fn overlaps(&self, other: Span) -> bool {
        let begins_by = |one: &Span, other: &Span| other.end.is_none_or(|end| one.start <= end);
        begins_by(self, &other) && begins_by(&other, self)
    }
}

/// An episode that a flag is to be raised for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opens<M> {
    pub since: Date,
    /// What the flag is told with.
    pub measured: M,
}

/// What became of the episode that a flag stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed<M> {
    /// As known now, it never was.
    Gone,
    /// It ended. `measured`: as things stood then.
    Ended { start: Date, end: Date, measured: M, text: String },
    /// It goes on, since this day; `None`: that is not certain, and the flag stands as it was told.
    Open(Option<Date>),
}

/// How a flag fares among episodes.
pub(crate) enum Fares {
    Gone,
    /// This possible one, which certainly began then.
    Ended(usize, Date),
    Open(Option<Date>),
}

/// A flag follows the last episode that could be and overlaps it.
pub(crate) fn fares(flag: Span, certain: &[Span], possible: &[Span]) -> Fares {
    let Some(at) = possible.iter().rposition(|span| span.overlaps(flag)) else { return Fares::Gone };
    // Where it certainly began: the possible one may be several.
    let since = possible[at].start;
    // One that is open lies in the last possible one, whether the flag was told of its days or not.
    let is_it = |span: &&Span| span.start >= since && (span.overlaps(flag) || span.end.is_none());
    let start = certain.iter().find(is_it).map_or(flag.start, |span| span.start);
    let is_open = certain.last().is_some_and(|span| span.end.is_none());
    match possible[at].end {
        Some(_) => Fares::Ended(at, start),
        None => Fares::Open(is_open.then_some(start)),
    }
}

/// `{value, status, n, as_of, source}` of an indicator, with what can still be prevented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// What was measured; `None`: nothing is known.
    pub value: Option<String>,
    /// The same in words, as `2/20 school days absent`.
    pub text: String,
    /// Of how many that are known: school days, grades, incidents.
    pub n: u32,
    /// How many there are that nobody knows of.
    pub unknown: u32,
    /// The days of those, where they are days.
    pub unknown_dates: Vec<Date>,
    pub as_of: Option<Date>,
    /// What would be needed to know more: all of it, where the status is not ok; what could not be read, where it is.
    pub missing: Vec<Missing>,
    /// How many more absences would make it chronic.
    pub days_left: Option<u32>,
    pub feeds: Vec<Arc<str>>,
}

impl Answer {
    /// Nothing is known, for want of this.
    pub fn lacking(missing: Missing) -> Self {
        Self {
            status: Status::Insufficient,
            value: None,
            text: "nothing is known".to_owned(),
            n: 0,
            unknown: 0,
            unknown_dates: Vec::new(),
            as_of: None,
            missing: vec![missing],
            days_left: None,
            feeds: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// [`Answer::missing`] says what is missing.
    Insufficient,
    /// The data is older than the rule's settings allow.
    Stale,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Insufficient => "insufficient",
            Status::Stale => "stale",
        }
    }
}

/// What an answer lacks. `Display` is for people, [`Missing::code`] for programs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    Enrollment,
    Calendar {
        school: String,
    },
    /// The student had school days there, and no attendance feed has covered that school yet.
    Coverage {
        school: String,
    },
    /// School days so far, known or not, and the policy's minimum.
    MinDays {
        have: u32,
        need: u32,
    },
    /// Not one school day is known.
    KnownDays {
        unknown: u32,
    },
    /// No grade of this kind is known.
    Grades {
        kind: GradeKind,
    },
    /// So many grades are letters that the rule's scale does not have.
    Scale {
        letters: u32,
    },
    /// So many grades cannot be read, or rows about them disagree.
    UnreadGrades {
        grades: u32,
    },
    /// No grade was entered for so many school days.
    Entries {
        school_days: u32,
    },
    /// No feed of incidents was read.
    Incidents,
    /// Of so many incidents it is not known whether they count: their day or kind cannot be read, or rows disagree.
    UnreadIncidents {
        incidents: u32,
    },
    /// The rule is for some grades, and the student's is not known.
    GradeLevel,
}

impl Missing {
    pub const fn code(&self) -> &'static str {
        match self {
            Missing::Enrollment => "enrollment",
            Missing::Calendar { .. } => "calendar",
            Missing::Coverage { .. } => "coverage",
            Missing::MinDays { .. } => "min_days",
            Missing::KnownDays { .. } => "known_days",
            Missing::Grades { .. } => "grades",
            Missing::Scale { .. } => "scale",
            Missing::UnreadGrades { .. } => "unread_grades",
            Missing::Entries { .. } => "entries",
            Missing::Incidents => "incidents",
            Missing::UnreadIncidents { .. } => "unread_incidents",
            Missing::GradeLevel => "grade_level",
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Enrollment => f.write_str("no enrolment is known"),
            Missing::Calendar { school } => write!(f, "no calendar for school {school}"),
            Missing::Coverage { school } => write!(f, "no attendance is known yet for school {school}"),
            Missing::MinDays { have, need } => write!(f, "not enough school days yet ({have} of {need})"),
            Missing::KnownDays { unknown } => write!(f, "not one of {unknown} school days is known"),
            Missing::Grades { kind } => write!(f, "no {} grade is known yet", kind.plain()),
            Missing::Scale { letters: 1 } => {
                f.write_str("1 grade is a letter that the rule's scale does not have")
            }
            Missing::Scale { letters } => {
                write!(f, "{letters} grades are letters that the rule's scale does not have")
            }
            Missing::UnreadGrades { grades: 1 } => {
                f.write_str("1 grade cannot be read, or its rows disagree")
            }
            Missing::UnreadGrades { grades } => {
                write!(f, "{grades} grades cannot be read, or their rows disagree")
            }
            Missing::Entries { school_days } => {
                write!(f, "no grade was entered for {school_days} school days or more")
            }
            Missing::Incidents => f.write_str("no feed of incidents was read yet"),
            Missing::UnreadIncidents { incidents: 1 } => {
                f.write_str("1 incident may count: its day or kind cannot be read, or its rows disagree")
            }
            Missing::UnreadIncidents { incidents } => write!(
                f,
                "{incidents} incidents may count: their days or kinds cannot be read, or their rows disagree"
            ),
            Missing::GradeLevel => f.write_str("the rule is for some grades, and the student's is not known"),
        }
    }
}
