//! The kernel of consuming: from events to states and what is decided of them, one transaction per batch. What a
//! consumer makes of events is its [`Folder`]'s; everything here is the same for all.
//!
//! Records are folded and committed with their positions; who is touched *waits*. When a shard has caught up with the
//! log and no run is open on it, everybody who waits is decided on, and what changed leaves in the same transaction as
//! the state that says it was announced: that of the folding, if few wait.
//!
//! # Layout
//! - this file: `Member`, a consumer's in one process; `folder`: what a consumer is
//! - `brought`: records to be folded; `evaluate`: when a shard is worked on
//! - `admit`: which records are this hub's own; `work`: one go at a shard
//! - `in_hand`: a shard that is ours; `batch`: what is written in one transaction
//! - `waiting`: who is to be decided on; `kept`: states in memory; `row`: a state as it is stored
//! - `own`: taking shards, and losing them; `position`: where the consumer is on the log; `gaps`: where nothing is
//! - `relay`: from the outbox to the log; `dead_letters`: records nobody can read
//!
//! **Architecture invariant:** it sees traits only; it names neither a database, nor Kafka, nor a vendor. No clock and no
//! randomness: `now` is an argument.

pub mod admit;
mod batch;
mod brought;
pub mod dead_letters;
mod evaluate;
pub mod folder;
mod gaps;
mod in_hand;
mod kept;
mod own;
mod position;
pub mod relay;
mod row;
mod waiting;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_event::Domain;
use signalbox_hub::consumer::{Consumer, Consuming};
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::ShardState;
use signalbox_hub::{Hub, HubError};
use signalbox_log::{Delivery, Offset, Shard, Subscription};
use signalbox_store::state::Lease;
use tokio::task::JoinSet;

use self::brought::Brought;
pub use self::folder::Folder;
use self::in_hand::InHand;
pub use self::position::{behind_of, ends_of};
pub use self::row::digest;

/// Records of a shard folded in one transaction, if so many wait: the more days of a student it has, the fewer times the
/// state is read and written.
const RECORDS: usize = 24_000;
/// Records of all shards that are brought before they are folded, be none of the shards full.
const RECORDS_IN_ALL: usize = 3 * RECORDS;
/// Bytes of their values: three times what so many rows of attendance have.
const BYTES_IN_ALL: usize = 96 << 20;
/// Of one delivery.
const DELIVERED: usize = 4_000;
/// Of whom is decided in one transaction.
const SUBJECTS: usize = 2_000;
/// Shards that are worked on at the same time: while one waits for the store, another uses the processor. Of those that
/// are far behind when they are taken, no more are read: the others wait for their turn, and what is brought is of few
/// students.
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
type Worked<F> = (InHand<F>, Result<Option<usize>, HubError>);

/// The consumer of a folder, for the list of them.
pub const fn listed<F: Folder>() -> Consumer {
    const { assert!(matches!(F::DOMAINS, [Domain::Ops, ..]), "every consumer hears what is in force") };
    Consumer {
        name: F::NAME,
        about: F::ABOUT,
        kept_as: F::KEPT_AS,
        domains: F::DOMAINS,
        join: |hub| Box::pin(async { Ok(Box::new(Member::<F>::join(hub).await?) as Box<dyn Consuming>) }),
    }
}

/// A consumer in one process: owns the shards that its group gives it.
pub struct Member<F: Folder> {
    hub: Arc<Hub>,
    topics: Vec<String>,
    subscription: Box<dyn Subscription>,
    /// Those that nobody works on.
    shards: BTreeMap<Shard, InHand<F>>,
    /// All that were taken, also those that are being worked on.
    taken: BTreeSet<Shard>,
    brought: Brought,
    /// Where the topics of shards ended when this was asked, after they were decided on last: from there on they have
    /// caught up, however much is appended meanwhile.
    ends: BTreeMap<Shard, Vec<Offset>>,
    /// Shards that something happened on since deciding on them was begun last: of what happens meanwhile it may not know.
    news: BTreeSet<Shard>,
    view: Arc<ReferenceView>,
    /// Which of its [changes](ReferenceView::changes) were made news.
    heard_calendars: u64,
    /// Assigned, and to be taken: at first, and again after the store or the log did not answer.
    to_take: BTreeSet<Shard>,
    /// Shards in hand that were far behind when they were taken, and where their topics ended then.
    far_behind: BTreeMap<Shard, Vec<Offset>>,
    was_assigned: bool,
    /// Each on another shard.
    at_work: JoinSet<Worked<F>>,
    /// How many were decided on and not told of.
    decided: usize,
    /// The day of the last turn without news: with a new one, a school year may have begun.
    day: Option<Date>,
}

