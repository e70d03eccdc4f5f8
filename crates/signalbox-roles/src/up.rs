//! All roles of one process, one pass at a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use signalbox_consume::{relay, somebody_waits};
use signalbox_deliver::{self as deliver, Delivered};
use signalbox_hub::consumer::{Consumer, Consuming};
use signalbox_hub::shard::ShardState;
use signalbox_hub::{Hub, HubError};
use signalbox_ingest::{self as ingest, Holder, Ingest, PassReport, RunReport};
use signalbox_view::status;

/// Ingest and every consumer in one process; delivery runs beside them.
pub struct Loops {
    hub: Arc<Hub>,
    ingest: Ingest,
    consumers: Vec<Box<dyn Consuming>>,
}

impl std::fmt::Debug for Loops {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loops").field("ingest", &self.ingest).finish_non_exhaustive()
    }
}

impl Loops {
    /// `still_for`: how long a file must have been still before it is read; `None` takes it as it stands.
    pub async fn open(hub: Arc<Hub>, holder: Holder, still_for: Option<Duration>) -> Result<Self, HubError> {
        let ingest = Ingest::new(hub.clone(), holder, still_for);
        let consumers = join(&hub, hub.settings.topics.consumers).await?;
        Ok(Self { hub, ingest, consumers })
    }

    /// Reads what is new, folds it, evaluates, and appends what was decided.
    pub async fn pass(&mut self, now: Timestamp) -> Result<PassReport, HubError> {
        let report = self.ingest.pass(now).await?;
        self.settle(now).await?;
        Ok(report)
    }

    /// As [`pass`](Self::pass), and finishes what another process cut short.
    pub async fn pass_to_end(&mut self, now: Timestamp) -> Result<PassReport, HubError> {
        let mut report = self.pass(now).await?;
        while report.again {
            let PassReport { runs, failed, again } = self.pass(now).await?;
            report.runs.extend(runs);
            report = PassReport { runs: report.runs, failed, again };
        }
        Ok(report)
    }

    /// Ends what the hold's payload ends, if it is approved, and reads nothing else.
    pub async fn approved(&mut self, feed: &str, now: Timestamp) -> Result<Vec<RunReport>, HubError> {
        let runs = self.ingest.approved(feed, now).await?;
        self.settle(now).await?;
        Ok(runs)
    }

    /// Folds, evaluates and appends what is pending.
    pub async fn settle(&mut self, now: Timestamp) -> Result<(), HubError> {
        settle(&self.hub, &mut self.consumers, now).await
    }
}

async fn join(
    hub: &Arc<Hub>,
    consumers: impl IntoIterator<Item = &Consumer>,
) -> Result<Vec<Box<dyn Consuming>>, HubError> {
    let mut joined = Vec::new();
    for consumer in consumers {
        joined.push((consumer.join)(hub.clone()).await?);
    }
    Ok(joined)
}

/// Folds, decides and appends what is pending, until none has anything left: what one decides is another's news.
async fn settle(hub: &Hub, consumers: &mut [Box<dyn Consuming>], now: Timestamp) -> Result<(), HubError> {
    loop {
        for consumer in &mut *consumers {
            consumer.drain(now).await?;
        }
        // Nobody reads what it says itself.
        if relay::drain(hub, now).await? == 0 || consumers.len() < 2 {
            return Ok(());
        }
    }
}

/// Who folds what a command appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nobody else runs: the command folds it itself.
    Nobody,
    /// A running `up`: it owns the shards, and the command waits until it has.
    Up,
    /// Perhaps other processes: the members of the consumer's group own the shards; without any, the command does.
    Processes,
}

/// How long a command waits for a running `up` to fold what it appended.
const FOLDED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Reads the feed's last payload again with today's configuration. `None`: there is none.
pub async fn retry(
    hub: &Arc<Hub>,
    feed: &str,
    holder: Holder,
    beside: Beside,
    now: Timestamp,
) -> Result<Option<RunReport>, HubError> {
    let report = Ingest::new(hub.clone(), holder.clone(), None).retry(feed, now).await;
    ingest::let_go(hub, &holder).await?;
    let report = report?;
    folded(hub, beside, now).await?;
    Ok(report)
}

