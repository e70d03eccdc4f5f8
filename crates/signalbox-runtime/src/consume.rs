//! The risk consumer: from events to flags, one transaction per batch.
//!
//! A batch is folded and committed with its positions; who is touched becomes *due*. When a shard has caught up with
//! the log and no run is open on it, everybody due is evaluated, and what changed leaves in the same transaction as
//! the state that says it was announced.
//!
//! # Layout
//! - this file: `RiskConsumer`, which folds; `fold`: what one event changes; `evaluate`: who is due; `alerts`: what
//!   leaves; `position`: where the consumer is on the log
//! - `own`: taking shards, and losing them; `student`, `shard`: the states

pub(crate) mod alerts;
mod evaluate;
mod fold;
mod own;
mod position;
pub mod shard;
pub mod student;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use signalbox_event::codec::{DecodeError, from_record};
use signalbox_event::{Domain, Event};
use signalbox_log::{Delivery, Offset, Record, Shard, Subscription};
use signalbox_risk::Reference;
use signalbox_store::state::{Batch, Lease, StateRow, Subject};

pub use self::alerts::{reason_of, student_ref};
pub(crate) use self::fold::AT_ONCE_MS;
pub(crate) use self::fold::observation as observe;
use self::fold::{Fold, StudentInHand, subject_of};
use self::position::{advance, advances};
pub use self::position::{behind_of, ends_of};
use self::shard::ShardState;
use self::student::{StudentState, StudentYear};
use crate::dead_letters;
use crate::hub::{Hub, HubError};
use crate::reference::ReferenceView;

/// The consumer's name in the state store, with its generation.
pub const CONSUMER: &str = "risk@1";
/// The word for it on screen and in topic names.
pub const NAME: &str = "risk";

/// Records folded in one transaction. A first load brings a student's year in a row: the more of them, the fewer times
/// a state is read and written.
const RECORDS: usize = 8_000;
/// Students evaluated in one transaction.
const STUDENTS: usize = 2_000;
/// How long draining waits for a delivery before it looks again whether anything is left.
const PATIENCE: Duration = Duration::from_millis(100);

/// The topics the consumer reads; of several with records, the earlier is read first.
pub const DOMAINS: [Domain; 4] = [Domain::Ops, Domain::Roster, Domain::Attendance, Domain::Intervention];

/// The risk role of one process: owns the shards its group gives it.
pub struct RiskConsumer {
    hub: Arc<Hub>,
    topics: Vec<String>,
    subscription: Box<dyn Subscription>,
    shards: BTreeMap<Shard, InHand>,
    /// Shards that something happened on since they were evaluated last.
    news: BTreeSet<Shard>,
    view: ReferenceView,
    /// Assigned, and to be taken: at first, and again after the store or the log did not answer.
    to_take: BTreeSet<Shard>,
    was_assigned: bool,
}

impl std::fmt::Debug for RiskConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RiskConsumer").field("shards", &self.shards.keys()).finish_non_exhaustive()
    }
}

/// A shard that is this process's.
struct InHand {
    lease: Lease,
    state: ShardState,
    /// Built when first needed after a change.
    reference: Option<Reference>,
    /// Where the topics ended when somebody was to be evaluated: from there on the shard has caught up, however much is
    /// appended meanwhile.
    catch_up: Option<Vec<Offset>>,
}

