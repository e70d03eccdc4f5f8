//! What is kept of a shard as a whole: runs, modes and coverage of its feeds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_event::data::{Mode, RowsMean, RunEnded, SchoolCoverage};
use signalbox_risk::{DateRanges, Reference, Rows};
use signalbox_store::state::Subject;

use crate::hub::{HubError, Settings};
use crate::reference::{ReferenceView, calendars_version};

const FORMAT: u8 = 2;

/// The state row of the shard itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardState {
    pub feeds: BTreeMap<String, FeedOnShard>,
    /// The reference data that everybody was last made due for.
    pub reference_version: String,
    /// How many times coverage changed: part of the version that certificates name.
    pub coverage_version: u64,
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
    /// Covered days on which the absence of a row says nothing, by school.
    pub doubtful: BTreeMap<String, DateRanges>,
}

impl FeedOnShard {
    fn cover(&mut self, one: &SchoolCoverage) {
        self.covered.entry(one.school.clone()).or_default().insert(one.first, one.last);
        let mut doubtful = self.doubtful.remove(&one.school).unwrap_or_default();
        doubtful.remove(one.first, one.last);
        doubtful.extend(one.doubtful.iter().copied());
        if !doubtful.is_empty() {
            self.doubtful.insert(one.school.clone(), doubtful);
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
        if run > feed.ended_run {
            feed.open_run = feed.open_run.max(Some(run));
        }
    }

    /// A run ended. The marker of an earlier run is ignored while a later one is open. `true`: coverage changed.
    pub fn run_ended(&mut self, ended: &RunEnded) -> bool {
        let feed = self.feeds.entry(ended.feed.clone()).or_default();
        feed.ended_run = feed.ended_run.max(ended.run);
        feed.open_run = feed.open_run.filter(|open| *open > ended.run);
        let before = (feed.rows, feed.covered.clone(), feed.doubtful.clone());
        feed.rows = ended.rows.or(feed.rows);
        for one in &ended.covered {
            feed.cover(one);
        }
        let changed = (before.0, &before.1, &before.2) != (feed.rows, &feed.covered, &feed.doubtful);
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

    /// What students of this shard are evaluated against.
    pub fn reference(&self, settings: &Settings, view: &ReferenceView) -> Reference {
        let version = reference_version(view.changes(), self.coverage_version);
        let mut builder = view.builder(version);
        for feed in settings.feeds.iter().filter(|feed| feed.is_roster()) {
            builder = builder.enrollment_feed(feed.name.as_str());
        }
        for feed in settings.feeds.iter().filter(|feed| feed.is_attendance()) {
            let Some(seen) = self.feeds.get(&feed.name) else { continue };
            let rows = match seen.rows {
                Some(RowsMean::Exceptions) => Rows::Exceptions,
                // Silence of a feed that never said what silence means is no knowledge.
                Some(RowsMean::EveryDay) | None => Rows::EveryDay,
            };
            builder = builder.attendance_feed(feed.name.as_str(), rows);
            for (school, ranges) in &seen.covered {
                builder = builder.covered(feed.name.clone(), school.clone(), ranges);
            }
            for (school, ranges) in &seen.doubtful {
                builder = builder.doubtful(school.clone(), ranges);
            }
        }
        builder.build().expect("feed names are unique and few: the configuration was checked")
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
