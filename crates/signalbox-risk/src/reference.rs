//! What is true of a district rather than of a student: calendars, coverage and the authority of feeds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::date_ranges::DateRanges;
use crate::day::Day;

mod calendar;
mod school_year;
#[cfg(test)]
mod tests;

pub use calendar::{Calendar, CalendarError};
use school_year::Cover;
pub(crate) use school_year::{SchoolDay, SchoolYear, Silence};

/// What an attendance feed's silence about a covered day means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// The feed lists exceptions: no row means present.
    Exceptions,
    /// The feed lists every student every day: no row means that the day is unknown.
    EveryDay,
}

/// Calendars, attendance feeds in authority order, and coverage. Built once per change, then cheap to
/// evaluate any number of students against: per school and year, everything is laid out by school day.
#[derive(Debug, Clone)]
pub struct Reference {
    version: String,
    feeds: Vec<AttendanceFeed>,
    /// In authority order.
    enrollment_feeds: Vec<Arc<str>>,
    /// Those that were read, in authority order, and what each speaks of.
    read: Vec<(Arc<str>, Vec<String>)>,
    /// Schools with a calendar or coverage of their own.
    schools: HashMap<Arc<str>, Vec<SchoolYear>>,
    /// For every other school: the default calendars, with no coverage.
    elsewhere: Vec<SchoolYear>,
}

#[derive(Debug, Clone)]
pub(crate) struct AttendanceFeed {
    pub(crate) name: Arc<str>,
    rows: Rows,
}

impl Reference {
    /// `version` names this state of the reference data in certificates.
    pub fn builder(version: impl Into<String>) -> ReferenceBuilder {
        ReferenceBuilder { version: version.into(), ..ReferenceBuilder::default() }
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether school is held; `None` without a calendar for that date.
    pub fn is_instructional(&self, school: &str, date: Date) -> Option<bool> {
        let day = Day::of(date);
        let year = self.years(school).iter().find(|year| year.contains(day))?;
        Some(year.position(day).is_some())
    }

    /// The school year (the spring year) whose calendar at this school contains `date`.
    pub fn school_year_on(&self, school: &str, date: Date) -> Option<u16> {
        let day = Day::of(date);
        self.years(school).iter().find(|year| year.contains(day)).map(|year| year.spring)
    }

    pub(crate) fn school_year(&self, school: &str, school_year: u16) -> Option<&SchoolYear> {
        self.years(school).iter().find(|year| year.spring == school_year)
    }

    fn years(&self, school: &str) -> &[SchoolYear] {
        self.schools.get(school).unwrap_or(&self.elsewhere)
    }

    /// Attendance feeds in authority order; a feed's position is its rank.
    pub(crate) fn feeds(&self) -> &[AttendanceFeed] {
        &self.feeds
    }

    /// The rank of an enrolment feed; those that were not named come last, all alike.
    pub(crate) fn enrollment_rank(&self, feed: &str) -> usize {
        let rank = self.enrollment_feeds.iter().position(|held| **held == *feed);
        rank.unwrap_or(self.enrollment_feeds.len())
    }

    /// The rank of a feed among those that were read; others come last, all alike.
    pub(crate) fn feed_rank(&self, feed: &str) -> usize {
        let rank = self.read.iter().position(|(held, _)| **held == *feed);
        rank.unwrap_or(self.read.len())
    }

    /// Whether a feed that speaks of this was read.
    pub(crate) fn has_read(&self, entity: &str) -> bool {
        self.read.iter().any(|(_, entities)| entities.iter().any(|one| one == entity))
    }

    pub(crate) fn rank(&self, feed: &str) -> Option<u8> {
        self.feeds.iter().position(|held| &*held.name == feed).map(|rank| rank as u8)
    }
}

/// Collects a [`Reference`]. The order of [`attendance_feed`](ReferenceBuilder::attendance_feed) calls is the
/// authority order; the order of all others does not matter.
#[derive(Debug, Clone, Default)]
pub struct ReferenceBuilder {
    version: String,
    feeds: Vec<AttendanceFeed>,
    /// In authority order.
    enrollment_feeds: Vec<Arc<str>>,
    read: Vec<(Arc<str>, Vec<String>)>,
    default: BTreeMap<u16, Calendar>,
    calendars: BTreeMap<String, BTreeMap<u16, Calendar>>,
    /// By school, then feed.
    coverage: BTreeMap<String, BTreeMap<String, DateRanges>>,
    /// By school: days on which some feed's silence says nothing.
    doubtful: BTreeMap<String, DateRanges>,
}

impl ReferenceBuilder {
    /// The calendar of every school that has none of its own for that school year; a later one replaces it.
    #[must_use]
    pub fn default_calendar(mut self, calendar: Calendar) -> ReferenceBuilder {
        self.default.insert(calendar.school_year, calendar);
        self
    }