/// The consumer's group on the log: hubs with other topics are other groups.
pub fn group(hub: &Hub) -> String {
    format!("{}.signalbox.{NAME}", hub.settings.topics.prefix)
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
            news: BTreeSet::new(),
            view: ReferenceView::default(),
            to_take: BTreeSet::new(),
            was_assigned: false,
        })
    }

    /// Folds and evaluates until nothing is left to do on the shards in hand.
    pub async fn drain(&mut self, now: Timestamp) -> Result<(), HubError> {
        loop {
            let mut left = self.behind().await?;
            if left == 0 && self.has_its_share() {
                match self.evaluate_due(now).await? {
                    0 => return Ok(()),
                    _ => continue,
                }
            }
            // Not for ever: shards may be given to another while we wait for their records.
            while let Some(worked) = self.step(PATIENCE, now).await? {
                left = left.saturating_sub(worked);
                if left == 0 {
                    break;
                }
            }
        }
    }

    /// One turn of a process that runs on: waits for a delivery, at most `idle`, works it, and evaluates the shards
    /// with news that have caught up. `clock` says the time when there is something to do.
    pub async fn turn(&mut self, idle: Duration, clock: impl Fn() -> Timestamp) -> Result<(), HubError> {
        if self.step_by(idle, &clock).await?.is_none() && self.view.refresh(&self.hub).await? {
            self.news = self.shards.keys().copied().collect();
        }
        for shard in self.news.clone() {
            self.evaluate(shard, clock()).await?;
        }
        Ok(())
    }

    async fn step(&mut self, idle: Duration, now: Timestamp) -> Result<Option<u64>, HubError> {
        self.step_by(idle, &|| now).await
    }

    /// Waits for the next delivery and works it; returns how many records it brought. `None`: none came in time.
    async fn step_by(
        &mut self,
        idle: Duration,
        clock: &impl Fn() -> Timestamp,
    ) -> Result<Option<u64>, HubError> {
        // Only the wait is given up, never the work: a delivery in hand is always worked through.
        let worked = match tokio::time::timeout(idle, self.subscription.next(RECORDS)).await {
            Ok(delivery) => Some(self.work(delivery?, clock()).await?),
            Err(_) => None,
        };
        self.take_due().await?;
        Ok(worked)
    }

    async fn work(&mut self, delivery: Delivery, now: Timestamp) -> Result<u64, HubError> {
        match delivery {
            Delivery::Assigned(shards) => {
                self.was_assigned = true;
                self.to_take.extend(shards);
            }
            Delivery::Revoked(shards) => {
                self.shards.retain(|shard, _| !shards.contains(shard));
                self.to_take.retain(|shard| !shards.contains(shard));
                self.news.retain(|shard| !shards.contains(shard));
            }
            Delivery::Records { shard, records } => {
                self.fold(shard, &records, now).await?;
                return Ok(records.len() as u64);
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

    async fn fold(&mut self, shard: Shard, records: &[Record], now: Timestamp) -> Result<(), HubError> {
        crate::failpoint!("poll");
        let Some(mut in_hand) = self.shards.remove(&shard) else { return Ok(()) };
        let folded = self.fold_batch(&mut in_hand, records, now).await;
        if self.keep_or_take_again(in_hand, folded)?.is_some() {
            self.news.insert(shard);
            self.report(shard).await;
        }
        Ok(())
    }

    async fn fold_batch(
        &self,
        in_hand: &mut InHand,
        records: &[Record],
        now: Timestamp,
    ) -> Result<(), HubError> {
        let mut outbox = Vec::new();
        let mut events = Vec::with_capacity(records.len());
        for record in records {
            match read(record) {
                Ok(event) => events.push(event),
                Err(error) => outbox.push(dead_letters::entry(record, &error, now)),
            }
        }
        let students = self.load(&in_hand.lease, events.iter().filter_map(subject_of).collect()).await?;
        let mut shard = in_hand.state.clone();
        let mut fold = Fold {
            district: &self.hub.settings.district.id,
            now,
            shard: &mut shard,
            students,
            all_due: false,
            shard_changed: false,
            coverage_changed: false,
        };
        for event in &events {
            fold.apply(event);
        }
        let Fold { students, all_due, shard_changed, coverage_changed, .. } = fold;
        let mut states: Vec<StateRow> = students
            .into_iter()
            .filter(|(_, in_hand)| in_hand.changed)
            .map(|(who, in_hand)| state_row(who, &in_hand.state, in_hand.due_ms))
            .collect();
        if shard_changed || all_due {
            states.push(shard_row(&shard));
        }
        let advances = advances(&in_hand.lease, records);
        let batch =
            Batch { advances: advances.clone(), states, all_due_ms: all_due.then_some(AT_ONCE_MS), outbox };
        self.hub.states.commit(&in_hand.lease, batch).await?;
        crate::failpoint!("state.commit");
        advance(&mut in_hand.lease, advances);
        in_hand.state = shard;
        if coverage_changed {
            in_hand.reference = None;
        }
        Ok(())
    }

    async fn load(
        &self,
        lease: &Lease,
        who: BTreeSet<StudentYear>,
    ) -> Result<BTreeMap<StudentYear, StudentInHand>, HubError> {
        let subjects: Vec<Subject> = who.iter().map(|who| who.subject()).collect();
        let rows = self.hub.states.load(lease, &subjects).await?;
        who.into_iter()
            .zip(rows)
            .map(|(who, row)| {
                let in_hand = match row {
                    None => StudentInHand::default(),
                    Some(row) => StudentInHand {
                        state: StudentState::decode(&row.state)?,
                        due_ms: row.due_ms,
                        changed: false,
                    },
                };
                Ok((who, in_hand))
            })
            .collect()
    }
}

fn read(record: &Record) -> Result<Event, DecodeError> {
    let headers = record.headers.iter().map(|(name, value)| (name.as_str(), &value[..]));
    from_record(headers, &record.value)
}

fn state_row(who: StudentYear, state: &StudentState, due_ms: Option<i64>) -> StateRow {
    StateRow { subject: who.subject(), state: state.encode(), due_ms }
}

fn shard_row(state: &ShardState) -> StateRow {
    StateRow { subject: ShardState::subject(), state: state.encode(), due_ms: None }
}

#[cfg(test)]
mod tests;
