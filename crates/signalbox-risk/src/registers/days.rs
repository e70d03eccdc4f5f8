//! Where a student is enrolled, and how the days were spent.

use std::cmp::{Ordering, Reverse};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Applied;
use super::digest::{Digest, said};
use crate::day::Day;
use crate::observation::{Category, Enrollment};

mod live;
mod names;
mod packed;
mod stored;

pub use live::{LiveAttendance, LiveEnrollment};
use names::Names;

/// Names are kept once and rows sorted, so that what has seen the same observations is equal and serialises to the same
/// bytes, whatever the order (I19).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "stored::Stored")]
pub(crate) struct Days {
    pub(crate) feeds: Names,
    pub(crate) schools: Names,
    /// Sorted by (feed, key).
    pub(crate) enrollments: Vec<EnrollmentRow>,
    /// Sorted by (school, date, feed).
    #[serde(serialize_with = "packed::serialize")]
    pub(crate) attendance: Vec<AttendanceRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EnrollmentRow {
    pub(crate) feed: u32,
    pub(crate) key: Box<str>,
    pub(crate) revision: u64,
    pub(crate) value: Option<Term>,
}

/// An enrolment whose school is a position in [`Days::schools`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Term {
    pub(crate) school: u32,
    pub(crate) entry: Day,
    pub(crate) exit: Option<Day>,
    pub(crate) grade: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttendanceRow {
    pub(crate) school: u32,
    pub(crate) date: Day,
    pub(crate) feed: u32,
    pub(crate) revision: u64,
    pub(crate) value: Option<Category>,
}

impl AttendanceRow {
    fn key(&self) -> (u32, Day, u32) {
        (self.school, self.date, self.feed)
    }
}

impl Days {
    /// Takes in a day of attendance: see [`Registers::apply`](crate::Registers::apply).
    pub(super) fn attend(
        &mut self,
        digest: &mut Digest,
        feed: &str,
        revision: u64,
        (school, date): (&str, Date),
        value: Option<Category>,
    ) -> Applied {
        let (feed, school) = (self.feed(feed), self.school(school));
        self.take(digest, AttendanceRow { school, date: Day::of(date), feed, revision, value })
    }

    fn take(&mut self, digest: &mut Digest, row: AttendanceRow) -> Applied {
        let key = row.key();
        let at = match self.attendance.last() {
            Some(last) if last.key() < key => self.attendance.len(),
            _ => self.attendance.partition_point(|held| held.key() < key),
        };
        let held = self.attendance.get(at).filter(|held| held.key() == key);
        if held.is_some_and(|held| (row.revision, row.value) <= (held.revision, held.value)) {
            return Applied::Ignored;
        }
        let before = held.and_then(|held| held.value);
        let applied = Applied::by(before.as_ref(), row.value.as_ref());
        if applied == Applied::Changed {
            let said = |category| said(|fact| self.say_day(fact, &row, category));
            digest.exchange(before.map(said), row.value.map(said));
        }
        if held.is_some() {
            self.attendance[at] = row;
        } else {
            self.attendance.insert(at, row);
        }
        applied
    }

