//! Course failure: a grade in a class below a line, in the terms of the running school year.
//!
//! Grades come without a history that could be walked: what is decided is decided on the grades as they are known now. A flag
//! goes up with the grades below `below` that no other flag was told of, and stays while one of those is below `leave`, or not
//! known.

mod grades;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::grades::{Graded, Standing, graded};
use super::{Indicator, SettingFault};
use crate::announce::{Flag, FlagState};
use crate::judged::{Answer, Followed, Judged, Judging, Missing, Opens, Span, Status};
use crate::observation::{GradeKind, Mark};
use crate::points::Points;
use crate::reasons::{Evidence, Reason};

/// Code of the reasons that course failure has.
const COURSE_GRADE: &str = "COURSE_GRADE";

/// The settings. Which grade is a failure differs from district to district: 60 and 65 of 100 are usual; none is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseFailure {
    /// Which grades: as they stand, or as they were given for the term.
    kind: GradeKind,
    /// A flag is raised for a grade below this one.
    below: Points,
    /// It comes off once no grade that it was told of is below this one; by default `below`.
    #[serde(default)]
    leave: Option<Points>,
    /// What letters are worth; one that is not here is unknown.
    #[serde(default)]
    scale: BTreeMap<String, Points>,
    /// Of running grades: nothing is decided once none was entered for so long.
    #[serde(default)]
    stale_after: Option<SchoolDays>,
}

/// A number of school days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchoolDays {
    pub school_days: u32,
}

/// The grades that a flag was told with, in the order (school, class, term).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCourses(pub Vec<Course>);

impl FailedCourses {
    fn has(&self, course: &Course) -> bool {
        self.0.iter().any(|told| told.is(course))
    }
}

/// A grade in a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    pub school: Box<str>,
    pub class: Box<str>,
    pub term: Box<str>,
    pub kind: GradeKind,
    pub mark: Mark<Box<str>>,
    /// The day on which it was entered, or first read.
    pub date: Date,
}

impl Course {
    fn is(&self, other: &Self) -> bool {
        (&self.school, &self.class, &self.term) == (&other.school, &other.class, &other.term)
    }

    /// `ALG1-3 (Q1)`
    fn name(&self) -> String {
        format!("{} ({})", self.class, self.term)
    }

    /// What it is now, in one sentence: `ALG1-3 (Q1): 71 now.`
    fn now(&self) -> String {
        let how = if self.kind == GradeKind::Posted { "posted" } else { "now" };
        format!("{}: {} {how}.", self.name(), self.grade())
    }

    /// `59.99`, `F`
    fn grade(&self) -> String {
        match &self.mark {
            Mark::Points(points) => points.to_string(),
            Mark::Letter(letter) => letter.to_string(),
            Mark::None => "none".to_owned(),
            Mark::Unknown => "not known".to_owned(),
        }
    }
}

/// Whether a file may have it as a grade that is no number.
fn is_letter(text: &str) -> bool {
    let is_short = text.chars().count() <= 12;
    is_short && text.trim() == text && text.starts_with(char::is_alphabetic)
}

impl CourseFailure {
    fn leave(&self) -> Points {
        self.leave.unwrap_or(self.below)
    }

    /// `None`: there are none, or they are not known.
    fn points(&self, mark: &Mark<Box<str>>) -> Option<Points> {
        match mark {
            Mark::None | Mark::Unknown => None,
            Mark::Points(points) => Some(*points),
            Mark::Letter(letter) => self.scale.get(&**letter).copied(),
        }
    }

    fn standing(&self, mark: &Mark<Box<str>>) -> Standing {
        match (self.points(mark), mark) {
            (Some(points), _) if points < self.below => Standing::Failing,
            (Some(points), _) if points < self.leave() => Standing::Between,
            (Some(_), _) => Standing::Passing,
            (None, Mark::None) => Standing::NoGrade,
            (None, Mark::Letter(_)) => Standing::NoScale,
            (None, Mark::Points(_) | Mark::Unknown) => Standing::Unknown,
        }
    }
}

impl Indicator for CourseFailure {
    const NAME: &'static str = "course-failure";
    const DOMAIN: &'static str = "course";
    const READS: &'static str = "gradebook.course_grade";

    type Judged = CoursesJudged;

