//! What is written in one transaction: the states in hand, how far the positions move, and what leaves.

use std::collections::BTreeMap;

use signalbox_event::Event;
use signalbox_risk::Reference;
use signalbox_store::outbox::NewEntry;
use signalbox_store::state::{Advance, Batch, Lease, StateRow};

use super::admit::Admission;
use super::fold::{AT_ONCE_MS, StudentInHand, subject_of};
use super::kept::Kept;
use super::position::advance;
use super::shard::ShardState;
use super::student::StudentYear;
use super::waiting::Waiting;
use crate::hub::{Hub, HubError};

/// A shard that is this process's.
pub(super) struct InHand {
    pub(super) lease: Lease,
    pub(super) state: ShardState,
    /// Whether the shard's own row is to be written.
    pub(super) changed: bool,
    pub(super) waiting: Waiting,
    /// Whether the store knows that somebody waits.
    is_due: bool,
    pub(super) kept: Kept,
    pub(super) admission: Admission,
    /// When the store was asked for dates that had come.
    pub(super) due_asked_ms: Option<i64>,
    /// Built when first needed after a change.
    pub(super) reference: Option<Reference>,
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
            changed: false,
            waiting,
            is_due,
            kept: Kept::one_of(shards),
            admission: Admission::default(),
            due_asked_ms: None,
            reference: None,
        })
    }

    fn row(&self) -> StateRow {
        let due_ms = self.is_due.then_some(AT_ONCE_MS);
        StateRow { subject: ShardState::subject(), state: self.state.encode(), due_ms }
    }
}

/// A transaction in the making. What is in hand has changed already: when writing fails, it is to be dropped.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) advances: Vec<Advance>,
    pub(super) students: BTreeMap<StudentYear, StudentInHand>,
    pub(super) outbox: Vec<NewEntry>,
}

impl Draft {
    /// Loads those whom events are about; who has no state yet has an empty one.
    pub(super) async fn load_for(
        &mut self,
        hub: &Hub,
        in_hand: &mut InHand,
        events: &[Event],
    ) -> Result<(), HubError> {
        self.load(hub, in_hand, events.iter().filter_map(subject_of)).await?;
        for who in events.iter().filter_map(subject_of) {
            self.students.entry(who).or_default();
        }
        Ok(())
    }

    /// Loads those who are not here and have a state.
    pub(super) async fn load(
        &mut self,
        hub: &Hub,
        in_hand: &mut InHand,
        who: impl Iterator<Item = StudentYear>,
    ) -> Result<(), HubError> {
        let mut who: Vec<StudentYear> = who.filter(|who| !self.students.contains_key(who)).collect();
        who.sort_unstable();
        who.dedup();
        let rows = in_hand.kept.load(&*hub.states, &in_hand.lease, &who).await?;
        self.add(who.into_iter().zip(rows).filter_map(|(who, row)| Some((who, row?))))
    }

    pub(super) fn add(
        &mut self,
        rows: impl IntoIterator<Item = (StudentYear, StateRow)>,
    ) -> Result<(), HubError> {
        for (who, row) in rows {
            self.students.insert(who, StudentInHand::of(row)?);
        }
        Ok(())
    }

    /// Writes what changed, if anything did.
    pub(super) async fn commit(self, hub: &Hub, in_hand: &mut InHand) -> Result<(), HubError> {
        let Self { advances, students, outbox } = self;
        let mut states: Vec<StateRow> =
            students.into_iter().filter_map(|(who, student)| student.into_changed(who)).collect();
        let was_due = std::mem::replace(&mut in_hand.is_due, !in_hand.waiting.is_nobody());
        if std::mem::take(&mut in_hand.changed) || in_hand.is_due != was_due {
            states.push(in_hand.row());
        }
        let batch = Batch { advances, states, outbox };
        if batch.advances.is_empty() && batch.states.is_empty() && batch.outbox.is_empty() {
            return Ok(());
        }
        hub.states.commit(&in_hand.lease, &batch).await?;
        crate::failpoint!("state.commit");
        advance(&mut in_hand.lease, batch.advances);
        in_hand.kept.keep(&batch.states);
        Ok(())
    }
}
