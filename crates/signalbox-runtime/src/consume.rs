//! The risk consumer: from events to flags, one transaction per batch.
//!
//! Records are folded and committed with their positions; who is touched *waits*. When a shard has caught up with the
//! log and no run is open on it, everybody who waits is evaluated, and what changed leaves in the same transaction as
//! the state that says it was announced: that of the folding, if few wait.
//!
//! # Layout
//! - this file: `RiskConsumer`; `brought`: records to be folded; `evaluate`: when a shard is worked on
//! - `admit`: which records are this hub's own; `work`: one go at a shard
//! - `fold`: what one event changes; `batch`: what is written in one transaction
//! - `waiting`: who is to be evaluated; `alerts`: what leaves; `basis`: what flags were judged by
//! - `own`: taking shards, and losing them; `position`: where the consumer is on the log; `gaps`: where nothing is
//! - `in_force`: the rules, routes and feeds that the log announced last
//! - `student`, `shard`: the states; `kept`: those in memory

pub(crate) mod admit;
pub(crate) mod alerts;
mod basis;
mod batch;
mod brought;
mod evaluate;
mod fold;
mod gaps;
pub mod in_force;
mod kept;
mod own;
mod position;
pub mod shard;
pub mod student;
mod waiting;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_event::Domain;
use signalbox_log::{Delivery, Offset, Shard, Subscription};
use signalbox_store::state::Lease;
use tokio::task::JoinSet;

pub use self::alerts::{reason_of, student_ref};
use self::batch::InHand;
use self::brought::Brought;
pub(crate) use self::fold::observation as observe;
pub use self::position::{behind_of, ends_of};
use self::shard::ShardState;
use crate::hub::{Hub, HubError};
use crate::reference::ReferenceView;

/// The consumer's name in the state store, with its generation.
pub const CONSUMER: &str = "risk@1";
/// The word for it on screen and in topic names.
pub const NAME: &str = "risk";

/// Records folded in one transaction. A first load brings a student's year in a row: the more of them, the fewer times
/// a state is read and written.
const RECORDS: usize = 4_000;
/// Students evaluated in one transaction.
const STUDENTS: usize = 2_000;
/// Shards that are worked on at the same time: while one waits for the store, another uses the processor.
const AT_WORK: usize = 3;
/// Deliveries of one turn, at most; then it is settled.
const DELIVERIES: usize = 16;
/// What comes within this time is worked in the same turn.
const AT_HAND: Duration = Duration::from_millis(5);
/// How long draining waits for a delivery before it looks again whether anything is left.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many times in a row nothing comes until it may be that nothing is there.
const NOTHING_THERE: u32 = 20;

/// What a shard is, after work, and what came of it.
type Worked = (InHand, Result<Option<usize>, HubError>);

/// The topics the consumer reads; of several with records, the earlier is read first.
pub const DOMAINS: [Domain; 6] = [
    Domain::Ops,
    Domain::Roster,
    Domain::Attendance,
    Domain::Gradebook,
    Domain::Behavior,
    Domain::Intervention,
];

/// The risk role of one process: owns the shards its group gives it.
pub struct RiskConsumer {
    hub: Arc<Hub>,
    topics: Vec<String>,
    subscription: Box<dyn Subscription>,
    shards: BTreeMap<Shard, InHand>,
    brought: Brought,
    /// Where the topics of shards ended when this was asked, after they were evaluated last: from there on they have
    /// caught up, however much is appended meanwhile.
    ends: BTreeMap<Shard, Vec<Offset>>,
    /// Shards that something happened on since they were evaluated last.
    news: BTreeSet<Shard>,
    view: Arc<ReferenceView>,
    /// Assigned, and to be taken: at first, and again after the store or the log did not answer.
    to_take: BTreeSet<Shard>,
    was_assigned: bool,
    /// Each on another shard.
    at_work: JoinSet<Worked>,
    /// Students that were evaluated and not told of.
    evaluated: usize,
    /// The day of the last turn without news: with a new one, a school year may have begun.
    day: Option<Date>,
}

impl std::fmt::Debug for RiskConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RiskConsumer").field("shards", &self.shards.keys()).finish_non_exhaustive()
    }
}

/// The consumer's group on the log: hubs with other topics are other groups.
pub fn group(hub: &Hub) -> String {
    format!("{}.signalbox.{NAME}", hub.settings.topics.prefix)
}

/// Whether somebody on the shard, whoever owns it, waits to be evaluated, and no open run holds that up.
pub(crate) async fn somebody_waits(hub: &Hub, shard: Shard) -> Result<bool, HubError> {
    // The shard's own row is the first.
    let first = hub.states.scan(CONSUMER, shard, None, 1).await?.pop();
    let Some(row) = first.filter(|row| row.subject == ShardState::subject() && row.due_ms.is_some()) else {
        return Ok(false);
    };
    Ok(!ShardState::decode(&row.state)?.has_open_run())
}

impl RiskConsumer {
    /// Becomes a member of the group. Shards come with the first deliveries.
    pub async fn join(hub: Arc<Hub>) -> Result<Self, HubError> {
        let topics: Vec<String> =
            DOMAINS.into_iter().map(|domain| hub.settings.topics.name(domain)).collect();
        let subscription = hub.log.join(&group(&hub), &topics).await?;
        Ok(Self {
            hub,
            topics,
            subscription,
            shards: BTreeMap::new(),
            brought: Brought::default(),
            ends: BTreeMap::new(),
            news: BTreeSet::new(),
            view: Arc::default(),
            to_take: BTreeSet::new(),
            was_assigned: false,
            at_work: JoinSet::new(),
            evaluated: 0,
            day: None,
        })
    }

