//! What the hub remembers of a feed besides its ledger.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_event::StudentKey;
use signalbox_event::data::{Mode, RowsMean, SchoolCoverage};
use signalbox_hub::land::hex;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_risk::DateRanges;
use signalbox_store::feed::{FeedLease, FeedStore};

use super::doubt::{Book, Place, Seen};
use super::extent::Spoken;
use super::gate::Gated;
use super::row::Slot;
use super::run::run_day;
use super::same::Accepted;
use super::{RunReport, announce};

/// A feed's own notes, kept as JSON beside it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FeedSettings {
    /// The mode last told to the consumers, and how often it was told.
    pub mode: Option<Mode>,
    #[serde(default)]
    pub mode_changes: u32,
    /// What the last payload was read by: a hash of its mapping, and one of the calendars.
    pub mapping: Option<String>,
    /// What is covered so far, per school.
    #[serde(default)]
    pub covered: BTreeMap<String, DateRanges>,
    /// What rows mean in the feed, as the consumers heard it last.
    #[serde(default)]
    pub(crate) rows_mean: Option<RowsMean>,
    /// Of what is covered, the school days whose silence is in doubt.
    #[serde(default)]
    pub doubtful: BTreeMap<String, DateRanges>,
    /// The last run whose payload went in.
    #[serde(default)]
    pub(crate) accepted_run: Option<u64>,
    /// Mapping and crosswalk in which rows that wait were looked up last.
    #[serde(default)]
    pub(crate) released_by: Option<String>,
    /// Where rows of the last accepted payload had cast doubt that were found since.
    #[serde(default)]
    pub(crate) found_since: Vec<(Place, Seen)>,
    /// The last accepted payload is to be read again: the roster brought schools since that it has rows of, or a row that
    /// waited disagrees with one that may be its own.
    #[serde(default)]
    pub(crate) reads_again: bool,
    /// A payload left rows in the ledger that no file had: days that are unknown.
    #[serde(default)]
    pub(crate) has_inferred: bool,
    /// Students who are another person since the last accepted payload, of whose rows some could not be settled then.
    #[serde(default)]
    pub(crate) succeeded: Vec<StudentKey>,
    /// Deltas between these two runs are to be read again: the one that the later run approved is older.
    #[serde(default)]
    pub(crate) says_again: Option<(u64, u64)>,
    /// What a payload that waits because too little of it could be used was judged by.
    #[serde(default)]
    pub(crate) unusable_basis: Option<String>,
    /// What payloads spoke for that speak for the last school days.
    #[serde(default)]
    pub(crate) spoken: Spoken,
    /// The terms that the last accepted payload spoke for.
    #[serde(default)]
    pub(crate) terms: BTreeSet<String>,
    /// The last run that had a payload.
    pub last: Option<RunReport>,
    /// The last payload that went through whole, while nothing came after it.
    #[serde(default)]
    pub(crate) accepted: Option<Accepted>,
}

impl FeedSettings {
    pub async fn load(hub: &Hub, feed: &str) -> Result<Self, HubError> {
        match hub.feeds.settings(feed).await? {
            None => Ok(Self::default()),
            Some(json) => serde_json::from_str(&json).map_err(|_| HubError::Stored("feed's settings")),
        }
    }

    pub(crate) async fn save(&self, hub: &Hub, lease: &FeedLease) -> Result<(), HubError> {
        Ok(hub.feeds.save_settings(lease, &self.to_json()).await?)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("settings with text keys always serialise")
    }

    /// Whether the coverage says anything new.
    pub(crate) fn extends(&self, covered: &[SchoolCoverage]) -> bool {
        covered.iter().any(|one| {
            let mut ranges = self.covered.get(&one.school).cloned().unwrap_or_default();
            let before = ranges.clone();
            ranges.insert(one.first, one.last);
            let doubtful = self.doubtful.get(&one.school).cloned().unwrap_or_default();
            ranges != before || doubtful != one.doubtful.iter().copied().collect()
        })
    }

    pub(crate) fn extend(&mut self, covered: &[SchoolCoverage]) {
        for one in covered {
            self.covered.entry(one.school.clone()).or_default().insert(one.first, one.last);
            // Of days that the payload does not cover it has no doubt any more.
            self.doubtful.insert(one.school.clone(), one.doubtful.iter().copied().collect());
        }
    }
}

/// What of earlier payloads the next one is read beside.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) book: Book,
    /// The last accepted payload.
    pub(super) payload: Option<String>,
    /// By school, the first day that it spoke of.
    pub(super) spoke_from: BTreeMap<String, Date>,
    pub(super) spoken: Spoken,
    /// The terms that it spoke for.
    pub(super) terms: BTreeSet<String>,
    pub(super) covered: BTreeMap<String, DateRanges>,
    pub(super) doubtful: BTreeMap<String, DateRanges>,
    /// Where rows wait for their student or school, or have waited: slots and school years.
    pub(super) waiting: Vec<(Slot, u16)>,
    /// The local day on which the last accepted payload was read.
    pub(super) read_on: Option<Date>,
}

impl Remembered {
    pub(super) async fn load(hub: &Hub, feed: &str, settings: &FeedSettings) -> Result<Self, HubError> {
        let run = match settings.accepted_run {
            Some(number) => hub.feeds.run(feed, number).await?,
            None => None,
        };
        let payload = run.as_ref().map(|run| run.payload.clone());
        let read_on = run.as_ref().map(|run| run_day(hub, run));
        let gated = match run.and_then(|run| run.gated) {
            Some(gated) => serde_json::from_str(&gated).map_err(|_| HubError::Stored("run's decision"))?,
            None => Gated::default(),
        };
        let spoke_from = gated.covered.iter().map(|one| (one.school.clone(), one.first)).collect();
        let waiting = waiting_scopes(&*hub.feeds, feed).await?;
        let book = gated.book.without(&settings.found_since);
        let (covered, doubtful) = (settings.covered.clone(), settings.doubtful.clone());
        let (spoken, terms) = (settings.spoken.clone(), settings.terms.clone());
        Ok(Self { book, payload, spoke_from, spoken, terms, covered, doubtful, waiting, read_on })
    }
}

/// Where rows of the feed wait for their student or school, or have waited.
pub(super) async fn waiting_scopes(feeds: &dyn FeedStore, feed: &str) -> Result<Vec<(Slot, u16)>, HubError> {
    let scopes = feeds.ledger_scopes(feed).await?;
    let slot = |entity| Slot::all().find(|slot| slot.waits && u16::from(slot.number()) == entity);
    Ok(scopes.into_iter().filter_map(|scope| Some((slot(scope.entity)?, scope.school_year))).collect())
}

/// What the configuration lays down of how a feed's payloads are read: its mapping, and which days are school days.
pub(crate) fn read_by(hub: &Hub, feed: &Feed) -> String {
    format!("{} {}", mapping_of(feed), announce::hash_of(&hub.settings.calendars))
}

/// A hash of all that a payload's meaning depends on besides its bytes and the calendars.
pub(crate) fn mapping_of(feed: &Feed) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(feed.source.mapping())[..16])
}