/// Sees that what was appended is folded and evaluated. `false`: those who own the shards have not come to it yet.
pub async fn folded(hub: &Arc<Hub>, beside: Beside, now: Timestamp) -> Result<bool, HubError> {
    let until = tokio::time::Instant::now() + FOLDED_WITHIN;
    loop {
        let orphans = without_members(hub, beside).await?;
        if !orphans.is_empty() {
            let mut joined = join(hub, orphans).await?;
            settle(hub, &mut joined, now).await?;
        }
        if is_folded(hub).await? {
            return Ok(true);
        }
        if tokio::time::Instant::now() >= until {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The consumers that nobody runs.
async fn without_members(hub: &Hub, beside: Beside) -> Result<Vec<&'static Consumer>, HubError> {
    let topics = &hub.settings.topics;
    let mut orphans = Vec::new();
    for consumer in topics.consumers {
        let is_orphan = match beside {
            Beside::Nobody => true,
            Beside::Up => false,
            Beside::Processes => hub.log.members(&consumer.group(topics)).await? == 0,
        };
        orphans.extend(is_orphan.then_some(consumer));
    }
    Ok(orphans)
}

/// Whether every shard, whoever owns it, is read to its end.
async fn is_folded(hub: &Hub) -> Result<bool, HubError> {
    Ok(status::consumers(hub).await?.iter().all(|consumer| consumer.behind == Some(0)))
}

/// What is left on shards, whoever owns them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// Records that are not folded; `None` where the log does not say how many.
    Records(Option<u64>),
    /// Shards on which somebody waits to be evaluated, and no open run holds that up.
    Students(Vec<u32>),
}

/// What is left until every shard, whoever owns it, is read to its end, and everybody is evaluated who may be.
///
/// # Errors
/// Log or store do not answer.
pub async fn left(hub: &Hub) -> Result<Left, HubError> {
    let behind: Option<u64> = status::consumers(hub).await?.iter().map(|consumer| consumer.behind).sum();
    if behind != Some(0) {
        return Ok(Left::Records(behind));
    }
    let mut waiting = Vec::new();
    for consumer in hub.settings.topics.consumers {
        for shard in 0..hub.settings.topics.shards {
            if somebody_waits(hub, consumer, shard).await? {
                waiting.push(shard);
            }
        }
    }
    Ok(if waiting.is_empty() { Left::Nothing } else { Left::Students(waiting) })
}

/// Whether everybody was decided on by what was announced last. Nobody is on a shard while a run is open there, so what
/// waits to be sent may be what is not to be sent any more.
///
/// # Errors
/// The store does not answer, or another version wrote what is in it.
pub async fn is_decided(hub: &Hub) -> Result<bool, HubError> {
    for consumer in hub.settings.topics.consumers {
        for shard in 0..hub.settings.topics.shards {
            let (_, somebody_waits) = ShardState::<()>::stored(hub, consumer.kept_as, shard).await?;
            if somebody_waits {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => write!(f, "nothing is left"),
            Self::Records(None) => write!(f, "records are not folded yet"),
            Self::Records(Some(records)) => write!(f, "records not folded yet: {records}"),
            Self::Students(shards) => write!(f, "students wait to be evaluated on shards {shards:?}"),
        }
    }
}

/// Delivers what is due, until nothing is. Long work is cut into steps, so that every try carries a time that is
/// near; `clock` says the time of each.
pub async fn deliver(hub: &Hub, clock: impl Fn() -> Timestamp) -> Result<Delivered, HubError> {
    let mut sum = Delivered::default();
    loop {
        let now = clock();
        deliver::bundle(hub, now).await?;
        let step = deliver::step(&*hub.outbox, &*hub.feeds, &hub.settings.targets, now).await?;
        sum = sum.and(step);
        if step.attempted == 0 || step.next_try_ms.is_none_or(|at_ms| at_ms > now.as_millisecond()) {
            return Ok(sum);
        }
    }
}
