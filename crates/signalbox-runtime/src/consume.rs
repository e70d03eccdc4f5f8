//! The risk consumer: from events to flags, one transaction per batch.
//!
//! A batch is folded and committed with its positions; who is touched becomes *due*. When a shard has caught up with
//! the log and no run is open on it, everybody due is evaluated, and what changed leaves in the same transaction as
//! the state that says it was announced.
//!
//! # Layout
//! - this file: [`RiskConsumer`]; [`fold`]: what one event changes; [`alerts`]: what leaves
//! - [`student`], [`shard`]: the states

pub(crate) mod alerts;
mod fold;
pub mod shard;
pub mod student;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use signalbox_event::codec::from_record;
use signalbox_event::{Domain, Event};
use signalbox_log::{Delivery, EventLog, Record, Shard, StartAt, Subscription};
use signalbox_risk::{Reference, announce, evaluate};
use signalbox_store::StoreError;
use signalbox_store::outbox::{NewEntry, TO_LOG};
use signalbox_store::state::{Advance, Batch, Lease, Position, StateRow, Subject};

use self::alerts::Announcer;
pub use self::alerts::{reason_of, student_ref};
pub(crate) use self::fold::observation as observe;
use self::fold::{AT_ONCE_MS, Fold, StudentInHand, subject_of};
use self::shard::ShardState;
use self::student::{StudentState, StudentYear};
use crate::hub::{Hub, HubError};
use crate::reference::ReferenceView;
use crate::relay;

/// The consumer's name in the state store, with its generation.
pub const CONSUMER: &str = "risk@1";
/// The consumer's group on the log.
pub const GROUP: &str = "signalbox.risk";
/// The word for it on screen and in topic names.
pub const NAME: &str = "risk";

const BATCH: usize = 2_000;

/// The topics the consumer reads; of several with records, the earlier is read first.
pub const DOMAINS: [Domain; 4] = [Domain::Ops, Domain::Roster, Domain::Attendance, Domain::Intervention];

/// The risk role of one process: owns the shards its group gives it.
pub struct RiskConsumer {
    hub: Arc<Hub>,
    topics: Vec<String>,
    subscription: Box<dyn Subscription>,
    shards: BTreeMap<Shard, InHand>,
    view: ReferenceView,
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
}

impl RiskConsumer {
    pub async fn join(hub: Arc<Hub>) -> Result<Self, HubError> {
        let topics: Vec<String> =
            DOMAINS.into_iter().map(|domain| hub.settings.topics.name(domain)).collect();
        let subscription = hub.log.join(GROUP, &topics).await?;
        Ok(Self {
            hub,
            topics,
            subscription,
            shards: BTreeMap::new(),
            view: ReferenceView::default(),
            was_assigned: false,
        })
    }

    /// Folds and evaluates until nothing is left to do.
    pub async fn drain(&mut self, now: Timestamp) -> Result<(), HubError> {
        while !self.was_assigned {
            self.step(now).await?;
        }
        loop {
            let mut left = self.behind().await?;
            if left == 0 && self.evaluate_due(now).await? == 0 {
                return Ok(());
            }
            while left > 0 {
                left = left.saturating_sub(self.step(now).await?);
            }
        }
    }

    /// Waits for the next delivery and works it; returns how many records it brought. Cancel-safe while it waits.
    pub async fn step(&mut self, now: Timestamp) -> Result<u64, HubError> {
        match self.subscription.next(BATCH).await? {
            Delivery::Assigned(shards) => {
                self.was_assigned = true;
                for shard in shards {
                    self.take(shard).await?;
                }
            }
            Delivery::Revoked(shards) => self.shards.retain(|shard, _| !shards.contains(shard)),
            Delivery::Records { shard, records } => {
                self.fold(shard, &records, now).await?;
                return Ok(records.len() as u64);
            }
        }
        Ok(0)
    }

    /// Records between this consumer and the end of the log, over the shards in hand.
    pub async fn behind(&self) -> Result<u64, HubError> {
        let mut behind = 0;
        for in_hand in self.shards.values() {
            behind += behind_of(&*self.hub.log, &self.topics, in_hand.lease.shard, &in_hand.lease.positions)
                .await?;
        }
        Ok(behind)
    }

