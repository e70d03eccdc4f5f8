//! What is kept of a shard as a whole: runs, modes and coverage of its feeds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_event::data::{Mode, PolicyChanged, RowsMean, RunEnded, SchoolCoverage};
use signalbox_risk::{DateRanges, Reference, ReferenceBuilder, Rows};
use signalbox_store::state::Subject;

use super::in_force::{InForce, Law};
use crate::hub::{HubError, Settings};
use crate::reference::{ReferenceView, calendars_version};

const FORMAT: u8 = 3;
/// Attendance feeds that a reference takes.
const FEEDS_AT_MOST: usize = 64;

/// The state row of the shard itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardState {
    pub feeds: BTreeMap<String, FeedOnShard>,
    /// The reference data that everybody was last made due for.
    pub reference_version: String,
    /// How many times coverage changed: part of the version that certificates name.
    pub coverage_version: u64,
    /// `None`: nothing was announced here yet.
    pub in_force: Option<InForce>,
    /// The latest day on which somebody was evaluated: it never goes back with the clock.
    pub as_of: Option<Date>,
    /// The school year that was running then; `None` while no calendar is known.
    pub running_year: Option<u16>,
}

/// A feed as this shard has seen it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedOnShard {
    pub mode: Mode,
    /// A run whose rows were seen and whose end was not.
    pub open_run: Option<u64>,
    pub ended_run: u64,
    pub rows: Option<RowsMean>,
    pub covered: BTreeMap<String, DateRanges>,
    /// A person ended what it had said.
    pub is_retired: bool,
    /// Covered days on which the absence of a row says nothing, by school.
    pub doubtful: BTreeMap<String, DateRanges>,
}

impl FeedOnShard {
    fn cover(&mut self, one: &SchoolCoverage) {
        self.covered.entry(one.school.clone()).or_default().insert(one.first, one.last);
        self.doubtful.remove(&one.school);
        if !one.doubtful.is_empty() {
            self.doubtful.insert(one.school.clone(), one.doubtful.iter().copied().collect());
        }
    }
}

/// Where a school year stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Year {
    Over,
    Running,
    ToCome,
}

