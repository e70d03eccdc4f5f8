//! Who of a shard waits to be decided on.
//!
//! That is known in memory only. The store knows whether anybody waits: the shard's own row is due then. So a state is
//! written when it changes, not once more to say that it waits and again that it no longer does. Whoever takes a shard
//! over on which somebody waits decides on everybody there, which changes nothing for those who did not wait.

use std::collections::BTreeSet;

use signalbox_hub::HubError;
use signalbox_store::StateStore;
use signalbox_store::state::{StateRow, Subject};

use super::folder::{Folder, Who};
use super::in_hand::InHand;

/// Whom a shard's next decisions are about.
#[derive(Debug, Clone)]
pub(super) enum Waiting<W> {
    Everybody,
    Some(BTreeSet<W>),
}

impl<W> Default for Waiting<W> {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl<W: Who> Waiting<W> {
    pub(super) fn is_nobody(&self) -> bool {
        matches!(self, Self::Some(few) if few.is_empty())
    }

    pub(super) fn add(&mut self, more: impl IntoIterator<Item = W>) {
        if let Self::Some(few) = self {
            few.extend(more);
        }
    }
}

/// The rows of those who wait, page by page.
#[derive(Debug)]
pub(super) enum Pages<W> {
    All { after: Option<Subject> },
    Of(Vec<W>),
}

impl<W: Who> Pages<W> {
    pub(super) fn of(waiting: &Waiting<W>) -> Self {
        match waiting {
            Waiting::Everybody => Self::All { after: None },
            Waiting::Some(few) => Self::Of(few.iter().copied().collect()),
        }
    }

    /// Of up to `max`, those who have a state; `None` at the end.
    pub(super) async fn next<F: Folder<Who = W>>(
        &mut self,
        states: &dyn StateStore,
        in_hand: &mut InHand<F>,
        max: usize,
    ) -> Result<Option<Vec<(W, StateRow)>>, HubError> {
        let rows: Vec<StateRow> = match self {
            Self::All { after } => {
                let rows = states.scan(F::KEPT_AS, in_hand.lease.shard, after.as_ref(), max).await?;
                let Some(last) = rows.last() else { return Ok(None) };
                *after = Some(last.subject.clone());
                rows
            }
            Self::Of(few) if few.is_empty() => return Ok(None),
            Self::Of(few) => {
                let page = few.split_off(few.len().saturating_sub(max));
                let rows = in_hand.kept.load(states, &in_hand.lease, &page).await?;
                rows.into_iter().flatten().collect()
            }
        };
        let named = |row: StateRow| Some((W::of_subject(&row.subject)?, row));
        Ok(Some(rows.into_iter().filter_map(named).collect()))
    }
}