    /// Takes a shard and begins to read where its state ends.
    async fn take(&mut self, shard: Shard) -> Result<(), HubError> {
        let lease = self.hub.states.acquire(CONSUMER, shard).await?;
        for position in &lease.positions {
            self.check_position(shard, position).await?;
        }
        let row = self.hub.states.load(&lease, &[ShardState::subject()]).await?.pop().flatten();
        let state = row.map(|row| ShardState::decode(&row.state)).transpose()?.unwrap_or_default();
        let start: Vec<StartAt> = lease
            .positions
            .iter()
            .map(|position| StartAt { topic: position.topic.clone(), offset: position.next })
            .collect();
        self.subscription.start(shard, &start).await?;
        self.shards.insert(shard, InHand { lease, state, reference: None });
        Ok(())
    }

    /// The record before a position must be the one that was folded, else the log was replaced.
    async fn check_position(&self, shard: Shard, position: &Position) -> Result<(), HubError> {
        let (Some(last_id), Some(before)) = (&position.last_id, position.next.checked_sub(1)) else {
            return Ok(());
        };
        let records = self.hub.log.read(&position.topic, shard, before, 1).await?;
        let found = records.first().filter(|record| record.offset == before).map(record_id);
        match found {
            // Retention may have taken it.
            None => Ok(()),
            Some(id) if id == *last_id => Ok(()),
            Some(_) => {
                Err(HubError::LogReplaced { topic: position.topic.clone(), shard, offset: position.next })
            }
        }
    }