impl<F: Folder> std::fmt::Debug for Member<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(F::NAME).field("shards", &self.shards.keys()).finish_non_exhaustive()
    }
}

/// Whether somebody on the shard, whoever owns it, waits to be decided on, and no open run holds that up.
pub async fn somebody_waits(hub: &Hub, consumer: &Consumer, shard: Shard) -> Result<bool, HubError> {
    let (state, waits) = ShardState::<()>::stored(hub, consumer.kept_as, shard).await?;
    Ok(waits && !state.has_open_run())
}

#[async_trait]
impl<F: Folder> Consuming for Member<F> {
    async fn drain(&mut self, now: Timestamp) -> Result<(), HubError> {
        let mut in_vain = 0;
        loop {
            self.begin_all(now).await?;
            self.finish().await?;
            let mut left = self.behind().await?;
            if left == 0 && self.has_its_share() {
                self.news.clone_from(&self.taken);
                self.ask_ends().await?;
                self.settle(now).await?;
                self.finish().await?;
                if std::mem::take(&mut self.decided) > 0 {
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

    async fn turn(
        &mut self,
        idle: Duration,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<usize, HubError> {
        let first = self.step_by(idle, clock).await?;
        if first.is_none() && (self.refresh().await? | self.is_new_day(clock())) {
            self.news.extend(&self.taken);
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
            if self.step_by(AT_HAND, clock).await?.is_none() {
                break;
            }
        }
        self.settle(clock()).await?;
        if first.is_none() {
            self.begin_all(clock()).await?;
        }
        Ok(std::mem::take(&mut self.decided))
    }
}

impl<F: Folder> Member<F> {
    /// Becomes a member of the group. Shards come with the first deliveries.
    pub async fn join(hub: Arc<Hub>) -> Result<Self, HubError> {
        let consumer = listed::<F>();
        let topics = consumer.topics(&hub.settings.topics);
        let subscription = hub.log.join(&consumer.group(&hub.settings.topics), &topics).await?;
        Ok(Self {
            hub,
            topics,
            subscription,
            shards: BTreeMap::new(),
            taken: BTreeSet::new(),
            brought: Brought::default(),
            ends: BTreeMap::new(),
            news: BTreeSet::new(),
            view: Arc::default(),
            heard_calendars: 0,
            to_take: BTreeSet::new(),
            far_behind: BTreeMap::new(),
            was_assigned: false,
            at_work: JoinSet::new(),
            decided: 0,
            day: None,
        })
    }

    /// What is left may not be there.
    async fn look_for_gaps(&mut self) -> Result<(), HubError> {
        self.news.clone_from(&self.taken);
        self.ends.clear();
        self.ask_ends().await?;
        self.pass_over_gaps().await
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
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<Option<u64>, HubError> {
        // Only waits are given up, never work: a delivery in hand is always worked through.
        let came = tokio::select! {
            delivery = self.subscription.next(DELIVERED) => Some(self.work(delivery?, clock()).await?),
            Some(done) = self.at_work.join_next() => {
                self.worked(done).await?;
                Some(0)
            }
            () = tokio::time::sleep(idle) => None,
        };
        if self.may_take() {
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
                    self.taken.remove(shard);
                    self.to_take.remove(shard);
                    self.news.remove(shard);
                    self.ends.remove(shard);
                    self.far_behind.remove(shard);
                    drop(self.brought.take(*shard));
                }
                finished?;
            }
            Delivery::Records { shard, records } => {
                signalbox_hub::failpoint!("poll");
                let count = records.len() as u64;
                self.brought.add(shard, records);
                if self.brought.of(shard).len() >= RECORDS {
                    self.begin(shard, None, now).await?;
                } else if self.brought.count() >= RECORDS_IN_ALL || self.brought.bytes() >= BYTES_IN_ALL {
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
