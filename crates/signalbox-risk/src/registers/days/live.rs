use jiff::civil::Date;

use super::Days;
use crate::day::Day;
use crate::observation::{Category, Enrollment};
use crate::registers::{Heard, optional, text};

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

    pub(in crate::registers) fn digest_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for live in self.live_enrollments() {
            let Enrollment { school, entry, exit, grade } = live.enrollment;
            sink(b"E");
            text(sink, live.feed);
            text(sink, live.key);
            text(sink, school);
            sink(&Day::of(entry).to_le_bytes());
            optional(sink, exit, |sink, exit| sink(&Day::of(exit).to_le_bytes()));
            optional(sink, grade, text);
        }
        for live in self.live_attendance() {
            sink(b"A");
            text(sink, live.school);
            sink(&Day::of(live.date).to_le_bytes());
            text(sink, live.feed);
            text(sink, live.category.as_str());
        }
    }
}