    async fn fold(&mut self, shard: Shard, records: &[Record], now: Timestamp) -> Result<(), HubError> {
        crate::failpoint!("poll");
        let Some(mut in_hand) = self.shards.remove(&shard) else { return Ok(()) };
        match self.fold_batch(&mut in_hand, records, now).await {
            Ok(()) => {
                self.shards.insert(shard, in_hand);
                Ok(())
            }
            // Somebody else has written: drop the batch and begin where the store says, if the shard is still ours.
            Err(HubError::Store(StoreError::Fenced | StoreError::Moved | StoreError::Unknown)) => {
                self.take(shard).await
            }
            Err(error) => Err(error),
        }
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
                Err(reason) => outbox.push(dead_letter(record, &reason, now)),
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

    /// Evaluates who is due on every shard that has caught up and has no open run. Returns how many were.
    pub async fn evaluate_due(&mut self, now: Timestamp) -> Result<usize, HubError> {
        self.view.refresh(&self.hub).await?;
        let mut evaluated = 0;
        for shard in self.shards.keys().copied().collect::<Vec<_>>() {
            let Some(mut in_hand) = self.shards.remove(&shard) else { continue };
            match self.evaluate_shard(&mut in_hand, now).await {
                Ok(count) => {
                    evaluated += count;
                    self.shards.insert(shard, in_hand);
                }
                Err(HubError::Store(StoreError::Fenced | StoreError::Moved | StoreError::Unknown)) => {
                    self.take(shard).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(evaluated)
    }

    async fn evaluate_shard(&self, in_hand: &mut InHand, now: Timestamp) -> Result<usize, HubError> {
        let Lease { shard, positions, .. } = &in_hand.lease;
        let behind = behind_of(&*self.hub.log, &self.topics, *shard, positions).await?;
        if in_hand.state.has_open_run() || behind > 0 {
            return Ok(0);
        }
        self.follow_reference(in_hand).await?;
        let mut evaluated = 0;
        loop {
            let due = self.hub.states.due(&in_hand.lease, now.as_millisecond(), BATCH).await?;
            if due.is_empty() {
                return Ok(evaluated);
            }
            evaluated += due.len();
            self.evaluate_batch(in_hand, &due, now).await?;
        }
    }

    /// A change of the calendars makes everybody due.
    async fn follow_reference(&self, in_hand: &mut InHand) -> Result<(), HubError> {
        let version = self.view.version();
        if in_hand.state.reference_version == version {
            return Ok(());
        }
        let mut state = in_hand.state.clone();
        state.reference_version = version;
        let batch =
            Batch { states: vec![shard_row(&state)], all_due_ms: Some(AT_ONCE_MS), ..Batch::default() };
        self.hub.states.commit(&in_hand.lease, batch).await?;
        in_hand.state = state;
        in_hand.reference = None;
        Ok(())
    }

    async fn evaluate_batch(
        &self,
        in_hand: &mut InHand,
        due: &[Subject],
        now: Timestamp,
    ) -> Result<(), HubError> {
        let reference = match in_hand.reference.take() {
            Some(reference) => reference,
            None => in_hand.state.reference(&self.hub.settings, &self.view),
        };
        let who: BTreeSet<StudentYear> =
            due.iter().filter_map(|subject| StudentYear::of_subject(subject)).collect();
        let mut batch = Batch::default();
        if who.len() < due.len() {
            batch.states.push(shard_row(&in_hand.state));
        }
        for (who, mut student) in self.load(&in_hand.lease, who).await? {
            let entries = self.evaluate_student(&in_hand.state, &reference, who, &mut student.state, now);
            batch.outbox.extend(entries);
            batch.states.push(state_row(who, &student.state, None));
        }
        in_hand.reference = Some(reference);
        self.hub.states.commit(&in_hand.lease, batch).await?;
        crate::failpoint!("state.commit");
        Ok(())
    }

    fn evaluate_student(
        &self,
        shard: &ShardState,
        reference: &Reference,
        who: StudentYear,
        state: &mut StudentState,
        now: Timestamp,
    ) -> Vec<NewEntry> {
        let as_of = self.hub.settings.district.local_date(now);
        let policy = &self.hub.settings.policy;
        let evaluation = evaluate(&state.registers, reference, policy, who.school_year, as_of);
        let changes = announce(&evaluation, &mut state.announced, now);
        Announcer { hub: &self.hub, shard, who, evaluation: &evaluation, now }.entries(state, &changes)
    }
}

/// Records of a shard between `positions` and the end of the log.
pub async fn behind_of(
    log: &dyn EventLog,
    topics: &[String],
    shard: Shard,
    positions: &[Position],
) -> Result<u64, HubError> {
    let mut behind = 0;
    for topic in topics {
        let bounds = log.bounds(topic, shard).await?;
        let at = positions.iter().find(|position| position.topic == *topic).map_or(bounds.start, |p| p.next);
        behind += bounds.end.saturating_sub(at);
    }
    Ok(behind)
}

fn read(record: &Record) -> Result<Event, String> {
    let headers = record.headers.iter().map(|(name, value)| (name.as_str(), &value[..]));
    from_record(headers, &record.value).map_err(|error| error.to_string())
}

/// A name for a record: its event id, or the offset where it has none.
fn record_id(record: &Record) -> String {
    record
        .headers
        .iter()
        .find(|(name, _)| name == "ce_id")
        .and_then(|(_, value)| std::str::from_utf8(value).ok())
        .map_or_else(|| format!("offset-{}", record.offset), str::to_owned)
}

fn dead_letter(record: &Record, reason: &str, now: Timestamp) -> NewEntry {
    let id = signalbox_event::id::derived(&[
        b"dead-letter",
        NAME.as_bytes(),
        record.topic.as_bytes(),
        &record.shard.to_be_bytes(),
        &record.offset.to_be_bytes(),
    ]);
    NewEntry {
        id,
        target: TO_LOG.to_owned(),
        lane: format!("{}/{}", record.topic, record.shard),
        kind: "dead-letter".to_owned(),
        flag_id: None,
        body: relay::dead_letter_body(record, NAME, reason),
        created_ms: now.as_millisecond(),
        withheld: false,
        part: false,
        cancels: None,
    }
}

fn state_row(who: StudentYear, state: &StudentState, due_ms: Option<i64>) -> StateRow {
    StateRow { subject: who.subject(), state: state.encode(), due_ms }
}

fn shard_row(state: &ShardState) -> StateRow {
    StateRow { subject: ShardState::subject(), state: state.encode(), due_ms: None }
}

/// How the positions move over `records`.
fn advances(lease: &Lease, records: &[Record]) -> Vec<Advance> {
    let mut advances: Vec<Advance> = Vec::new();
    for record in records {
        let to = Position {
            topic: record.topic.clone(),
            next: record.offset + 1,
            last_id: Some(record_id(record)),
        };
        if let Some(advance) = advances.iter_mut().find(|advance| advance.to.topic == record.topic) {
            advance.to = to;
        } else {
            let held = lease.positions.iter().find(|position| position.topic == record.topic);
            advances.push(Advance { from: held.map_or(0, |position| position.next), to });
        }
    }
    advances
}

fn advance(lease: &mut Lease, advances: Vec<Advance>) {
    for Advance { to, .. } in advances {
        match lease.positions.iter_mut().find(|position| position.topic == to.topic) {
            Some(position) => *position = to,
            None => lease.positions.push(to),
        }
    }
}