    fn fault(&self) -> Option<SettingFault> {
        let Self { kind, below, leave, scale, stale_after } = self;
        let none = Points::default();
        if *below == none {
            return Some(SettingFault::new(
                "below",
                "no grade is below 0: the rule can never fire",
                "e.g. below: 60",
            ));
        }
        if leave.is_some_and(|leave| leave < *below) {
            let message = "leave must not be below the line at which a flag is raised";
            return Some(SettingFault::new("leave", message, format!("write {below} or more")));
        }
        if let Some(letter) = scale.keys().find(|letter| !is_letter(letter)) {
            let message = format!("the scale has \"{letter}\", which is no letter as files write one");
            let help = "e.g. {A: 95, \"B+\": 88}; a number in a file counts as it is";
            return Some(SettingFault::new("scale", message, help));
        }
        match stale_after {
            Some(_) if *kind == GradeKind::Posted => {
                let message = "a posted grade does not go stale";
                Some(SettingFault::new("stale_after", message, "take it out, or write kind: in_progress"))
            }
            Some(SchoolDays { school_days: 0 }) => {
                let help = "10 school days are usual";
                Some(SettingFault::new("stale_after", "stale_after must be at least 1 school day", help))
            }
            _ => None,
        }
    }

    fn needs(&self) -> (&'static str, Vec<&'static str>) {
        ("kind", vec![self.kind.as_str()])
    }

    /// A grade that was posted for the term is the end of a running one. Beside one that cannot be read it is not known.
    fn judge(&self, on: &Judging<'_>) -> CoursesJudged {
        let courses = graded(self, self.kind, on);
        if self.kind == GradeKind::Posted {
            return CoursesJudged::of(self, courses, Vec::new(), on);
        }
        let mut posted = graded(self, GradeKind::Posted, on);
        posted.retain(|one| one.standing != Standing::NoGrade);
        let of = |one: &Graded| posted.iter().find(|posted| posted.course.is(&one.course));
        let running = courses.into_iter().filter_map(|one| match of(&one).map(|posted| posted.standing) {
            None => Some(one),
            Some(Standing::Unknown) => Some(Graded { standing: Standing::Unknown, ..one }),
            Some(_) => None,
        });
        let running = running.collect();
        posted.retain(|one| one.standing != Standing::Unknown);
        CoursesJudged::of(self, running, posted, on)
    }

    fn reasons(&self, flag: &Flag, measured: &FailedCourses) -> Vec<Reason> {
        let mut courses: Vec<&Course> = measured.0.iter().collect();
        // The worst first: lists show that one, and what has no points is the least certain.
        courses.sort_by_key(|course| {
            self.points(&course.mark).map_or((true, Points::default()), |points| (false, points))
        });
        courses.into_iter().map(|course| self.reason(flag, course)).collect()
    }

    fn clears_when(&self, _: &Flag, measured: &FailedCourses, _: Option<u32>) -> String {
        let names: Vec<String> = measured.0.iter().map(Course::name).collect();
        let (leave, names) = (self.leave(), names.join(", "));
        match measured.0.len() {
            1 => format!("Comes off at {leave} or more in {names}."),
            _ => format!("Comes off at {leave} or more in each of {names}."),
        }
    }
}

impl CourseFailure {
    fn reason(&self, flag: &Flag, course: &Course) -> Reason {
        let (operator, threshold) = match self.standing(&course.mark) {
            Standing::Failing | Standing::NoScale | Standing::Unknown | Standing::NoGrade => {
                ("<", self.below)
            }
            Standing::Between => ("<", self.leave()),
            Standing::Passing => (">=", self.leave()),
        };
        Reason {
            code: COURSE_GRADE,
            text: self.sentence(flag, course),
            value: course.grade(),
            operator,
            threshold: threshold.to_string(),
            evidence: vec![Evidence {
                date: course.date,
                what: format!("{} in {}", course.grade(), course.term),
                reference: Some(course.class.to_string()),
            }],
            counts: None,
        }
    }

    /// `ALG1-3 (Q1): 59.99; the line is 60.` Of one that has risen above it since: `…: 61; was below 60, comes off at 63.`
    fn sentence(&self, flag: &Flag, course: &Course) -> String {
        let (name, grade, below, leave) = (course.name(), course.grade(), self.below, self.leave());
        match (flag.state, self.standing(&course.mark)) {
            (FlagState::Cleared, Standing::Passing) => format!("{name}: {grade}; it comes off at {leave}."),
            (_, Standing::Between) => format!("{name}: {grade}; was below {below}, comes off at {leave}."),
            _ => format!("{name}: {grade}; the line is {below}."),
        }
    }
}

