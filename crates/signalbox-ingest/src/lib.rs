//! From payload to events: fetch, land, read, compare, gate, publish, record.
//!
//! A pass reads every payload that is not yet read, roster feeds first. A run that was cut short is finished from
//! its landed bytes before anything else of its feed.
//!
//! # Layout
//! - this file: `Ingest`, the pass; `holder`: whose feeds they are; `due`: which payloads are to be worked through
//! - `run`: one payload from its bytes to its events; `close`: how that ends; `cause`: why it was begun; `report`: what
//!   came of it
//! - `read`: the first pass over a payload; `sort`: more rows than memory; `row`: a row between draft and event
//! - `same`: a payload whose rows are those of the one before
//! - `diff`: payload against ledger; `steps`: what came of it, for those who want it twice; `gate`: what it would do; `emit`: doing it
//! - `extent`: what a payload speaks for; `identity`: whose row it is; `release`: late arrivals
//! - `announce`: calendars, modes and rules, told to the consumers once, at a process' start
//! - `failing`: a run that fails whatever is tried
//! - `unconfigured`: what a feed left behind that is no longer configured; `feeds`: renaming and retiring feeds
//! - `retention`: what is forgotten, and when
//!
//! **Architecture invariant:** it sees traits only; it names neither a database, nor Kafka, nor a vendor. No clock and no
//! randomness: `now` is an argument.

mod announce;
mod cause;
mod close;
mod diff;
mod doubt;
mod due;
mod emit;
mod extent;
mod failing;
pub mod feeds;
mod gate;
mod holder;
pub mod identity;
mod read;
mod rejects;
mod release;
mod report;
mod retention;
mod returned;
mod row;
mod run;
mod same;
mod settings;
mod sort;
mod steps;
mod unconfigured;
pub mod unmatched;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::StoreError;
use signalbox_store::feed::{FeedLease, Run};

pub use announce::differs;
pub use failing::Trouble;
pub use gate::{Counts, Held, SchoolEnds};
pub use holder::{Holder, keep, let_go};
pub use identity::{Known, Lost};
pub use read::{outside_years, unknown_school};
pub use report::{HoldReport, PassReport, RunReport, Warning};
pub use settings::FeedSettings;
pub(crate) use unconfigured::end_open_run;

use self::emit::send_again;
use self::identity::Resolver;
use self::run::OpenRun;
use self::same::Basis;

/// A feed that this process reads, and when.
#[derive(Clone, Copy)]
struct Taken<'a> {
    feed: &'a Feed,
    lease: &'a FeedLease,
    now: Timestamp,
}

/// The ingest role: owns its feeds' leases.
pub struct Ingest {
    hub: Arc<Hub>,
    holder: Holder,
    /// The feeds that this process reads; `None`: all.
    only: Option<Vec<String>>,
    /// `None` after a run was cut short.
    resolver: Option<KnownIds>,
    leases: HashMap<String, FeedLease>,
    /// How long a file must have been still; `None` takes it as it stands.
    still_for: Option<Duration>,
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

    /// Reads the last payload that was not refused again, with today's configuration.
    pub async fn retry(&mut self, name: &str, now: Timestamp) -> Result<Option<RunReport>, HubError> {
        let hub = self.hub.clone();
        let Some(feed) = hub.settings.feeds.iter().find(|feed| feed.name == name) else { return Ok(None) };
        let lease = hub.feeds.take(&feed.name, self.holder.term_at(now)).await?;
        self.check_runs(feed, &lease).await?;
        let taken = Taken { feed, lease: &lease, now };
        let mut runs = Vec::new();
        self.finish_open(taken, &mut runs).await?;
        let Some(run) = self.open_again(taken).await? else { return Ok(None) };
        let number = run.number;
        self.work(taken, run, &mut runs).await?;
        // The rows that count are read under it by now; else the next start sees to that.
        if FeedSettings::load(&hub, &feed.name).await?.accepted_run == Some(number) {
            self.remember_mapping(taken).await?;
        }
        Ok(runs.pop())
    }

    /// Works through what a person approved of the feed, and reads nothing new.
    pub async fn approved(&mut self, name: &str, now: Timestamp) -> Result<Vec<RunReport>, HubError> {
        let hub = self.hub.clone();
        let mut runs = Vec::new();
        let Some(feed) = hub.settings.feed(name) else { return Ok(runs) };
        let lease = hub.feeds.take(&feed.name, self.holder.term_at(now)).await?;
        let taken = Taken { feed, lease: &lease, now };
        self.finish_open(taken, &mut runs).await?;
        self.approved_holds(taken, &mut runs).await?;
        Ok(runs)
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
    async fn check_runs(&self, feed: &Feed, lease: &FeedLease) -> Result<(), HubError> {
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

    /// Works an open run through to its end.
    async fn work_through(
        &mut self,
        taken: Taken<'_>,
        run: Run,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        if run.unsent.is_some() {
            let known = self.take_resolver().await?;
            send_again(&self.hub, taken.lease, &run, &known.resolver).await?;
            self.resolver = Some(known);
        }
        if run.cause == cause::RELEASE {
            return release::finish(self, taken, &run).await;
        }
        let hub = self.hub.clone();
        let Taken { feed, lease, now } = taken;
        let open = OpenRun { hub: &hub, feed, lease, run: &run, now };
        runs.push(match cause::why_unlanded(&run.cause)? {
            Some(refusal) => open.refuse(&refusal).await?,
            None => self.process(open).await?,
        });
        Ok(())
    }

    async fn process(&mut self, open: OpenRun<'_>) -> Result<RunReport, HubError> {
        // Before ids are resolved: what is added to the crosswalk from here on may not have been heard of.
        let basis = Basis::load(open.hub, open.feed, open.run_day()).await?;
        let settings = FeedSettings::load(open.hub, &open.feed.name).await?;
        if let Some(report) = open.recognised(&basis, &settings).await? {
            return Ok(report);
        }
        let mut known = self.resolver_of(basis.crosswalk.clone()).await?;
        let report = Box::pin(open.process(&mut known.resolver, &basis, settings)).await?;
        // A payload that waits or is refused taught the resolver nothing that holds.
        if report.hold.is_none() && report.refused.is_none() {
            self.resolver = Some(known);
        }
        Ok(report)
    }

    /// The ids as they stand. After a run that added some, by this process or another, they are read anew.
    async fn take_resolver(&mut self) -> Result<KnownIds, HubError> {
        let crosswalk = same::crosswalk(&self.hub).await?;
        self.resolver_of(crosswalk).await
    }

    async fn resolver_of(&mut self, crosswalk: String) -> Result<KnownIds, HubError> {
        match self.resolver.take() {
            Some(known) if known.crosswalk == crosswalk => Ok(known),
            _ => Ok(KnownIds { resolver: Resolver::load(&*self.hub.feeds).await?, crosswalk }),
        }
    }
}

/// Announces what this process' configuration lays down, if something else is in force: once, at its start.
///
/// # Errors
/// Log or store do not answer.
pub async fn announce(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    announce::calendars(hub, now).await?;
    announce::policy(hub, now).await
}

/// Ids in memory, and the state of the crosswalk that they are of.
struct KnownIds {
    crosswalk: String,
    resolver: Resolver,
}

/// Roster of record first, then other roster feeds, then the rest; else as configured.
fn in_order(feeds: &[Feed]) -> Vec<&Feed> {
    let mut feeds: Vec<&Feed> = feeds.iter().collect();
    feeds.sort_by_key(|feed| (!feed.roster_of_record, !feed.is_roster()));
    feeds
}
