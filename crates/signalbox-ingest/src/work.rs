//! Runs worked through to their ends, and the ids that they are resolved by.

use jiff::Timestamp;
use signalbox_hub::HubError;
use signalbox_store::feed::Run;

use super::emit::send_again;
use super::identity::Resolver;
use super::run::OpenRun;
use super::same::{self, Basis};
use super::{FeedSettings, Ingest, RunReport, Taken, cause, release};

/// Ids in memory, and the state of the crosswalk that they are of.
pub(super) struct KnownIds {
    crosswalk: String,
    pub(super) resolver: Resolver,
}

impl Ingest {
    /// Reads the last payload that was not refused again, with today's configuration.
    pub async fn retry(&mut self, name: &str, now: Timestamp) -> Result<Option<RunReport>, HubError> {
        let hub = self.hub.clone();
        let Some(feed) = hub.settings.feeds.iter().find(|feed| feed.name == name) else { return Ok(None) };
        // Nothing was read of it: it has no row, and none is made.
        if hub.feeds.feed(name).await?.is_none() {
            return Ok(None);
        }
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

    /// Works an open run through to its end.
    pub(super) async fn work_through(
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
    pub(super) async fn take_resolver(&mut self) -> Result<KnownIds, HubError> {
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
