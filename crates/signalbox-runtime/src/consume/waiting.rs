//! Who of a shard waits to be evaluated.
//!
//! That is known in memory only. The store knows whether anybody waits: the shard's own row is due then. So a state is
//! written when it changes, not once more to say that it waits and again that it no longer does. Whoever takes a shard
//! over on which somebody waits evaluates everybody there, which changes nothing for those who did not wait.

use std::collections::BTreeSet;

use signalbox_store::StateStore;
use signalbox_store::state::{StateRow, Subject};

use super::CONSUMER;
use super::batch::InHand;
use super::student::StudentYear;
use crate::hub::HubError;

/// Whom the next evaluation of a shard is about.
#[derive(Debug, Clone)]
pub(super) enum Waiting {
    Everybody,
    Students(BTreeSet<StudentYear>),
}

impl Default for Waiting {
    fn default() -> Self {
        Self::Students(BTreeSet::new())
    }
}

impl Waiting {
    pub(super) fn is_nobody(&self) -> bool {
        matches!(self, Self::Students(students) if students.is_empty())
    }

    pub(super) fn add(&mut self, more: impl IntoIterator<Item = StudentYear>) {
        if let Self::Students(students) = self {
            students.extend(more);
        }
    }
}

/// The rows of those who wait, page by page.
#[derive(Debug)]
pub(super) enum Pages {
    All { after: Option<Subject> },
    Of(Vec<StudentYear>),
}

impl Pages {
    pub(super) fn of(waiting: &Waiting) -> Self {
        match waiting {
            Waiting::Everybody => Self::All { after: None },
            Waiting::Students(students) => Self::Of(students.iter().copied().collect()),
        }
    }

    /// Of up to `max` students, those who have a state; `None` at the end.
    pub(super) async fn next(
        &mut self,
        states: &dyn StateStore,
        in_hand: &mut InHand,
        max: usize,
    ) -> Result<Option<Vec<(StudentYear, StateRow)>>, HubError> {
        let rows: Vec<StateRow> = match self {
            Self::All { after } => {
                let rows = states.scan(CONSUMER, in_hand.lease.shard, after.as_ref(), max).await?;
                let Some(last) = rows.last() else { return Ok(None) };
                *after = Some(last.subject.clone());
                rows
            }
            Self::Of(students) if students.is_empty() => return Ok(None),
            Self::Of(students) => {
                let page = students.split_off(students.len().saturating_sub(max));
                let rows = in_hand.kept.load(states, &in_hand.lease, &page).await?;
                rows.into_iter().flatten().collect()
            }
        };
        let named = |row: StateRow| Some((StudentYear::of_subject(&row.subject)?, row));
        Ok(Some(rows.into_iter().filter_map(named).collect()))
    }
}
