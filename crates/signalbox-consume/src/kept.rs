//! States of a shard kept in memory: who comes again is not read again.
//!
//! Only what was committed under the lease in hand, or read under it, is kept, so nothing here is older than what is
//! stored. Whoever loses the shard drops it all.

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use signalbox_hub::HubError;
use signalbox_store::StateStore;
use signalbox_store::state::{Lease, StateRow, Subject};

use super::folder::Who;

/// For all shards that a consumer has in a process together, were all its own: the states of some 130,000 students with a term's
/// grades.
const KEPT_BYTES: u64 = 160 << 20;
/// What a state takes beside its bytes: whose it is, the lists that point to it.
const BESIDE_BYTES: u64 = 128;

/// A row without its subject, which is the key.
#[derive(Debug, Clone)]
struct Stored {
    state: Bytes,
    due_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Size;

impl<W> Weighter<W, Stored> for Size {
    fn weight(&self, _: &W, stored: &Stored) -> u64 {
        stored.state.len() as u64 + BESIDE_BYTES
    }
}

/// Rows as stored.
#[derive(Debug)]
pub(super) struct Kept<W: Who>(Cache<W, Stored, Size>);

impl<W: Who> Kept<W> {
    pub(super) fn one_of(shards: u32) -> Self {
        let bytes = KEPT_BYTES / u64::from(shards.max(1));
        Self(Cache::with_weighter((bytes / (3 * BESIDE_BYTES)) as usize, bytes, Size))
    }

    /// The rows of `who`, in the same order; `None` where there is none.
    pub(super) async fn load(
        &mut self,
        states: &dyn StateStore,
        lease: &Lease,
        who: &[W],
    ) -> Result<Vec<Option<StateRow>>, HubError> {
        let mut rows: Vec<Option<StateRow>> = who.iter().map(|who| self.get(who)).collect();
        let missing: Vec<usize> = (0..who.len()).filter(|at| rows[*at].is_none()).collect();
        if missing.is_empty() {
            return Ok(rows);
        }
        let subjects: Vec<Subject> = missing.iter().map(|at| who[*at].subject()).collect();
        for (at, row) in missing.into_iter().zip(states.load(lease, &subjects).await?) {
            if let Some(row) = &row {
                self.insert(who[at], row);
            }
            rows[at] = row;
        }
        Ok(rows)
    }

    /// Keeps what was committed.
    pub(super) fn keep(&mut self, rows: &[StateRow]) {
        for row in rows {
            if let Some(who) = W::of_subject(&row.subject) {
                self.insert(who, row);
            }
        }
    }

    fn get(&self, who: &W) -> Option<StateRow> {
        let stored = self.0.get(who)?;
        Some(StateRow { subject: who.subject(), state: stored.state.clone(), due_ms: stored.due_ms })
    }

    fn insert(&mut self, who: W, row: &StateRow) {
        self.0.insert(who, Stored { state: row.state.clone(), due_ms: row.due_ms });
    }
}
