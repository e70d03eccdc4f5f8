//! What a process holds of a shard that is its own.

use jiff::civil::Date;
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::{ShardChange, ShardState};
use signalbox_hub::{Hub, HubError};
use signalbox_store::state::{Lease, StateRow};

use super::admit::Admission;
use super::folder::Folder;
use super::kept::Kept;
use super::waiting::Waiting;

/// The due date of a shard on which somebody waits: past, whatever the clock of the next command says.
const AT_ONCE_MS: i64 = 0;

/// A shard that is this process's.
pub(super) struct InHand<F: Folder> {
    pub(super) lease: Lease,
    pub(super) state: ShardState<F::Shard>,
    /// Whether the shard's own row is to be written.
    changed: bool,
    pub(super) waiting: Waiting<F::Who>,
    /// Whether the store knows that somebody waits.
    is_due: bool,
    pub(super) kept: Kept<F::Who>,
    pub(super) admission: Admission,
    /// The day whose due dates the store was asked for.
    pub(super) due_asked: Option<Date>,
    /// Built when first needed after a change.
    pub(super) reference: Option<F::Reference>,
}

impl<F: Folder> InHand<F> {
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
            due_asked: None,
            reference: None,
        })
    }

    /// The shard's own row, if it is to be written. The sum of digests grows by so much.
    pub(super) fn take_changed(&mut self, digest: u128) -> Option<StateRow> {
        self.state.digest = self.state.digest.wrapping_add(digest);
        self.changed |= digest != 0;
        let was_due = std::mem::replace(&mut self.is_due, !self.waiting.is_nobody());
        let changed = std::mem::take(&mut self.changed) || self.is_due != was_due;
        changed.then(|| StateRow {
            subject: ShardState::<F::Shard>::subject(),
            state: self.state.encode().into(),
            due_ms: self.is_due.then_some(AT_ONCE_MS),
        })
    }

    /// An event changed the shard so.
    pub(super) fn heard(&mut self, change: ShardChange) {
        self.changed |= change > ShardChange::Same;
        if change == ShardChange::Turned {
            self.reference = None;
            self.waiting = Waiting::Everybody;
        }
    }

    /// A change of the calendars is everybody's.
    pub(super) fn follow(&mut self, view: &ReferenceView) {
        let calendars = view.changes();
        if self.state.calendars != calendars {
            self.state.calendars = calendars;
            self.changed = true;
            self.reference = None;
            self.waiting = Waiting::Everybody;
        }
    }

    /// The day never goes back with the clock. A new school year is everybody's.
    pub(super) fn turn_to(&mut self, today: Date, view: &ReferenceView) {
        let as_of = self.state.day(today);
        let running_year = view.running_year(as_of);
        if self.state.running_year != running_year {
            self.state.running_year = running_year;
            self.changed = true;
            self.waiting = Waiting::Everybody;
        }
        if self.state.as_of != Some(as_of) {
            self.state.as_of = Some(as_of);
            self.changed = true;
        }
    }

    /// Takes what everybody is decided against; to be put back.
    pub(super) fn take_reference(&mut self, hub: &Hub, view: &ReferenceView) -> F::Reference {
        self.reference.take().unwrap_or_else(|| F::reference(&self.state, &hub.settings, view))
    }
}
