use jiff::civil::Date;

use super::Registers;
use crate::day::Day;
use crate::observation::{Category, Enrollment};

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

impl Registers {
    /// The registers without what some feeds said: to be evaluated, not to be stored.
    #[must_use]
    pub fn without(&self, is_left_out: impl Fn(&str) -> bool) -> Registers {
        let mut heard = self.clone();
        heard.enrollments.retain(|row| !is_left_out(self.feeds.get(row.feed)));
        heard.attendance.retain(|row| !is_left_out(self.feeds.get(row.feed)));
        heard
    }

    /// Live enrolments in the order (feed, key).
    pub fn live_enrollments(&self) -> impl Iterator<Item = LiveEnrollment<'_>> {
        self.enrollments.iter().filter_map(|row| {
            let enrollment = self.enrollment(row.value.as_ref()?);
            let feed = self.feeds.get(row.feed);
            Some(LiveEnrollment { feed, key: &row.key, revision: row.revision, enrollment })
        })
    }

    /// Live attendance in the order (school, date, feed).
    pub fn live_attendance(&self) -> impl Iterator<Item = LiveAttendance<'_>> {
        self.attendance.iter().filter_map(|row| {
            let (school, feed) = (self.schools.get(row.school), self.feeds.get(row.feed));
            let (date, revision) = (row.date.date(), row.revision);
            Some(LiveAttendance { school, date, feed, revision, category: row.value? })
        })
    }

    /// Feeds the canonical bytes of the LIVE facts to `sink`, in a fixed order and without ambiguity: no
    /// revisions, no ended registers. Equal facts give equal bytes, however often rows came and went.
    pub fn digest_into(&self, sink: &mut dyn FnMut(&[u8])) {
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

/// Length first, so that "ab" + "c" and "a" + "bc" differ.
fn text(sink: &mut dyn FnMut(&[u8]), text: &str) {
    sink(&(text.len() as u64).to_le_bytes());
    sink(text.as_bytes());
}

fn optional<T>(sink: &mut dyn FnMut(&[u8]), value: Option<T>, write: impl FnOnce(&mut dyn FnMut(&[u8]), T)) {
    sink(&[u8::from(value.is_some())]);
    if let Some(value) = value {
        write(sink, value);
    }
}