    /// Takes in an enrolment: see [`Registers::apply`](crate::Registers::apply).
    pub(super) fn enroll(
        &mut self,
        digest: &mut Digest,
        feed: &str,
        revision: u64,
        key: &str,
        value: Option<Enrollment<'_>>,
    ) -> Applied {
        let feed = self.feed(feed);
        let found = self.enrollments.binary_search_by(|row| (row.feed, &*row.key).cmp(&(feed, key)));
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                let value = value.map(|enrollment| self.term(enrollment));
                let applied = Applied::by(None, value.as_ref());
                self.enrollments.insert(at, EnrollmentRow { feed, key: key.into(), revision, value });
                digest.exchange(None, self.said_of(at));
                return applied;
            }
        };
        let held = self.enrollments[at].value.as_ref().map(|term| self.enrollment(term));
        let applied = match revision.cmp(&self.enrollments[at].revision).then(value.cmp(&held)) {
            Ordering::Greater => Applied::by(held.as_ref(), value.as_ref()),
            Ordering::Less | Ordering::Equal => return Applied::Ignored,
        };
        if applied == Applied::Changed {
            let before = self.said_of(at);
            self.replace_term(at, value);
            digest.exchange(before, self.said_of(at));
        }
        self.enrollments[at].revision = revision;
        applied
    }

    /// What an enrolment says, if it has not ended.
    fn said_of(&self, at: usize) -> Option<Vec<u8>> {
        let EnrollmentRow { feed, key, value, .. } = &self.enrollments[at];
        value.as_ref().map(|term| said(|fact| self.say_term(fact, (*feed, key), term)))
    }

    fn replace_term(&mut self, at: usize, value: Option<Enrollment<'_>>) {
        let term = value.map(|enrollment| self.term(enrollment));
        if let Some(before) = std::mem::replace(&mut self.enrollments[at].value, term) {
            self.forget_unused_school(before.school);
        }
    }

    /// The stored form of an enrolment; its school gets a name if it has none.
    fn term(&mut self, enrollment: Enrollment<'_>) -> Term {
        let Enrollment { school, entry, exit, grade } = enrollment;
        Term {
            school: self.school(school),
            entry: Day::of(entry),
            exit: exit.map(Day::of),
            grade: grade.map(Box::from),
        }
    }

    fn feed(&mut self, name: &str) -> u32 {
        match self.feeds.find(name) {
            Ok(at) => at,
            Err(at) => {
                self.feeds.insert(at, name);
                self.enrollments.iter_mut().for_each(|row| names::make_room(&mut row.feed, at));
                self.attendance.iter_mut().for_each(|row| names::make_room(&mut row.feed, at));
                at
            }
        }
    }

    fn school(&mut self, name: &str) -> u32 {
        match self.schools.find(name) {
            Ok(at) => at,
            Err(at) => {
                self.schools.insert(at, name);
                self.school_positions().for_each(|school| names::make_room(school, at));
                at
            }
        }
    }

    /// An older revision may have named a school that no register names now. Keeping it would let the order
    /// of arrival show in the bytes.
    fn forget_unused_school(&mut self, at: u32) {
        if self.school_positions().any(|school| *school == at) {
            return;
        }
        self.schools.remove(at);
        self.school_positions().for_each(|school| names::close_gap(school, at));
    }

    fn school_positions(&mut self) -> impl Iterator<Item = &mut u32> {
        let terms = self.enrollments.iter_mut().filter_map(|row| row.value.as_mut());
        terms.map(|term| &mut term.school).chain(self.attendance.iter_mut().map(|row| &mut row.school))
    }

    fn enrollment<'a>(&'a self, term: &'a Term) -> Enrollment<'a> {
        Enrollment {
            school: self.schools.get(term.school),
            entry: term.entry.date(),
            exit: term.exit.map(Day::date),
            grade: term.grade.as_deref(),
        }
    }

    /// See [`Registers::enrollment_on`](crate::Registers::enrollment_on).
    pub(crate) fn enrollment_on(
        &self,
        date: Date,
        rank: impl Fn(&str) -> Option<usize>,
    ) -> Option<Enrollment<'_>> {
        let order = |enrollment: &Enrollment<'_>| {
            let ended = enrollment.exit.is_some_and(|exit| exit < date);
            match (enrollment.entry > date, ended) {
                (false, false) => (2, Day::of(enrollment.entry), None),
                (false, true) => (1, enrollment.exit.map_or(Day::LAST, Day::of), None),
                (true, _) => (0, Day::LAST, Some(Reverse(enrollment.entry))),
            }
        };
        self.heard_enrollments(&rank).into_iter().max_by_key(|enrollment| (order(enrollment), *enrollment))
    }

    /// See [`Registers::enrollments_on`](crate::Registers::enrollments_on).
    pub(crate) fn enrollments_on(
        &self,
        date: Date,
        rank: impl Fn(&str) -> Option<usize>,
    ) -> Vec<Enrollment<'_>> {
        let covers = |at: &Enrollment<'_>| at.entry <= date && at.exit.is_none_or(|exit| exit >= date);
        let here: Vec<_> = self.heard_enrollments(&rank).into_iter().filter(covers).collect();
        if here.is_empty() { self.enrollment_on(date, rank).into_iter().collect() } else { here }
    }

    /// Of several feeds that speak of one school, the first in authority; with a grade level, if one of them has it.
    fn heard_enrollments(&self, rank: &impl Fn(&str) -> Option<usize>) -> Vec<Enrollment<'_>> {
        let ranked = self
            .live_enrollments()
            .filter_map(|live| Some((live.enrollment.school, rank(live.feed)?, live.enrollment)));
        let mut ranked: Vec<(&str, usize, Enrollment<'_>)> = ranked.collect();
        ranked.sort_unstable();
        let mut heard = Vec::with_capacity(ranked.len());
        for of_school in ranked.chunk_by(|a, b| a.0 == b.0) {
            let grade = of_school.iter().find_map(|(_, _, at)| at.grade);
            let first = of_school.iter().take_while(|one| one.1 == of_school[0].1);
            heard.extend(first.map(|(_, _, at)| Enrollment { grade: at.grade.or(grade), ..*at }));
        }
        heard
    }
}
