//! What feeds cover on a shard: which days they speak of, and what a missing row means there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signalbox_event::data::{RowsMean, RunEnded, SchoolCoverage};
use signalbox_hub::in_force::InForce;
use signalbox_hub::reference::{ReferenceView, calendars_version};
use signalbox_hub::shard::ShardChange;
use signalbox_risk::{ATTENDANCE_FEEDS_AT_MOST, DateRanges, Reference, ReferenceBuilder, Rows};

use super::ScoredShard;

/// By feed, what it covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage(BTreeMap<String, FeedCoverage>);

/// What one feed covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct FeedCoverage {
    rows: Option<RowsMean>,
    /// By school.
    covered: BTreeMap<String, DateRanges>,
    /// Covered days on which the absence of a row says nothing, by school.
    doubtful: BTreeMap<String, DateRanges>,
}

impl FeedCoverage {
    fn cover(&mut self, one: &SchoolCoverage) {
        self.covered.entry(one.school.clone()).or_default().insert(one.first, one.last);
        self.doubtful.remove(&one.school);
        if !one.doubtful.is_empty() {
            self.doubtful.insert(one.school.clone(), one.doubtful.iter().copied().collect());
        }
    }
}

impl Coverage {
    pub(super) fn run_ended(&mut self, ended: &RunEnded) -> ShardChange {
        let feed = self.0.entry(ended.feed.clone()).or_default();
        let before = feed.clone();
        feed.rows = ended.rows.or(feed.rows);
        for one in &ended.covered {
            feed.cover(one);
        }
        if *feed == before { ShardChange::Same } else { ShardChange::Turned }
    }
}

/// What students of the shard are evaluated against.
pub fn reference(shard: &ScoredShard, in_force: &InForce, view: &ReferenceView) -> Reference {
    let mut builder = view.builder(reference_version(view.changes(), shard.turns));
    let is_read =
        |feed: &str| shard.feeds.get(feed).is_some_and(|seen| seen.ended_run > 0 && !seen.is_retired);
    for feed in in_force.feeds.iter().filter(|feed| is_read(&feed.feed)) {
        builder = builder.read(feed.feed.as_str(), feed.entities.iter().cloned());
    }
    for feed in in_force.feeds.iter().filter(|feed| feed.enrollment) {
        builder = builder.enrollment_feed(feed.feed.as_str());
    }
    let counting = counting(in_force);
    for feed in counting.iter().filter(|feed| shard.feeds.contains_key(**feed)) {
        builder = shard.own.coverage.covered(builder, feed, true);
    }
    // Who is not configured any more comes last, and nothing is heard of it: its days are unknown.
    // What one covered that a person retired is taken back.
    let covers = |feed: &str, seen: &FeedCoverage| !seen.covered.is_empty() && !shard.is_retired(feed);
    let gone = shard.own.coverage.0.iter().filter(|(feed, seen)| covers(feed, seen));
    let gone = gone.map(|(feed, _)| feed.as_str()).filter(|feed| !counting.contains(feed));
    for feed in gone.take(ATTENDANCE_FEEDS_AT_MOST.saturating_sub(counting.len())) {
        builder = shard.own.coverage.covered(builder, feed, false);
    }
    builder.build().expect("feed names are unique and few")
}

/// The attendance feeds in force, each once, and no more than there can be: the configuration was checked, but an announced
/// one may be another's.
fn counting(in_force: &InForce) -> Vec<&str> {
    let mut counting = Vec::new();
    for feed in in_force.feeds.iter().filter(|feed| feed.attendance) {
        if counting.len() < ATTENDANCE_FEEDS_AT_MOST && !counting.contains(&feed.feed.as_str()) {
            counting.push(&*feed.feed);
        }
    }
    counting
}

impl Coverage {
    fn covered(&self, mut builder: ReferenceBuilder, feed: &str, counts: bool) -> ReferenceBuilder {
        let nothing = FeedCoverage::default();
        let seen = self.0.get(feed).unwrap_or(&nothing);
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
}

/// Names what is evaluated against: so many changes of the calendars, so many of the rest.
pub fn reference_version(calendars: u64, turns: u64) -> String {
    format!("{}-coverage-{turns}", calendars_version(calendars))
}
