//! Payloads that are to be worked through: a run that was cut short, what a person approved, the last one under a
//! changed mapping, and what is new.

use jiff::Timestamp;
use signalbox_connector::{Cursor, FetchCx, Page, Payload};
use signalbox_hub::HubError;
use signalbox_store::feed::{FeedLease, Hold, HoldState, Mark, NewRun, Outcome, Run};

use super::gate::UNUSABLE;
use super::run::run_day;
use super::same::Basis;
use super::{FeedSettings, Ingest, RunReport, Taken, cause, settings};

impl Ingest {
    pub(super) async fn finish_open(
        &mut self,
        taken: Taken<'_>,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        match self.hub.feeds.open(taken.lease).await? {
            Some(run) => self.work(taken, run, runs).await,
            None => Ok(()),
        }
    }

    pub(super) async fn approved_holds(
        &mut self,
        taken: Taken<'_>,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        for (hold, held) in self.held(taken, HoldState::Approved).await? {
            let run = self.open_on(taken, &held, cause::approved(&hold.id, &held)).await?;
            self.work(taken, run, runs).await?;
        }
        self.say_again(taken, runs).await
    }

    /// What was approved is older than what came since. Where that was a delta, which supersedes nothing, it is read again:
    /// the newer word holds. What is approved itself has its turn.
    async fn say_again(&mut self, taken: Taken<'_>, runs: &mut Vec<RunReport>) -> Result<(), HubError> {
        let feed = &taken.feed.name;
        let Some((after, before)) = FeedSettings::load(&self.hub, feed).await?.says_again else {
            return Ok(());
        };
        let approved = self.held(taken, HoldState::Approved).await?;
        for number in after + 1..before {
            let Some(later) = self.hub.feeds.run(feed, number).await? else { continue };
            let has_its_turn = approved.iter().any(|(_, held)| held.number == number);
            if later.outcome == Some(Outcome::Accepted) && later.cause == cause::DROP && !has_its_turn {
                let run = self.open_on(taken, &later, cause::retry(&later)).await?;
                self.work(taken, run, runs).await?;
            }
        }
        let mut settings = FeedSettings::load(&self.hub, feed).await?;
        settings.says_again = None;
        settings.save(&self.hub, taken.lease).await
    }

    /// A payload of which too little could be used is judged again when the roster changed.
    pub(super) async fn judged_again(
        &mut self,
        taken: Taken<'_>,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        let settings = FeedSettings::load(&self.hub, &taken.feed.name).await?;
        let Some(basis) = settings.unusable_basis else { return Ok(()) };
        let waiting = self.held(taken, HoldState::Waiting).await?;
        let unusable = waiting.into_iter().rfind(|(hold, _)| hold.reason == UNUSABLE);
        let Some((_, held)) = unusable else { return Ok(()) };
        let undecided = Run { gated: None, ..held.clone() };
        let by_now = Basis::load(&self.hub, taken.feed, run_day(&self.hub, &held)).await?;
        if by_now.of(&undecided) != basis {
            let run = self.open_on(taken, &held, cause::retry(&held)).await?;
            self.work(taken, run, runs).await?;
        }
        Ok(())
    }

    /// A changed mapping, or other school days: what was read under others is read again.
    pub(super) async fn changed_mapping(
        &mut self,
        taken: Taken<'_>,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        let settings = FeedSettings::load(&self.hub, &taken.feed.name).await?;
        if settings.mapping.as_deref() == Some(&*settings::read_by(&self.hub, taken.feed)) {
            return Ok(());
        }
        if settings.mapping.is_some() {
            self.read_again(taken, runs).await?;
        }
        self.remember_mapping(taken).await
    }

    /// Reads again the payload whose rows count, and after it the one that waits for a person: both may say something else
    /// by now.
    pub(super) async fn read_again(
        &mut self,
        taken: Taken<'_>,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        let (feeds, feed) = (self.hub.feeds.clone(), &taken.feed.name);
        let accepted = match FeedSettings::load(&self.hub, feed).await?.accepted_run {
            Some(number) => feeds.run(feed, number).await?,
            None => None,
        };
        let counts = accepted.as_ref().map(|run| run.number);
        let waits = feeds.last_usable_run(feed).await?.filter(|run| Some(run.number) != counts);
        for earlier in accepted.into_iter().chain(waits) {
            let run = self.open_on(taken, &earlier, cause::retry(&earlier)).await?;
            self.work(taken, run, runs).await?;
        }
        Ok(())
    }

    pub(super) async fn remember_mapping(&self, taken: Taken<'_>) -> Result<(), HubError> {
        let mut settings = FeedSettings::load(&self.hub, &taken.feed.name).await?;
        settings.mapping = Some(settings::read_by(&self.hub, taken.feed));
        settings.save(&self.hub, taken.lease).await
    }

    /// Reads the last payload that was not refused once more.
    pub(super) async fn open_again(&self, taken: Taken<'_>) -> Result<Option<Run>, HubError> {
        match self.hub.feeds.last_usable_run(&taken.feed.name).await? {
            Some(run) => Ok(Some(self.open_on(taken, &run, cause::retry(&run)).await?)),
            None => Ok(None),
        }
    }

    /// The feed's holds in this state, each with the run that was held; in the order in which their payloads came.
    async fn held(&self, taken: Taken<'_>, state: HoldState) -> Result<Vec<(Hold, Run)>, HubError> {
        let mut held = Vec::new();
        for hold in self.hub.feeds.holds(&[state]).await? {
            if hold.feed == taken.feed.name
                && let Some(run) = self.hub.feeds.run(&hold.feed, hold.run).await?
            {
                held.push((hold, run));
            }
        }
        held.sort_by_key(|(_, run)| cause::came_with(run));
        Ok(held)
    }

    /// Opens a run on the payload of an earlier one; the feed's cursor stays. The payload says what it said on the day on
    /// which it was read first.
    async fn open_on(&self, taken: Taken<'_>, earlier: &Run, cause: String) -> Result<Run, HubError> {
        let run = NewRun {
            payload: earlier.payload.clone(),
            name: earlier.name.clone(),
            opened_ms: earlier.opened_ms,
            marks: Vec::new(),
            cause,
        };
        self.open(taken.lease, run).await
    }

    pub(super) async fn open(&self, lease: &FeedLease, run: NewRun) -> Result<Run, HubError> {
        let run = self.hub.feeds.open_run(lease, run).await?;
        signalbox_hub::failpoint!("run.open");
        Ok(run)
    }

    /// What the feed's source has that was not read.
    pub(super) async fn drops(
        &mut self,
        taken: Taken<'_>,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        loop {
            // What is landed and not yet named by a run is nobody's, for whoever tidies up.
            let _held = self.hub.landing.hold()?;
            let page = self.fetch(taken).await?;
            for payload in page.payloads {
                let run = self.open(taken.lease, new_drop(payload, taken.now)).await?;
                self.work(taken, run, runs).await?;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn fetch(&self, Taken { feed, now, .. }: Taken<'_>) -> Result<Page, HubError> {
        let cursor = Cursor(self.hub.feeds.cursor(&feed.name).await?);
        let cx = FetchCx {
            now,
            still_for: self.still_for,
            max_bytes: self.hub.settings.max_payload_bytes,
            land: &self.hub.landing,
        };
        let page = feed.source.fetch(&cx, &cursor).await.map_err(|error| HubError::Fetch {
            feed: feed.name.clone(),
            message: error.message,
            help: error.help,
        })?;
        if !page.payloads.is_empty() {
            self.hub.landing.settle()?;
        }
        Ok(page)
    }
}

fn new_drop(payload: Payload, now: Timestamp) -> NewRun {
    let Payload { name, landed, marks, .. } = payload;
    let (payload, cause) = match landed {
        Ok(landed) => (landed.address, cause::DROP.to_owned()),
        Err(refusal) => (String::new(), cause::unlanded(&refusal)),
    };
    let marks = marks.into_iter().map(|signalbox_connector::Mark { name, value }| Mark { name, value });
    NewRun { payload, name, opened_ms: now.as_millisecond(), marks: marks.collect(), cause }
}