    /// Folds and evaluates until nothing is left to do on the shards in hand.
    pub async fn drain(&mut self, now: Timestamp) -> Result<(), HubError> {
        let mut in_vain = 0;
        loop {
            self.begin_all(now).await?;
            self.finish().await?;
            let mut left = self.behind().await?;
            if left == 0 && self.has_its_share() {
                self.news = self.shards.keys().copied().collect();
                self.ask_ends().await?;
                self.settle(now).await?;
                self.finish().await?;
                if std::mem::take(&mut self.evaluated) > 0 {
                    continue;
                }
                // Shards that come to this process once another is known to be gone are heard of here only.
                if self.step(AT_HAND, now).await?.is_none() {
                    return Ok(());
                }
                continue;
            }
            // Not for ever: shards may be given to another while we wait for their records.
            in_vain += 1;
            while let Some(worked) = self.step(PATIENCE, now).await? {
                in_vain = 0;
                left = left.saturating_sub(worked);
                if left == 0 {
                    break;
                }
            }
            if in_vain == NOTHING_THERE {
                in_vain = 0;
                self.look_for_gaps().await?;
            }
        }
    }

    /// What is left may not be there.
    async fn look_for_gaps(&mut self) -> Result<(), HubError> {
        self.news = self.shards.keys().copied().collect();
        self.ends.clear();
        self.ask_ends().await?;
        self.pass_over_gaps().await
    }

    /// One turn of a process that runs on: waits for something to happen, at most `idle`, takes what else is at hand,
    /// begins to fold it, and to evaluate the shards with news that have caught up. `clock` says the time when there is
    /// something to do. Returns how many students were evaluated since the last turn.
    pub async fn turn(&mut self, idle: Duration, clock: impl Fn() -> Timestamp) -> Result<usize, HubError> {
        let first = self.step_by(idle, &clock).await?;
        if first.is_none() && (self.refresh().await? | self.is_new_day(clock())) {
            self.news.extend(self.shards.keys());
        }
        let came = first.is_some_and(|records| records > 0);
        if came || !self.news.is_empty() {
            self.ask_ends().await?;
        }
        if first.is_none() {
            self.pass_over_gaps().await?;
        }
        let more = if came { DELIVERIES - 1 } else { 0 };
        for _ in 0..more {
            if self.step_by(AT_HAND, &clock).await?.is_none() {
                break;
            }
        }
        self.settle(clock()).await?;
        Ok(std::mem::take(&mut self.evaluated))
    }

    fn is_new_day(&mut self, now: Timestamp) -> bool {
        let today = self.hub.settings.district.local_date(now);
        self.day.replace(today) != Some(today)
    }

    async fn step(&mut self, idle: Duration, now: Timestamp) -> Result<Option<u64>, HubError> {
        self.step_by(idle, &|| now).await
    }

    /// Waits for the next delivery, and takes it, or for the end of work that was begun; returns how many records came.
    /// `None`: nothing happened in time.
    async fn step_by(
        &mut self,
        idle: Duration,
        clock: &impl Fn() -> Timestamp,
    ) -> Result<Option<u64>, HubError> {
        // Only waits are given up, never work: a delivery in hand is always worked through.
        let came = tokio::select! {
            delivery = self.subscription.next(RECORDS) => Some(self.work(delivery?, clock()).await?),
            Some(done) = self.at_work.join_next() => {
                self.worked(done).await?;
                Some(0)
            }
            () = tokio::time::sleep(idle) => None,
        };
        if !self.to_take.is_empty() {
            self.finish().await?;
            self.take_due().await?;
        }
        Ok(came)
    }

    async fn work(&mut self, delivery: Delivery, now: Timestamp) -> Result<u64, HubError> {
        match delivery {
            Delivery::Assigned(shards) => {
                self.was_assigned = true;
                self.to_take.extend(shards);
            }
            Delivery::Revoked(shards) => {
                let finished = self.finish().await;
                for shard in &shards {
                    self.shards.remove(shard);
                    self.to_take.remove(shard);
                    self.news.remove(shard);
                    self.ends.remove(shard);
                    drop(self.brought.take(*shard));
                }
                finished?;
            }
            Delivery::Records { shard, records } => {
                crate::failpoint!("poll");
                let count = records.len() as u64;
                self.brought.add(shard, records);
                if self.brought.count() >= RECORDS {
                    self.begin_all(now).await?;
                }
                return Ok(count);
            }
        }
        Ok(0)
    }

    /// Whether the group has given this process its shards and it has taken them.
    fn has_its_share(&self) -> bool {
        self.was_assigned && self.to_take.is_empty()
    }

    /// Records between this consumer and the end of the log, over the shards in hand.
    pub async fn behind(&self) -> Result<u64, HubError> {
        let mut behind = 0;
        for in_hand in self.shards.values() {
            let Lease { shard, positions, .. } = &in_hand.lease;
            let ends = ends_of(&*self.hub.log, &self.topics, *shard).await?;
            behind += behind_of(&*self.hub.log, &self.topics, *shard, positions, &ends).await?;
        }
        Ok(behind)
    }
}

#[cfg(test)]
mod tests;
