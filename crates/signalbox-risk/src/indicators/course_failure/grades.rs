//! The grades that a rule looks at, and how each stands to its lines.

use std::sync::Arc;

use jiff::civil::Date;

use super::{Course, CourseFailure, SchoolDays};
use crate::judged::Judging;
use crate::observation::{GradeKind, Mark};
use crate::registers::LiveCourseGrade;

/// How a grade stands to the lines of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Failing,
    /// Not below the line at which a flag is raised, and below the one at which it comes off.
    Between,
    Passing,
    /// None was given yet.
    NoGrade,
    Unknown,
    /// A letter that the scale does not have.
    NoScale,
}

impl Standing {
    pub(super) const fn is_known(self) -> bool {
        matches!(self, Self::Failing | Self::Between | Self::Passing)
    }

    pub(super) const fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown | Self::NoScale)
    }

    /// Whether it says nothing of how the student stands. A cell may be blank for a night.
    pub(super) const fn says_nothing(self) -> bool {
        matches!(self, Self::NoGrade | Self::Unknown | Self::NoScale)
    }
}

/// A grade, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Graded {
    pub(super) course: Course,
    pub(super) standing: Standing,
    pub(super) feed: Arc<str>,
}

/// The grades of a kind; what was entered before the school year is none of it. Of several feeds that speak of one, the first in authority order is heard that has one.
pub(super) fn graded(settings: &CourseFailure, kind: GradeKind, on: &Judging<'_>) -> Vec<Graded> {
    let mut heard: Vec<LiveCourseGrade<'_>> = Vec::new();
    let begin = on.days().begin();
    let is_meant = |live: &LiveCourseGrade<'_>| live.of.kind == kind && begin <= Some(live.date);
    for live in on.registers.course_grades.live().filter(is_meant) {
        let rank = |live: &LiveCourseGrade<'_>| (*live.mark == Mark::None, on.reference.feed_rank(live.feed));
        match heard.last_mut().filter(|last| last.of == live.of) {
            Some(last) if rank(&live) < rank(last) => *last = live,
            Some(_) => {}
            None => heard.push(live),
        }
    }
    heard.into_iter().map(|live| of_live(settings, &live)).collect()
}

fn of_live(settings: &CourseFailure, live: &LiveCourseGrade<'_>) -> Graded {
    let course = Course {
        school: live.of.school.into(),
        class: live.of.class.into(),
        term: live.of.term.into(),
        kind: live.of.kind,
        mark: live.mark.clone(),
        date: live.date,
    };
    Graded { standing: settings.standing(&course.mark), course, feed: live.feed.into() }
}

/// Those of failing grades, where there are some.
pub(super) fn feeds_that_count(courses: &[Graded]) -> Vec<Arc<str>> {
    let fails = courses.iter().any(|one| one.standing == Standing::Failing);
    feeds(courses.iter().filter(|one| !fails || one.standing == Standing::Failing))
}

/// Each once.
pub(super) fn feeds<'a>(courses: impl Iterator<Item = &'a Graded>) -> Vec<Arc<str>> {
    let mut feeds: Vec<Arc<str>> = courses.map(|one| Arc::clone(&one.feed)).collect();
    feeds.sort_unstable();
    feeds.dedup();
    feeds
}

/// The school day on which so many have passed since a grade was entered last; `None`: the rule has no such limit, or no
/// calendar says so.
pub(super) fn stale_on(settings: &CourseFailure, courses: &[Graded], on: &Judging<'_>) -> Option<Date> {
    let SchoolDays { school_days } = settings.stale_after?;
    let is_entry = |one: &&Graded| !matches!(one.standing, Standing::NoGrade | Standing::Unknown);
    let last = courses.iter().filter(is_entry).map(|one| one.course.date).max()?;
    on.days().after(last, school_days)
}