/// What judging a student's grades gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoursesJudged {
    settings: CourseFailure,
    /// Those of the rule's kind, in the order (school, class, term).
    courses: Vec<Graded>,
    /// Of a rule on running grades, those that were posted meanwhile.
    posted: Vec<Graded>,
    feeds: Vec<Arc<str>>,
    status: Status,
    missing: Vec<Missing>,
    /// The day on which the grades turn stale.
    stale_on: Option<Date>,
}

impl CoursesJudged {
    fn of(settings: &CourseFailure, courses: Vec<Graded>, posted: Vec<Graded>, on: &Judging<'_>) -> Self {
        let stale_on = grades::stale_on(settings, &courses, on);
        let is_stale = stale_on.is_some_and(|date| date <= on.as_of);
        let mut missing = Vec::new();
        let stand = |standing| courses.iter().filter(|one| one.standing == standing).count() as u32;
        let (letters, grades) = (stand(Standing::NoScale), stand(Standing::Unknown));
        if !courses.iter().any(|one| one.standing.is_known()) {
            missing.push(Missing::Grades { kind: settings.kind });
        }
        if letters > 0 {
            missing.push(Missing::Scale { letters });
        }
        if grades > 0 {
            missing.push(Missing::UnreadGrades { grades });
        }
        let status = match (is_stale, missing.iter().any(|one| matches!(one, Missing::Grades { .. }))) {
            (true, _) => Status::Stale,
            (false, true) => Status::Insufficient,
            (false, false) => Status::Ok,
        };
        if let Some(SchoolDays { school_days }) = settings.stale_after.filter(|_| is_stale) {
            missing.push(Missing::Entries { school_days });
        }
        let feeds = grades::feeds_that_count(&courses);
        Self {
            settings: settings.clone(),
            courses,
            posted,
            feeds,
            status,
            missing,
            stale_on: stale_on.filter(|_| !is_stale),
        }
    }

    fn standing(&self, standing: Standing) -> impl Iterator<Item = &Graded> {
        self.courses.iter().filter(move |one| one.standing == standing)
    }

    /// The grades as they are now that a flag was told of, with those that stand so.
    fn told(&self, before: &FailedCourses, standing: impl Fn(Standing) -> bool) -> Vec<&Graded> {
        self.courses.iter().filter(|one| before.has(&one.course) && standing(one.standing)).collect()
    }
}

impl Judged for CoursesJudged {
    type Measured = FailedCourses;

    fn answer(&self) -> Answer {
        let known = self.courses.iter().filter(|one| one.standing.is_known()).count() as u32;
        let unknown = self.courses.iter().filter(|one| one.standing.is_unknown()).count() as u32;
        let failing = self.standing(Standing::Failing).count();
        let value = (known > 0).then(|| format!("{failing}/{known}"));
        let text = value.as_ref().map(|value| format!("{value} grades below the line"));
        Answer {
            status: self.status,
            value,
            text: text.unwrap_or_else(|| "no grade is known".to_owned()),
            n: known,
            unknown,
            unknown_dates: Vec::new(),
            as_of: self.as_of(),
            missing: self.missing.clone(),
            days_left: None,
            feeds: self.feeds.clone(),
        }
    }

    fn as_of(&self) -> Option<Date> {
        self.courses.iter().map(|one| one.course.date).max()
    }

    fn feeds(&self) -> &[Arc<str>] {
        &self.feeds
    }

    fn feeds_of(&self, told: &FailedCourses) -> Vec<Arc<str>> {
        grades::feeds(self.courses.iter().chain(&self.posted).filter(|one| told.has(&one.course)))
    }

    /// By class: of the others it is no question.
    fn open_questions(&self, told: &FailedCourses) -> Vec<String> {
        let told = self.told(told, Standing::says_nothing).into_iter();
        let stale = self.missing.iter().filter(|one| matches!(one, Missing::Entries { .. }));
        told.map(Graded::question).chain(stale.map(Missing::to_string)).collect()
    }

    fn decides(&self) -> bool {
        self.status != Status::Stale
    }

