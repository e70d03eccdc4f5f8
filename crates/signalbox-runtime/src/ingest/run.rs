//! One payload, from its landed bytes to the closed run.

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_connector::Entity;
use signalbox_event::data::RowsMean;
use signalbox_store::feed::{FeedLease, Run};

use super::diff::Diff;
use super::emit::{Emitter, end_run};
use super::extent::{self, Judged};
use super::gate::{Gated, Tally};
use super::identity::Resolver;
use super::read::{self, ReadIn};
use super::rejects::RejectBook;
use super::same::{self, Accepted};
use super::settings::FeedSettings;
use super::{RunReport, cause};
use crate::hub::{Feed, Hub, HubError};

/// A run that is to be worked through.
#[derive(Clone, Copy)]
pub(super) struct OpenRun<'a> {
    pub hub: &'a Hub,
    pub feed: &'a Feed,
    pub lease: &'a FeedLease,
    pub run: &'a Run,
    pub now: Timestamp,
}

impl OpenRun<'_> {
    /// Reads, compares, gates, publishes and closes.
    pub(super) async fn process(&self, resolver: &mut Resolver) -> Result<RunReport, HubError> {
        let Self { hub, feed, run, .. } = *self;
        // Before ids are resolved: what is added to the crosswalk from here on may not have been heard of.
        let context = same::context(hub, feed).await?;
        let payload = hub.landing.payload(&run.payload)?;
        let size_bytes = payload.metadata()?.len();
        let (scratch, run_day) = (hub.landing.scratch(), self.run_day());
        let read = tokio::task::block_in_place(|| {
            read::read(&hub.settings, feed, &run.name, payload, scratch, run_day, resolver)
        })?;
        let mut read = match read {
            Ok(read) => read,
            Err(refusal) => return self.refuse(&refusal).await,
        };
        let judged = self.judge(&read).await?;
        let gated = self.gate(&mut read, &judged).await?;
        if let Some(held) = &gated.hold {
            return self.hold(&gated, held).await;
        }
        self.publish(&read, &judged, &gated, resolver).await?;
        let accepted = Accepted::of(context, size_bytes, &read, &gated);
        self.accept(read.rejects, &gated, accepted).await
    }

    /// Works a run through whose rows are those of the last accepted payload (see [`same`]). `None`: they are not, or
    /// the run is for looking twice.
    pub(super) async fn recognised(&self) -> Result<Option<RunReport>, HubError> {
        let Self { hub, feed, run, .. } = *self;
        if run.cause != cause::DROP || run.gated.is_some() {
            return Ok(None);
        }
        let Some(accepted) = FeedSettings::load(hub, &feed.name).await?.accepted else { return Ok(None) };
        let context = same::context(hub, feed).await?;
        let payload = hub.landing.payload(&run.payload)?;
        let run_day = self.run_day();
        let read =
            tokio::task::block_in_place(|| accepted.recognise(feed, &context, run_day, &run.name, payload))?;
        let Some(read) = read else { return Ok(None) };
        let covered = extent::coverage(&read, &hub.settings.calendars, run_day);
        let gated = accepted.gated(covered);
        self.decide(&gated).await?;
        self.cover(&read, &gated).await?;
        self.accept(read.rejects, &gated, Some(accepted)).await.map(Some)
    }

    /// The local day on which the run was opened.
    fn run_day(&self) -> Date {
        let opened = Timestamp::from_millisecond(self.run.opened_ms).unwrap_or(self.now);
        self.hub.settings.district.local_date(opened)
    }

    async fn judge(&self, read: &ReadIn) -> Result<Vec<Judged>, HubError> {
        let mut latest = Vec::new();
        for entity in Entity::ALL {
            let years = self.hub.feeds.ledger_years(&self.feed.name, entity as u16).await?;
            latest.push((entity, years.last().copied()));
        }
        let ledger_year = |entity| latest.iter().find(|(e, _)| *e == entity).and_then(|(_, year)| *year);
        Ok(extent::judged(read, &self.hub.settings.calendars, ledger_year))
    }

    /// Counts what the payload would do. A resumed run keeps what was decided before.
    async fn gate(&self, read: &mut ReadIn, judged: &[Judged]) -> Result<Gated, HubError> {
        let Self { hub, feed, run, .. } = *self;
        let mut rejects = std::mem::replace(&mut read.rejects, RejectBook::new(&feed.name, &run.name));
        let mut tally = Tally::new(feed.source.entities(), read.rows, read.rejected);
        let mut diff = Diff::new(&*hub.feeds, &feed.name, read, judged)?;
        while let Some(step) = diff.next().await? {
            tally.step(&step, &mut rejects)?;
        }
        read.rejects = rejects;
        if let Some(gated) = &run.gated {
            return serde_json::from_str(gated).map_err(|_| HubError::Stored("run's gate"));
        }
        let covered = extent::coverage(read, &hub.settings.calendars, self.run_day());
        let may_hold = cause::approved_hold(&run.cause).is_none();
        let gated = tally.finish(may_hold, covered, read.notes.clone());
        self.decide(&gated).await?;
        Ok(gated)
    }

    /// Remembers what was decided, so that a resumed run does not decide again.
    async fn decide(&self, gated: &Gated) -> Result<(), HubError> {
        let json = serde_json::to_string(gated).expect("counts always serialise");
        self.hub.feeds.gate_run(self.lease, self.run.number, &json).await?;
        crate::failpoint!("run.gate");
        Ok(())
    }

    async fn publish(
        &self,
        read: &ReadIn,
        judged: &[Judged],
        gated: &Gated,
        resolver: &Resolver,
    ) -> Result<(), HubError> {
        let Self { hub, feed, lease, run, .. } = *self;
        if !read.ids.is_empty() {
            same::crosswalk_grows(hub, lease, run, "before").await?;
            hub.feeds.add_crosswalk(lease, &read.ids).await?;
            same::crosswalk_grows(hub, lease, run, "after").await?;
        }
        if gated.changes {
            self.forget_accepted().await?;
            let mut emitter = Emitter::new(hub, lease, run, resolver, id_system(hub));
            let mut diff = Diff::new(&*hub.feeds, &feed.name, read, judged)?;
            while let Some(step) = diff.next().await? {
                emitter.step(step).await?;
            }
            emitter.flush().await?;
        }
        self.cover(read, gated).await
    }

    /// From here on the ledger is no longer that of the last accepted payload.
    async fn forget_accepted(&self) -> Result<(), HubError> {
        let mut settings = FeedSettings::load(self.hub, &self.lease.feed).await?;
        match settings.accepted.take() {
            Some(_) => settings.save(self.hub, self.lease).await,
            None => Ok(()),
        }
    }

    /// Ends the run on the log, if it changed a fact or covers more than was covered.
    async fn cover(&self, read: &ReadIn, gated: &Gated) -> Result<(), HubError> {
        let mut settings = FeedSettings::load(self.hub, &self.feed.name).await?;
        let extends = settings.extends(&gated.covered);
        if gated.publishes || extends {
            end_run(self.hub, self.run, self.feed.domain(), rows_mean(read), &gated.covered).await?;
        }
        if extends {
            settings.extend(&gated.covered);
            settings.save(self.hub, self.lease).await?;
        }
        Ok(())
    }
}

/// The name under which first ids are known: that of the roster of record.
pub(crate) fn id_system(hub: &Hub) -> &str {
    hub.settings.feeds.iter().find(|feed| feed.roster_of_record).map_or("", |feed| &feed.name)
}

fn rows_mean(read: &ReadIn) -> Option<RowsMean> {
    read.contents.extents.iter().find_map(|extent| extent.rows)
}
