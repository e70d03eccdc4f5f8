//! What is written in one transaction: the states in hand, how far the positions move, and what leaves.

use std::collections::BTreeMap;

use bytes::Bytes;
use signalbox_hub::{Hub, HubError};
use signalbox_store::card::Card;
use signalbox_store::outbox::{Amendment, NewEntry};
use signalbox_store::state::{Advance, Batch, StateRow};

use super::folder::{Folder, State, StateChange, Who};
use super::in_hand::InHand;
use super::position::advance;
use super::row::{self, Maker};

/// A state loaded for this batch.
#[derive(Debug, Default)]
pub(super) struct Loaded<S> {
    pub(super) state: S,
    /// When time alone may change something.
    due_ms: Option<i64>,
    /// Its row, as it is stored, and the digest in it.
    stored: Bytes,
    digest: u128,
    /// To be written.
    changed: bool,
    /// To be written if it is no longer as it is stored.
    was_decided: bool,
    /// To be decided on.
    pub(super) waits: bool,
}

impl<S: State> Loaded<S> {
    pub(super) fn of(row: StateRow) -> Result<Self, HubError> {
        let (digest, state) = row::split(&row.state)?;
        Ok(Self {
            state: S::decode(state)?,
            due_ms: row.due_ms,
            stored: row.state,
            digest,
            ..Self::default()
        })
    }

    /// An event changed it so.
    pub(super) fn heard(&mut self, change: StateChange) {
        self.changed |= change > StateChange::Same;
        self.waits |= change == StateChange::Changed;
    }

    /// It was decided on. What was due is done; `due_ms` says when time alone may change something next.
    pub(super) fn decided(&mut self, due_ms: Option<i64>) {
        self.was_decided = true;
        self.changed |= self.due_ms != due_ms;
        self.due_ms = due_ms;
    }

    fn is_touched(&self) -> bool {
        self.changed || self.was_decided
    }

    /// The row, if it is to be written, and by how much the sum of digests grows.
    fn changed(&self, who: impl Who, maker: &mut Maker) -> Option<(StateRow, u128)> {
        let subject = who.subject();
        let digest = maker.make(&subject, &self.state);
        if !self.changed && self.stored == maker.row() {
            return None;
        }
        let row = StateRow { subject, state: Bytes::copy_from_slice(maker.row()), due_ms: self.due_ms };
        Some((row, digest.wrapping_sub(self.digest)))
    }
}

/// What leaves, and what becomes of what was to leave before.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    pub(super) outbox: Vec<NewEntry>,
    pub(super) amendments: Vec<Amendment>,
}

/// A transaction in the making. What is in hand has changed already: when writing fails, it is to be dropped.
pub(super) struct Draft<F: Folder> {
    pub(super) advances: Vec<Advance>,
    /// Not made rows yet.
    pub(super) states: BTreeMap<F::Who, Loaded<F::State>>,
    pub(super) leaves: Leaves,
    rows: Vec<StateRow>,
    cards: Vec<Card>,
    /// By how much the sum of digests grows by the rows.
    grows: u128,
    maker: Maker,
}

impl<F: Folder> Default for Draft<F> {
    fn default() -> Self {
        Self {
            advances: Vec::new(),
            states: BTreeMap::new(),
            leaves: Leaves::default(),
            rows: Vec::new(),
            cards: Vec::new(),
            grows: 0,
            maker: Maker::default(),
        }
    }
}

impl<F: Folder> Draft<F> {
    /// Moves the positions so.
    pub(super) fn of(advances: Vec<Advance>) -> Self {
        Self { advances, ..Self::default() }
    }

    /// Loads those who are not here and have a state.
    pub(super) async fn load(
        &mut self,
        hub: &Hub,
        in_hand: &mut InHand<F>,
        who: impl Iterator<Item = F::Who>,
    ) -> Result<(), HubError> {
        let mut who: Vec<F::Who> = who.filter(|who| !self.states.contains_key(who)).collect();
        who.sort_unstable();
        who.dedup();
        let rows = in_hand.kept.load(&*hub.states, &in_hand.lease, &who).await?;
        self.add(who.into_iter().zip(rows).filter_map(|(who, row)| Some((who, row?))))
    }

    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = (F::Who, StateRow)>) -> Result<(), HubError> {
        let loaded = rows.into_iter().map(|(who, row)| Ok((who, Loaded::of(row)?)));
        // Built at once: putting one after the other in would move each many times.
        let mut loaded = loaded.collect::<Result<BTreeMap<_, _>, HubError>>()?;
        self.states.append(&mut loaded);
        Ok(())
    }

    /// Makes a row of a state that changed. The shard may not change any more: cards depend on it.
    pub(super) fn write(
        &mut self,
        hub: &Hub,
        in_hand: &InHand<F>,
        who: F::Who,
        mut loaded: Loaded<F::State>,
    ) -> Result<(), HubError> {
        if !loaded.is_touched() {
            return Ok(());
        }
        self.cards.extend(F::cards(&in_hand.state, &hub.settings, who, &mut loaded.state)?);
        if let Some((row, grows)) = loaded.changed(who, &mut self.maker) {
            self.rows.push(row);
            self.grows = self.grows.wrapping_add(grows);
        }
        Ok(())
    }

    /// Commits what changed, if anything did.
    pub(super) async fn commit(mut self, hub: &Hub, in_hand: &mut InHand<F>) -> Result<(), HubError> {
        for (who, loaded) in std::mem::take(&mut self.states) {
            self.write(hub, in_hand, who, loaded)?;
        }
        let Self { advances, leaves, rows, cards, grows, .. } = self;
        let Leaves { outbox, amendments } = leaves;
        let mut batch = Batch { advances, states: rows, cards, outbox, amendments };
        batch.states.extend(in_hand.take_changed(grows));
        if is_empty(&batch) {
            return Ok(());
        }
        hub.states.commit(&in_hand.lease, &batch).await?;
        signalbox_hub::failpoint!("state.commit");
        advance(&mut in_hand.lease, batch.advances);
        in_hand.kept.keep(&batch.states);
        Ok(())
    }
}

fn is_empty(Batch { advances, states, cards, outbox, amendments }: &Batch) -> bool {
    advances.is_empty() && states.is_empty() && cards.is_empty() && outbox.is_empty() && amendments.is_empty()
}
