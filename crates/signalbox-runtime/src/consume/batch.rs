//! Records folded in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use signalbox_event::Event;
use signalbox_event::codec::from_record;
use signalbox_log::{Offset, Record};
use signalbox_risk::Reference;
use signalbox_store::outbox::NewEntry;
use signalbox_store::state::{Batch, Lease, StateRow};

use super::fold::{AT_ONCE_MS, Fold, StudentInHand, subject_of};
use super::kept::Kept;
use super::position::{advance, advances};
use super::shard::ShardState;
use super::student::StudentYear;
use super::waiting::Waiting;
use crate::dead_letters;
use crate::hub::{Hub, HubError};

/// A shard that is this process's.
pub(super) struct InHand {
    pub(super) lease: Lease,
    pub(super) state: ShardState,
    pub(super) waiting: Waiting,
    /// Whether the store knows that somebody waits.
    pub(super) is_due: bool,
    pub(super) kept: Kept,
    /// When the store was asked for dates that had come.
    pub(super) due_asked_ms: Option<i64>,
    /// Built when first needed after a change.
    pub(super) reference: Option<Reference>,
    /// Where the topics ended when somebody was to be evaluated: from there on the shard has caught up, however much is
    /// appended meanwhile.
    pub(super) catch_up: Option<Vec<Offset>>,
}

impl InHand {
    /// A shard of so many, just taken. `row` is its own, which knows whether somebody waits.
    pub(super) fn new(lease: Lease, row: Option<&StateRow>, shards: u32) -> Result<Self, HubError> {
        let state = row.map(|row| ShardState::decode(&row.state)).transpose()?.unwrap_or_default();
        let is_due = row.is_some_and(|row| row.due_ms.is_some());
        let waiting = if is_due { Waiting::Everybody } else { Waiting::default() };
        Ok(Self {
            lease,
            state,
            waiting,
            is_due,
            kept: Kept::one_of(shards),
            due_asked_ms: None,
            reference: None,
            catch_up: None,
        })
    }

    pub(super) fn row(&self) -> StateRow {
        shard_row(&self.state, self.is_due)
    }
}

/// Folds records of a shard. On failure nothing was written, or nobody knows; what is in hand is to be dropped.
pub(super) async fn fold(
    hub: Arc<Hub>,
    mut in_hand: InHand,
    records: Vec<Record>,
    now: Timestamp,
) -> (InHand, Result<(), HubError>) {
    let folded = fold_into(&hub, &mut in_hand, &records, now).await;
    (in_hand, folded)
}

async fn fold_into(
    hub: &Hub,
    in_hand: &mut InHand,
    records: &[Record],
    now: Timestamp,
) -> Result<(), HubError> {
    let (events, outbox) = read(records, now);
    let students = load(hub, in_hand, events.iter().filter_map(subject_of).collect()).await?;
    let states = apply(hub, in_hand, students, &events, now);
    let batch = Batch { advances: advances(&in_hand.lease, records), states, outbox };
    hub.states.commit(&in_hand.lease, &batch).await?;
    crate::failpoint!("state.commit");
    advance(&mut in_hand.lease, batch.advances);
    in_hand.kept.keep(&batch.states);
    Ok(())
}

/// The events, and entries for the dead-letter topic of what is none.
fn read(records: &[Record], now: Timestamp) -> (Vec<Event>, Vec<NewEntry>) {
    let mut dead = Vec::new();
    let mut events = Vec::with_capacity(records.len());
    for record in records {
        let headers = record.headers.iter().map(|(name, value)| (name.as_str(), &value[..]));
        match from_record(headers, &record.value) {
            Ok(event) => events.push(event),
            Err(error) => dead.push(dead_letters::entry(record, &error, now)),
        }
    }
    (events, dead)
}

/// Folds events into the shard and its students. Returns the rows that changed.
fn apply(
    hub: &Hub,
    in_hand: &mut InHand,
    students: BTreeMap<StudentYear, StudentInHand>,
    events: &[Event],
    now: Timestamp,
) -> Vec<StateRow> {
    let mut fold = Fold {
        district: &hub.settings.district.id,
        now,
        shard: &mut in_hand.state,
        students,
        all_wait: false,
        shard_changed: false,
        coverage_changed: false,
    };
    for event in events {
        fold.apply(event);
    }
    let Fold { students, all_wait, shard_changed, coverage_changed, .. } = fold;
    if coverage_changed {
        in_hand.reference = None;
    }
    if all_wait {
        in_hand.waiting = Waiting::Everybody;
    }
    in_hand.waiting.add(students.iter().filter(|(_, student)| student.waits).map(|(who, _)| *who));
    let was_due = std::mem::replace(&mut in_hand.is_due, !in_hand.waiting.is_nobody());
    let changed = students.into_iter().filter(|(_, student)| student.changed);
    let mut states: Vec<StateRow> = changed.map(|(who, student)| student.row(who)).collect();
    if shard_changed || in_hand.is_due != was_due {
        states.push(in_hand.row());
    }
    states
}

async fn load(
    hub: &Hub,
    in_hand: &mut InHand,
    who: BTreeSet<StudentYear>,
) -> Result<BTreeMap<StudentYear, StudentInHand>, HubError> {
    let who: Vec<StudentYear> = who.into_iter().collect();
    let rows = in_hand.kept.load(&*hub.states, &in_hand.lease, &who).await?;
    let student = |row: Option<StateRow>| match row {
        None => Ok(StudentInHand::default()),
        Some(row) => StudentInHand::of(&row),
    };
    who.into_iter().zip(rows).map(|(who, row)| Ok((who, student(row)?))).collect()
}

fn shard_row(state: &ShardState, is_due: bool) -> StateRow {
    let due_ms = is_due.then_some(AT_ONCE_MS);
    StateRow { subject: ShardState::subject(), state: state.encode(), due_ms }
}