impl ShardState {
    pub fn subject() -> Subject {
        vec![0]
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, HubError> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => {
                postcard::from_bytes(rest).map_err(|_| HubError::Stored("shard's state"))
            }
            _ => Err(HubError::Stored("shard's state")),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FORMAT]).expect("a buffer that grows takes any state")
    }

    /// Half a payload decides nothing: while a run is open here, nobody on this shard is evaluated (I20).
    pub fn has_open_run(&self) -> bool {
        self.feeds.values().any(|feed| feed.open_run.is_some())
    }

    /// A row of a run came by. Rows of a run that has ended are repetitions and open nothing.
    pub fn row_of(&mut self, feed: &str, run: u64) {
        if !self.feeds.contains_key(feed) {
            self.feeds.insert(feed.to_owned(), FeedOnShard::default());
        }
        let feed = self.feeds.get_mut(feed).expect("just inserted");
        if run > feed.ended_run && !feed.is_retired {
            feed.open_run = feed.open_run.max(Some(run));
        }
    }

    /// A run ended. The marker of an earlier run is ignored while a later one is open. `true`: coverage changed, or the feed
    /// was never read before.
    pub fn run_ended(&mut self, ended: &RunEnded) -> bool {
        let feed = self.feeds.entry(ended.feed.clone()).or_default();
        let is_first = feed.ended_run == 0;
        feed.ended_run = feed.ended_run.max(ended.run);
        feed.open_run = feed.open_run.filter(|open| *open > ended.run);
        if feed.is_retired {
            return false;
        }
        let before = (feed.rows, feed.covered.clone(), feed.doubtful.clone());
        feed.rows = ended.rows.or(feed.rows);
        for one in &ended.covered {
            feed.cover(one);
        }
        let changed =
            is_first || (before.0, &before.1, &before.2) != (feed.rows, &feed.covered, &feed.doubtful);
        self.coverage_version += u64::from(changed);
        changed
    }

    /// The day that everybody is evaluated on, when it is `today` by the clock.
    pub(crate) fn day(&self, today: Date) -> Date {
        self.as_of.map_or(today, |held| held.max(today))
    }

    pub(crate) fn year(&self, school_year: u16) -> Year {
        match self.running_year.map(|running| school_year.cmp(&running)) {
            None | Some(Ordering::Equal) => Year::Running,
            Some(Ordering::Less) => Year::Over,
            Some(Ordering::Greater) => Year::ToCome,
        }
    }

    pub fn is_retired(&self, feed: &str) -> bool {
        self.feeds.get(feed).is_some_and(|feed| feed.is_retired)
    }

    /// A configuration was announced. `true`: it is in force from here on.
    pub(crate) fn announced(&mut self, event: &PolicyChanged) -> bool {
        // What this version cannot read leaves in force what was.
        let Some(announced) = InForce::of_event(event) else { return false };
        let counts = self.in_force.as_ref().is_none_or(|before| announced.beats(before));
        if counts {
            self.in_force = Some(announced);
            self.coverage_version += 1;
        }
        counts
    }

    /// What the feed covered is taken back, and what it says from here on is not heard.
    pub(crate) fn retire(&mut self, feed: &str) {
        let feed = self.feeds.entry(feed.to_owned()).or_default();
        feed.covered.clear();
        feed.doubtful.clear();
        feed.open_run = None;
        feed.is_retired = true;
        self.coverage_version += 1;
    }

    /// What students of this shard are evaluated against.
    pub fn reference(&self, settings: &Settings, view: &ReferenceView) -> Reference {
        let version = reference_version(view.changes(), self.coverage_version);
        let mut builder = view.builder(version);
        let in_force = Law::of(self, settings).in_force;
        let is_read =
            |feed: &str| self.feeds.get(feed).is_some_and(|seen| seen.ended_run > 0 && !seen.is_retired);
        for feed in in_force.feeds.iter().filter(|feed| is_read(&feed.feed)) {
            builder = builder.read(feed.feed.as_str(), feed.entities.iter().cloned());
        }
        for feed in in_force.feeds.iter().filter(|feed| feed.enrollment) {
            builder = builder.enrollment_feed(feed.feed.as_str());
        }
        let counting = in_force.feeds.iter().filter(|feed| feed.attendance).map(|feed| feed.feed.as_str());
        for feed in counting.clone() {
            builder = self.covered(builder, feed, true);
        }
        // Who is not configured any more comes last, and nothing is heard of it: its days are unknown.
        let counting: Vec<&str> = counting.collect();
        let gone = self.feeds.iter().filter(|(_, seen)| !seen.covered.is_empty());
        let gone = gone.map(|(feed, _)| feed.as_str()).filter(|feed| !counting.contains(feed));
        for feed in gone.take(FEEDS_AT_MOST.saturating_sub(counting.len())) {
            builder = self.covered(builder, feed, false);
        }
        builder.build().expect("feed names are unique and few: the configuration was checked")
    }

    fn covered(&self, mut builder: ReferenceBuilder, feed: &str, counts: bool) -> ReferenceBuilder {
        let Some(seen) = self.feeds.get(feed) else { return builder };
        let rows = match seen.rows {
            Some(RowsMean::Exceptions) if counts => Rows::Exceptions,
            // Silence of a feed that never said what silence means is no knowledge, nor is that of one that is gone.
            _ => Rows::EveryDay,
        };
        builder = builder.attendance_feed(feed, rows);
        for (school, ranges) in &seen.covered {
            builder = builder.covered(feed, school.clone(), ranges);
        }
        // What one that is gone doubted says nothing of the silence of another.
        for (school, ranges) in seen.doubtful.iter().filter(|_| counts) {
            builder = builder.doubtful(school.clone(), ranges);
        }
        builder
    }

    /// The lowest mode among feeds.
    pub fn lowest_mode<'a>(&self, feeds: impl IntoIterator<Item = &'a str>) -> Option<Mode> {
        feeds.into_iter().map(|name| self.feeds.get(name).map_or(Mode::Test, |feed| feed.mode)).min()
    }
}

/// Names what is evaluated against: so many changes of the calendars, so many of the coverage.
pub(crate) fn reference_version(calendars: u64, coverage: u64) -> String {
    format!("{}-coverage-{coverage}", calendars_version(calendars))
}
