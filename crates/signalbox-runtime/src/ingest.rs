//! From payload to events: fetch, land, read, compare, gate, publish, record.
//!
//! A pass reads every payload that is not yet read, roster feeds first. A run that was cut short is finished from
//! its landed bytes before anything else of its feed.
//!
//! # Layout
//! - this file: `Ingest`, the pass; `holder`: whose feeds they are; `report`: what came of it; `run`: one payload from gate to close
//! - `read`: the first pass over a payload; `sort`: more rows than memory; `row`: a row between draft and event
//! - `same`: a payload whose rows are those of the one before
//! - `diff`: payload against ledger; `gate`: what it would do; `emit`: doing it
//! - `extent`: what a payload speaks for; `identity`: whose row it is; `release`: late arrivals
//! - `announce`: calendars, modes and rules, told to the consumers when they change

pub(crate) mod announce;
mod diff;
pub(crate) mod emit;
mod extent;
mod gate;
mod holder;
mod identity;
mod read;
mod rejects;
mod release;
mod report;
mod row;
mod run;
mod same;
mod settings;
mod sort;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use signalbox_connector::{Cursor, FetchCx, Page};
use signalbox_store::StoreError;
use signalbox_store::feed::{FeedLease, HoldState, NewRun, Run};

pub use gate::{Counts, Held, SchoolEnds};
pub use holder::{Holder, keep, let_go};
pub use report::{HoldReport, PassReport, RunReport, Warning};
pub use settings::FeedSettings;

use self::identity::Resolver;
use crate::hub::{Feed, Hub, HubError};