    /// The calendar of one school; a later one for the same school year replaces it.
    #[must_use]
    pub fn calendar(mut self, school: impl Into<String>, calendar: Calendar) -> ReferenceBuilder {
        self.calendars.entry(school.into()).or_default().insert(calendar.school_year, calendar);
        self
    }

    /// The next attendance feed in authority order. Rows of feeds that are not named here count nowhere.
    #[must_use]
    pub fn attendance_feed(mut self, name: impl Into<Arc<str>>, rows: Rows) -> ReferenceBuilder {
        self.feeds.push(AttendanceFeed { name: name.into(), rows });
        self
    }

    /// The next enrolment feed in authority order. At a school, only the first with a live enrolment of the student is
    /// heard; feeds that are not named here come last and are heard together.
    #[must_use]
    pub fn enrollment_feed(mut self, name: impl Into<Arc<str>>) -> ReferenceBuilder {
        self.enrollment_feeds.push(name.into());
        self
    }

    /// The next feed in authority order that was read, and the entities that it speaks of.
    #[must_use]
    pub fn read(
        mut self,
        feed: impl Into<Arc<str>>,
        entities: impl IntoIterator<Item = String>,
    ) -> ReferenceBuilder {
        self.read.push((feed.into(), entities.into_iter().collect()));
        self
    }

    /// Adds to what `feed` covers at `school`. Coverage of a feed that is no attendance feed has no effect.
    #[must_use]
    pub fn covered(
        mut self,
        feed: impl Into<String>,
        school: impl Into<String>,
        ranges: &DateRanges,
    ) -> ReferenceBuilder {
        let feeds = self.coverage.entry(school.into()).or_default();
        feeds.entry(feed.into()).or_default().extend(ranges.iter());
        self
    }

    /// Days on which silence about a student of `school` says nothing: a row of some feed that could not be used may
    /// belong there. They are unknown where a feed of exceptions covers them and no row decides.
    #[must_use]
    pub fn doubtful(mut self, school: impl Into<String>, ranges: &DateRanges) -> ReferenceBuilder {
        self.doubtful.entry(school.into()).or_default().extend(ranges.iter());
        self
    }

    /// # Errors
    /// When a feed is named twice or there are more than 64 attendance feeds.
    pub fn build(self) -> Result<Reference, ReferenceError> {
        if self.feeds.len() > ATTENDANCE_FEEDS_AT_MOST {
            return Err(ReferenceError::TooManyFeeds);
        }
        for (at, feed) in self.feeds.iter().enumerate() {
            if self.feeds[..at].iter().any(|earlier| earlier.name == feed.name) {
                return Err(ReferenceError::DuplicateFeed(feed.name.to_string()));
            }
        }
        let named = self.calendars.keys().chain(self.coverage.keys());
        let schools = named.map(|school| (Arc::from(&**school), self.years(school))).collect();
        let elsewhere = self
            .default
            .values()
            .map(|calendar| SchoolYear::new(calendar, &[], &DateRanges::new()))
            .collect();
        Ok(Reference {
            version: self.version,
            feeds: self.feeds,
            enrollment_feeds: self.enrollment_feeds,
            read: self.read,
            schools,
            elsewhere,
        })
    }

    fn years(&self, school: &str) -> Vec<SchoolYear> {
        let own = self.calendars.get(school).into_iter().flatten();
        let calendars: BTreeMap<_, _> = self.default.iter().chain(own).collect();
        let covers = self.covers(school);
        let none = DateRanges::new();
        let doubtful = self.doubtful.get(school).unwrap_or(&none);
        calendars.values().map(|calendar| SchoolYear::new(calendar, &covers, doubtful)).collect()
    }

    /// The covers at `school` in authority order.
    fn covers(&self, school: &str) -> Vec<Cover<'_>> {
        let Some(covered) = self.coverage.get(school) else { return Vec::new() };
        let feeds = self.feeds.iter().enumerate();
        let covers = feeds.filter_map(|(rank, feed)| {
            let ranges = covered.get(&*feed.name)?;
            Some(Cover { rank: rank as u8, rows: feed.rows, ranges })
        });
        covers.collect()
    }
}

/// A set of feeds is kept in the bits of one `u64`.
pub const ATTENDANCE_FEEDS_AT_MOST: usize = u64::BITS as usize;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("attendance feed {0} is named twice")]
    DuplicateFeed(String),
    #[error("more than {ATTENDANCE_FEEDS_AT_MOST} attendance feeds")]
    TooManyFeeds,
}
