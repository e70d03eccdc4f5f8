use jiff::civil::Date;

use super::{AttendanceRow, Days, Term};
use crate::observation::{Category, Enrollment};
use crate::registers::Heard;
use crate::registers::digest::{Live, optional, said, text};

/// A live enrolment register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveEnrollment<'a> {
    pub feed: &'a str,
    /// The natural key inside the feed.
    pub key: &'a str,
    pub revision: u64,
    pub enrollment: Enrollment<'a>,
}

/// A live attendance register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveAttendance<'a> {
    pub school: &'a str,
    pub date: Date,
    pub feed: &'a str,
    pub revision: u64,
    pub category: Category,
}

impl Days {
    /// Of a feed whose word is not known any more nothing is heard here: its days are unknown where it covered them.
    pub(in crate::registers) fn heard(&self, of: &dyn Fn(&str) -> Heard) -> Days {
        let mut heard = self.clone();
        let is_heard = |feed: u32| of(self.feeds.get(feed)) == Heard::All;
        heard.enrollments.retain(|row| is_heard(row.feed));
        heard.attendance.retain(|row| is_heard(row.feed));
        heard
    }

    /// Live enrolments in the order (feed, key).
    pub(crate) fn live_enrollments(&self) -> impl Iterator<Item = LiveEnrollment<'_>> {
        self.enrollments.iter().filter_map(|row| {
            let enrollment = self.enrollment(row.value.as_ref()?);
            let feed = self.feeds.get(row.feed);
            Some(LiveEnrollment { feed, key: &row.key, revision: row.revision, enrollment })
        })
    }

    /// Live attendance in the order (school, date, feed).
    pub(crate) fn live_attendance(&self) -> impl Iterator<Item = LiveAttendance<'_>> {
        self.attendance.iter().filter_map(|row| {
            let (school, feed) = (self.schools.get(row.school), self.feeds.get(row.feed));
            let (date, revision) = (row.date.date(), row.revision);
            Some(LiveAttendance { school, date, feed, revision, category: row.value? })
        })
    }
}

impl Live for Days {
    fn each_live(&self, of_one: &mut dyn FnMut(&[u8])) {
        for row in &self.enrollments {
            let Some(term) = &row.value else { continue };
            of_one(&said(|fact| self.say_term(fact, (row.feed, &row.key), term)));
        }
        for row in &self.attendance {
            let Some(category) = row.value else { continue };
            of_one(&said(|fact| self.say_day(fact, row, category)));
        }
    }
}

impl Days {
    /// The canonical bytes of an enrolment.
    pub(super) fn say_term(&self, fact: &mut Vec<u8>, (feed, key): (u32, &str), term: &Term) {
        let Term { school, entry, exit, grade } = term;
        fact.push(b'E');
        text(fact, self.feeds.get(feed));
        text(fact, key);
        text(fact, self.schools.get(*school));
        fact.extend_from_slice(&entry.to_le_bytes());
        optional(fact, *exit, |fact, exit| fact.extend_from_slice(&exit.to_le_bytes()));
        optional(fact, grade.as_deref(), text);
    }

    /// The canonical bytes of a day of attendance.
    pub(super) fn say_day(&self, fact: &mut Vec<u8>, row: &AttendanceRow, category: Category) {
        fact.push(b'A');
        text(fact, self.schools.get(row.school));
        text(fact, self.feeds.get(row.feed));
        fact.extend_from_slice(&row.date.to_le_bytes());
        fact.push(category as u8);
    }
}