    fn opens(&self, told: &[FailedCourses]) -> Option<Opens<FailedCourses>> {
        let is_told = |course: &Course| told.iter().any(|of_one| of_one.has(course));
        let failing = self.standing(Standing::Failing).map(|one| &one.course);
        let new: Vec<Course> = failing.filter(|course| !is_told(course)).cloned().collect();
        let since = new.iter().map(|course| course.date).min()?;
        Some(Opens { since, measured: FailedCourses(new) })
    }

    /// A posted grade that is no failure by now was none: it was mistyped, or the work was done again. A running one was, and
    /// has risen.
    fn follow(&self, flag: Span, before: &FailedCourses) -> Followed<FailedCourses> {
        let is_below = |standing| matches!(standing, Standing::Failing | Standing::Between);
        if !self.told(before, is_below).is_empty() {
            return Followed::Open(Some(flag.start));
        }
        if !self.told(before, Standing::says_nothing).is_empty() {
            return Followed::Open(None);
        }
        let mut risen = self.told(before, |standing| standing == Standing::Passing);
        risen.extend(self.posted.iter().filter(|one| before.has(&one.course)));
        let end = risen.iter().map(|one| one.course.date).max();
        match end.filter(|_| self.settings.kind == GradeKind::InProgress) {
            None => Followed::Gone,
            Some(end) => {
                let text: Vec<String> = risen.iter().map(|one| one.course.now()).collect();
                let measured = FailedCourses(risen.into_iter().map(|one| one.course.clone()).collect());
                let end = end.max(flag.start);
                Followed::Ended { start: flag.start, end, measured, text: text.join(" ") }
            }
        }
    }

    /// What is not known now stands as it was told.
    fn measured(&self, before: &FailedCourses) -> FailedCourses {
        let kept = |told: &Course| {
            let now = self.courses.iter().find(|one| one.course.is(told))?;
            match now.standing {
                Standing::Failing | Standing::Between => Some(now.course.clone()),
                Standing::Passing => None,
                Standing::NoGrade | Standing::Unknown | Standing::NoScale => Some(told.clone()),
            }
        };
        FailedCourses(before.0.iter().filter_map(kept).collect())
    }

    fn looks_again(&self) -> Option<Date> {
        self.stale_on
    }

    fn raised(&self, flag: &Flag, told: &FailedCourses) -> String {
        told.0.iter().map(|course| self.settings.sentence(flag, course)).collect::<Vec<_>>().join(" ")
    }

    fn correction(&self, before: &FailedCourses) -> Option<String> {
        let said: Vec<String> = before.0.iter().filter_map(|told| self.corrected(told)).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    fn recount(&self, _: &FailedCourses) -> Option<String> {
        None
    }

    fn withdrawn(&self, before: &FailedCourses) -> String {
        let correction = self.correction(before).map(|text| text + " ").unwrap_or_default();
        let (kind, below) = (self.settings.kind.plain(), self.settings.below);
        match self.standing(Standing::Failing).next() {
            None => format!("{correction}As known now no {kind} grade is below {below}."),
            Some(_) => format!("{correction}As known now none of these {kind} grades is below {below}."),
        }
    }
}

impl Graded {
    /// What is not known of it, where it says nothing.
    fn question(&self) -> String {
        let name = self.course.name();
        match self.standing {
            Standing::NoScale => {
                format!("{name}: {} is a letter that the rule's scale does not have", self.course.grade())
            }
            Standing::NoGrade => format!("{name}: no grade now"),
            _ => format!("{name}: a grade cannot be read, its rows disagree, or its feed is not configured"),
        }
    }
}

impl CoursesJudged {
    /// What became of a grade that a flag was told of; `None`: it is as it was, or says nothing now.
    fn corrected(&self, told: &Course) -> Option<String> {
        let (name, was) = (told.name(), told.grade());
        match self.courses.iter().find(|one| one.course.is(told)) {
            // The rule looks at grades of another kind now.
            None if told.kind != self.settings.kind => None,
            None if self.posted.iter().any(|one| one.course.is(told)) => None,
            None => Some(format!("The grade in {name} is gone.")),
            Some(now) if now.course.mark == told.mark || now.standing.says_nothing() => None,
            Some(now) => Some(format!("The grade in {name} is {} now, it was {was}.", now.course.grade())),
        }
    }
}
