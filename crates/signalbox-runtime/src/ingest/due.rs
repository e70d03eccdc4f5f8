//! Payloads that are to be worked through: a run that was cut short, what a person approved, the last one under a
//! changed mapping, and what is new.

use jiff::Timestamp;
use signalbox_connector::{Cursor, FetchCx, Page};
use signalbox_store::feed::{FeedLease, HoldState, NewRun, Run};

use super::{FeedSettings, Ingest, RunReport, cause, settings};
use crate::hub::{Feed, HubError};

impl Ingest {
    pub(super) async fn finish_open(
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

    pub(super) async fn approved_holds(
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
            let run = self.open_run(lease, &held, &cause::approved(&hold.id), now).await?;
            self.work(feed, lease, run, runs, now).await?;
        }
        Ok(())
    }

    /// A changed mapping re-runs the last landed payload.
    pub(super) async fn changed_mapping(
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

    pub(super) async fn remember_mapping(&self, feed: &Feed, lease: &FeedLease) -> Result<(), HubError> {
        let mut settings = FeedSettings::load(&self.hub, &feed.name).await?;
        settings.mapping = Some(settings::mapping_of(feed));
        settings.save(&self.hub, lease).await
    }

    pub(super) async fn open_again(
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

    pub(super) async fn drops(
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
                    Err(refusal) => cause::unlanded(refusal),
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
}