/// Why a run was opened; stands in the run.
pub(crate) mod cause {
    pub(crate) const DROP: &str = "drop";
    pub(crate) const RETRY: &str = "retry";
    pub(crate) const RELEASE: &str = "release";
    /// Followed by why the payload could not be landed.
    pub(crate) const UNLANDED: &str = "unlanded:";
    /// Followed by the hold's id.
    pub(crate) const APPROVED: &str = "approved:";
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
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Ingest {
    pub fn new(hub: Arc<Hub>, holder: Holder, still_for: Option<Duration>) -> Self {
        Self { hub, holder, only: None, resolver: None, leases: HashMap::new(), still_for }
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
        announce::calendars(&hub, now).await?;
        announce::policy(&hub, now).await?;
        let mut report = PassReport::default();
        for feed in in_order(&hub.settings.feeds) {
            if self.only.as_ref().is_some_and(|only| !only.contains(&feed.name)) {
                continue;
            }
            if let Err(error) = self.feed(feed, now, &mut report.runs).await {
                self.resolver = None;
                match error {
                    HubError::Fetch { .. } => report.failed.push((feed.name.clone(), error)),
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
        Ok(report)
    }

    /// Reads the last payload that was not refused again, with today's configuration.
    pub async fn retry(&mut self, name: &str, now: Timestamp) -> Result<Option<RunReport>, HubError> {
        let hub = self.hub.clone();
        let Some(feed) = hub.settings.feeds.iter().find(|feed| feed.name == name) else { return Ok(None) };
        let lease = hub.feeds.take(&feed.name, self.holder.term_at(now)).await?;
        self.check_runs(feed, &lease).await?;
        let mut runs = Vec::new();
        self.finish_open(feed, &lease, now, &mut runs).await?;
        let Some(run) = self.open_again(feed, &lease, cause::RETRY, now).await? else { return Ok(None) };
        self.work(feed, &lease, run, &mut runs, now).await?;
        self.remember_mapping(feed, &lease).await?;
        Ok(runs.pop())
    }

    async fn feed(&mut self, feed: &Feed, now: Timestamp, runs: &mut Vec<RunReport>) -> Result<(), HubError> {
        // Another process reads this feed.
        let Some(lease) = self.lease(feed, now).await? else { return Ok(()) };
        announce::mode(&self.hub, feed, &lease, now).await?;
        self.finish_open(feed, &lease, now, runs).await?;
        self.approved_holds(feed, &lease, now, runs).await?;
        self.changed_mapping(feed, &lease, now, runs).await?;
        self.drops(feed, &lease, now, runs).await?;
        release::unmatched(self, feed, &lease, now).await
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
        let seen = crate::view::shard_state(&self.hub, 0).await?;
        let seen = seen.feeds.get(&feed.name).map_or(0, |feed| feed.ended_run);
        if seen > closed.max(open) {
            return Err(HubError::FeedsLost { feed: feed.name.clone() });
        }
        Ok(())
    }

    async fn finish_open(
        &mut self,
        feed: &Feed,
        lease: &FeedLease,
        now: Timestamp,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        match self.hub.feeds.open(lease).await? {
            Some(run) => self.work(feed, lease, run, runs, now).await,
            None => Ok(()),
        }
    }

    async fn approved_holds(
        &mut self,
        feed: &Feed,
        lease: &FeedLease,
        now: Timestamp,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        let holds = self.hub.feeds.holds().await?;
        for hold in holds {
            if hold.feed != feed.name || hold.state != HoldState::Approved {
                continue;
            }
            let Some(held) = self.hub.feeds.run(&feed.name, hold.run).await? else { continue };
            let cause = format!("{}{}", cause::APPROVED, hold.id);
            let run = self.open_run(lease, &held, &cause, now).await?;
            self.work(feed, lease, run, runs, now).await?;
        }
        Ok(())
    }

    /// A changed mapping re-runs the last landed payload.
    async fn changed_mapping(
        &mut self,
        feed: &Feed,
        lease: &FeedLease,
        now: Timestamp,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        let settings = FeedSettings::load(&self.hub, &feed.name).await?;
        if settings.mapping.as_deref() == Some(&*settings::mapping_of(feed)) {
            return Ok(());
        }
        if settings.mapping.is_some()
            && let Some(run) = self.open_again(feed, lease, cause::RETRY, now).await?
        {
            self.work(feed, lease, run, runs, now).await?;
        }
        self.remember_mapping(feed, lease).await
    }

    async fn remember_mapping(&self, feed: &Feed, lease: &FeedLease) -> Result<(), HubError> {
        let mut settings = FeedSettings::load(&self.hub, &feed.name).await?;
        settings.mapping = Some(settings::mapping_of(feed));
        settings.save(&self.hub, lease).await
    }

    async fn open_again(
        &self,
        feed: &Feed,
        lease: &FeedLease,
        cause: &str,
        now: Timestamp,
    ) -> Result<Option<Run>, HubError> {
        match self.hub.feeds.last_usable_run(&feed.name).await? {
            Some(run) => Ok(Some(self.open_run(lease, &run, cause, now).await?)),
            None => Ok(None),
        }
    }

    /// Opens a run on the payload of an earlier one; the feed's cursor stays.
    async fn open_run(
        &self,
        lease: &FeedLease,
        earlier: &Run,
        cause: &str,
        now: Timestamp,
    ) -> Result<Run, HubError> {
        let run = NewRun {
            payload: earlier.payload.clone(),
            name: earlier.name.clone(),
            opened_ms: now.as_millisecond(),
            cursor: None,
            cause: cause.to_owned(),
        };
        let run = self.hub.feeds.open_run(lease, run).await?;
        crate::failpoint!("run.open");
        Ok(run)
    }

    async fn drops(
        &mut self,
        feed: &Feed,
        lease: &FeedLease,
        now: Timestamp,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        loop {
            let page = self.fetch(feed, now).await?;
            let Some(payload) = page.payload else { return Ok(()) };
            let landed = payload.landed.as_ref().ok();
            let run = NewRun {
                payload: landed.map(|landed| landed.address.clone()).unwrap_or_default(),
                name: payload.name,
                opened_ms: now.as_millisecond(),
                cursor: Some(page.next.0),
                cause: match &payload.landed {
                    Ok(_) => cause::DROP.to_owned(),
                    Err(refusal) => format!("{}{}", cause::UNLANDED, run::refusal_text(refusal)),
                },
            };
            let run = self.hub.feeds.open_run(lease, run).await?;
            crate::failpoint!("run.open");
            self.work(feed, lease, run, runs, now).await?;
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn fetch(&self, feed: &Feed, now: Timestamp) -> Result<Page, HubError> {
        let row = self.hub.feeds.feed(&feed.name).await?;
        let cursor = row.and_then(|row| row.cursor).map(Cursor);
        let cx = FetchCx {
            now,
            still_for: self.still_for,
            max_bytes: self.hub.settings.max_payload_bytes,
            land: &self.hub.landing,
        };
        feed.source.fetch(&cx, cursor.as_ref()).await.map_err(|error| HubError::Fetch {
            feed: feed.name.clone(),
            message: error.message,
            help: error.help,
        })
    }

    /// Works an open run through to its end.
    async fn work(
        &mut self,
        feed: &Feed,
        lease: &FeedLease,
        run: Run,
        runs: &mut Vec<RunReport>,
        now: Timestamp,
    ) -> Result<(), HubError> {
        if run.cause == cause::RELEASE {
            return release::finish(self, feed, lease, &run).await;
        }
        if let Some(refusal) = run.cause.strip_prefix(cause::UNLANDED) {
            let refusal = run::refusal_of(refusal)?;
            runs.push(run::refuse(&self.hub, lease, &run, &refusal).await?);
            return Ok(());
        }
        if let Some(report) = run::recognised(&self.hub, feed, lease, &run, now).await? {
            runs.push(report);
            return Ok(());
        }
        let mut known = self.take_resolver().await?;
        let report = run::process(&self.hub, feed, lease, &run, &mut known.resolver, now).await?;
        // A payload that waits or is refused taught the resolver nothing that holds.
        if report.hold.is_none() && report.refused.is_none() {
            self.resolver = Some(known);
        }
        runs.push(report);
        Ok(())
    }

    /// The ids as they stand. After a run that added some, by this process or another, they are read anew.
    async fn take_resolver(&mut self) -> Result<KnownIds, HubError> {
        let crosswalk = same::crosswalk(&self.hub).await?;
        match self.resolver.take() {
            Some(known) if known.crosswalk == crosswalk => Ok(known),
            _ => Ok(KnownIds { resolver: Resolver::load(&*self.hub.feeds).await?, crosswalk }),
        }
    }
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
