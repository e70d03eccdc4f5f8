//! All roles of one process, one pass at a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use signalbox_store::StoreError;

use crate::consume::RiskConsumer;
use crate::deliver::{self, Delivered};
use crate::hub::{Hub, HubError};
use crate::ingest::{Ingest, PassReport, RunReport};
use crate::{relay, view};

/// Ingest and risk in one process; delivery runs beside them.
#[derive(Debug)]
pub struct Loops {
    hub: Arc<Hub>,
    ingest: Ingest,
    risk: RiskConsumer,
}

impl Loops {
    /// `still_for`: how long a file must have been still before it is read; `None` takes it as it stands.
    pub async fn open(hub: Arc<Hub>, still_for: Option<Duration>) -> Result<Self, HubError> {
        let ingest = Ingest::new(hub.clone(), still_for);
        let risk = RiskConsumer::join(hub.clone()).await?;
        Ok(Self { hub, ingest, risk })
    }

    /// Reads what is new, folds it, evaluates, and appends what was decided.
    pub async fn pass(&mut self, now: Timestamp) -> Result<PassReport, HubError> {
        let report = self.ingest.pass(now).await?;
        self.settle(now).await?;
        Ok(report)
    }

    pub(crate) async fn settle(&mut self, now: Timestamp) -> Result<(), HubError> {
        self.risk.drain(now).await?;
        while relay::step(&self.hub, now).await? > 0 {}
        Ok(())
    }
}

/// Who folds what a command appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nobody else runs: the command folds it itself.
    Nobody,
    /// A running `up`: it owns the shards, and the command waits until it has.
    Up,
}

/// How long a command waits for a running `up` to fold what it appended.
const FOLDED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Reads the feed's last payload again with today's configuration. `None`: there is none.
pub async fn retry(
    hub: &Arc<Hub>,
    feed: &str,
    beside: Beside,
    now: Timestamp,
) -> Result<Option<RunReport>, HubError> {
    let report = Ingest::new(hub.clone(), None).retry(feed, now).await?;
    folded(hub, beside, now).await?;
    Ok(report)
}

/// Sees that what was appended is folded and evaluated. `false`: a running `up` has not come to it yet.
pub async fn folded(hub: &Arc<Hub>, beside: Beside, now: Timestamp) -> Result<bool, HubError> {
    match beside {
        Beside::Nobody => {
            Loops::open(hub.clone(), None).await?.settle(now).await?;
            Ok(true)
        }
        Beside::Up => wait_for_up(hub).await,
    }
}

async fn wait_for_up(hub: &Hub) -> Result<bool, HubError> {
    let until = tokio::time::Instant::now() + FOLDED_WITHIN;
    while tokio::time::Instant::now() < until {
        let status = view::status::consumers(hub).await?;
        if status.iter().all(|consumer| consumer.behind == 0) {
            return Ok(true);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(false)
}

/// Delivers what is due, until nothing is. Long work is cut into steps, so that every try carries a time that is
/// near; `clock` says the time of each.
pub async fn deliver(hub: &Hub, clock: impl Fn() -> Timestamp) -> Result<Delivered, StoreError> {
    let mut sum = Delivered::default();
    loop {
        let now = clock();
        let district = &hub.settings.district.id;
        let step = deliver::step(&*hub.outbox, &hub.settings.targets, district, now).await?;
        sum = sum.and(step);
        if step.attempted == 0 || step.next_try_ms.is_none_or(|at_ms| at_ms > now.as_millisecond()) {
            return Ok(sum);
        }
    }
}
