//! A pass: every payload that is not yet read, feed by feed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::StoreError;
use signalbox_store::feed::FeedLease;

use super::work::KnownIds;
use super::{Holder, PassReport, RunReport, Taken, announce, failing, release, retention, unconfigured};

/// The ingest role: owns its feeds' leases.
pub struct Ingest {
    pub(super) hub: Arc<Hub>,
    pub(super) holder: Holder,
    /// The feeds that this process reads; `None`: all.
    only: Option<Vec<String>>,
    /// `None` after a run was cut short.
    pub(super) resolver: Option<KnownIds>,
    leases: HashMap<String, FeedLease>,
    /// How long a file must have been still; `None` takes it as it stands.
    pub(super) still_for: Option<Duration>,
    told: Told,
    /// Whether each feed is noted not to go on, as far as that is known.
    troubled: HashMap<String, bool>,
    /// The day on which it was last looked for what is over.
    tidied: Option<Date>,
}

/// What this process announced of its configuration: once, at its start. What others announce later holds.
#[derive(Default)]
struct Told {
    /// Calendars, rules, routes and feeds were.
    all: bool,
    /// Feeds whose mode was told.
    modes: HashSet<String>,
    /// Whether something else is in force by now.
    differs: bool,
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Ingest {
    pub fn new(hub: Arc<Hub>, holder: Holder, still_for: Option<Duration>) -> Self {
        Self {
            hub,
            holder,
            only: None,
            resolver: None,
            leases: HashMap::new(),
            still_for,
            told: Told::default(),
            troubled: HashMap::new(),
            tidied: None,
        }
    }

    /// Reads these feeds only.
    #[must_use]
    pub fn only(mut self, feeds: Vec<String>) -> Self {
        self.only = Some(feeds);
        self
    }

    /// Reads everything that is not yet read. A feed that fails does not stop the others.
    pub async fn pass(&mut self, now: Timestamp) -> Result<PassReport, HubError> {
        let hub = self.hub.clone();
        self.tell(now).await?;
        unconfigured::end_open_runs(&hub, &self.holder, now).await?;
        let mut report = PassReport::default();
        for feed in in_order(&hub.settings.feeds) {
            if self.only.as_ref().is_some_and(|only| !only.contains(&feed.name)) {
                continue;
            }
            let read = self.feed(feed, now, &mut report.runs).await;
            self.note(feed, read.as_ref().err(), now).await?;
            if let Err(error) = read {
                self.resolver = None;
                match error {
                    HubError::Fetch { .. } | HubError::Failing { .. } => {
                        report.failed.push((feed.name.clone(), error));
                    }
                    // Another process took the feed, or nobody knows whether a transaction was written: begin again
                    // with what the store says.
                    HubError::Store(StoreError::Fenced | StoreError::Unknown) => {
                        self.leases.remove(&feed.name);
                        report.again = true;
                    }
                    other => return Err(other),
                }
            }
        }
        self.tidy(now).await?;
        Ok(report)
    }

    /// Writes down whether the feed goes on: the first time, and where that changes.
    async fn note(&mut self, feed: &Feed, error: Option<&HubError>, now: Timestamp) -> Result<(), HubError> {
        let error = error.filter(|error| matches!(error, HubError::Fetch { .. } | HubError::Failing { .. }));
        let is_in_trouble = error.is_some();
        if is_in_trouble || self.troubled.get(&feed.name) != Some(&false) {
            failing::remember(&*self.hub.feeds, &feed.name, error, now).await?;
            self.troubled.insert(feed.name.clone(), is_in_trouble);
        }
        Ok(())
    }

    /// Forgets what is over, once a day.
    async fn tidy(&mut self, now: Timestamp) -> Result<(), HubError> {
        let today = self.hub.settings.district.local_date(now);
        if self.tidied == Some(today) {
            return Ok(());
        }
        match retention::forget(&self.hub, self.leases.values(), now).await {
            Ok(true) => self.tidied = Some(today),
            Ok(false) => {}
            // No reason to stop.
            Err(HubError::Io(error)) => tracing::warn!(%error, "what is over cannot be removed"),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Announces the configuration, at the start; later, sees whether another process announced another.
    async fn tell(&mut self, now: Timestamp) -> Result<(), HubError> {
        let hub = &self.hub;
        if !self.told.all {
            announce(hub, now).await?;
            self.told.all = true;
        }
        let differs = announce::differs(hub).await?;
        if differs && !self.told.differs {
            tracing::warn!(
                "the configuration of this process is not in force: another process announced another; restart it with that one"
            );
        }
        self.told.differs = differs;
        Ok(())
    }

    async fn feed(&mut self, feed: &Feed, now: Timestamp, runs: &mut Vec<RunReport>) -> Result<(), HubError> {
        // Another process reads this feed.
        let Some(lease) = self.lease(feed, now).await? else { return Ok(()) };
        let taken = Taken { feed, lease: &lease, now };
        if !self.told.modes.contains(&feed.name) {
            announce::mode(&self.hub, feed, &lease, now).await?;
            self.told.modes.insert(feed.name.clone());
        }
        self.finish_open(taken, runs).await?;
        self.approved_holds(taken, runs).await?;
        self.changed_mapping(taken, runs).await?;
        self.judged_again(taken, runs).await?;
        // Before the next payload too: it may change or end what is released.
        release::waiting(self, taken, runs).await?;
        self.drops(taken, runs).await?;
        release::waiting(self, taken, runs).await?;
        release::read_again_if_due(self, taken, runs).await
    }

    /// `None`: another process has the feed.
    async fn lease(&mut self, feed: &Feed, now: Timestamp) -> Result<Option<FeedLease>, HubError> {
        if let Some(lease) = self.leases.get(&feed.name) {
            return Ok(Some(lease.clone()));
        }
        let Some(lease) = self.hub.feeds.lease(&feed.name, self.holder.term_at(now)).await? else {
            return Ok(None);
        };
        self.check_runs(feed, &lease).await?;
        self.leases.insert(feed.name.clone(), lease.clone());
        Ok(Some(lease))
    }

    /// The consumers cannot have seen runs that the feed's own store does not know: it was lost or put back alone, and
    /// its revisions would begin anew below those that the registers hold.
    pub(super) async fn check_runs(&self, feed: &Feed, lease: &FeedLease) -> Result<(), HubError> {
        let row = self.hub.feeds.feed(&feed.name).await?;
        let closed = row.and_then(|row| row.last_run).map_or(0, |run| run.number);
        let open = self.hub.feeds.open(lease).await?.map_or(0, |run| run.number);
        let seen = signalbox_hub::shard::stored(&self.hub, 0).await?;
        let seen = seen.feeds.get(&feed.name).map_or(0, |feed| feed.ended_run);
        if seen > closed.max(open) {
            return Err(HubError::FeedsLost { feed: feed.name.clone() });
        }
        Ok(())
    }
}

/// Roster of record first, then other roster feeds, then the rest; else as configured.
fn in_order(feeds: &[Feed]) -> Vec<&Feed> {
    let mut feeds: Vec<&Feed> = feeds.iter().collect();
    feeds.sort_by_key(|feed| (!feed.roster_of_record, !feed.is_roster()));
    feeds
}
