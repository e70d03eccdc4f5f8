//! Grades in classes, by term.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::digest::{Digest, Live, text};
use super::facts::{self, Facts};
use super::{Applied, Heard};
use crate::day::Day;
use crate::observation::{CourseGrade, GradeKind, GradeOf, Mark};

/// The grades of one student.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CourseGrades(Facts<Key, Value>);

/// Of one feed, so that two that speak of one grade are two registers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    school: Box<str>,
    class: Box<str>,
    term: Box<str>,
    kind: GradeKind,
    feed: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Value {
    date: Day,
    mark: Mark<Box<str>>,
}

/// A live grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LiveCourseGrade<'a> {
    pub of: GradeOf<'a>,
    pub feed: &'a str,
    pub mark: &'a Mark<Box<str>>,
    /// The day on which it was entered, or first read.
    pub date: Date,
}

impl CourseGrades {
    pub(super) fn apply(
        &mut self,
        digest: &mut Digest,
        feed: &str,
        revision: u64,
        of: GradeOf<'_>,
        value: Option<CourseGrade<'_>>,
    ) -> Applied {
        let GradeOf { school, class, term, kind } = of;
        let key =
            Key { school: school.into(), class: class.into(), term: term.into(), kind, feed: feed.into() };
        let value = value.map(|grade| Value { date: Day::of(grade.date), mark: grade.mark.to_owned() });
        self.0.apply(digest, key, revision, value)
    }

    /// Live grades in the order (school, class, term, kind, feed).
    pub(crate) fn live(&self) -> impl Iterator<Item = LiveCourseGrade<'_>> {
        self.0.live().map(|(key, value)| {
            let Key { school, class, term, kind, feed } = key;
            let of = GradeOf { school, class, term, kind: *kind };
            LiveCourseGrade { of, feed, mark: &value.mark, date: value.date.date() }
        })
    }

    pub(super) fn heard(&self, of: &dyn Fn(&str) -> Heard) -> Self {
        Self(self.0.map(|key, value| match of(&key.feed) {
            Heard::All => Some(value.clone()),
            // None was given, whoever says so.
            Heard::Unknown if value.mark == Mark::None => Some(value.clone()),
            Heard::Unknown => Some(Value { mark: Mark::Unknown, date: value.date }),
            Heard::Nothing => None,
        }))
    }
}

impl Live for CourseGrades {
    fn each_live(&self, of_one: &mut dyn FnMut(&[u8])) {
        self.0.each_live(of_one);
    }
}

impl facts::Value<Key> for Value {
    fn say(&self, key: &Key, fact: &mut Vec<u8>) {
        let Key { school, class, term, kind, feed } = key;
        fact.push(b'G');
        for part in [feed, school, class, term, kind.as_str()] {
            text(fact, part);
        }
        match &self.mark {
            Mark::None => fact.push(b'n'),
            Mark::Unknown => fact.push(b'u'),
            Mark::Points(points) => {
                fact.push(b'p');
                fact.extend_from_slice(&points.hundredths().to_le_bytes());
            }
            Mark::Letter(letter) => {
                fact.push(b'l');
                text(fact, letter);
            }
        }
        fact.extend_from_slice(&self.date.to_le_bytes());
    }
}
