//! States of a shard kept in memory: a student who comes again is not read again.
//!
//! Only what was committed under the lease in hand, or read under it, is kept, so nothing here is older than what is
//! stored. Whoever loses the shard drops it all.

use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use signalbox_store::StateStore;
use signalbox_store::state::{Lease, StateRow, Subject};

use super::student::StudentYear;
use crate::hub::HubError;

/// For all shards of a process together, were all its own: the states of about 250,000 students.
const KEPT_BYTES: u64 = 96 << 20;
/// What a row takes beside its state: its subject, the lists that point to it.
const BESIDE_BYTES: u64 = 128;

#[derive(Debug, Clone, Copy)]
struct Size;

impl Weighter<StudentYear, StateRow> for Size {
    fn weight(&self, _: &StudentYear, row: &StateRow) -> u64 {
        row.state.len() as u64 + BESIDE_BYTES
    }
}

/// Rows as stored.
#[derive(Debug)]
pub(super) struct Kept(Cache<StudentYear, StateRow, Size>);

impl Kept {
    pub(super) fn one_of(shards: u32) -> Self {
        let bytes = KEPT_BYTES / u64::from(shards.max(1));
        Self(Cache::with_weighter((bytes / (3 * BESIDE_BYTES)) as usize, bytes, Size))
    }

    /// The rows of `who`, in the same order; `None` where there is none.
    pub(super) async fn load(
        &mut self,
        states: &dyn StateStore,
        lease: &Lease,
        who: &[StudentYear],
    ) -> Result<Vec<Option<StateRow>>, HubError> {
        let mut rows: Vec<Option<StateRow>> = who.iter().map(|who| self.0.get(who).cloned()).collect();
        let missing: Vec<usize> = (0..who.len()).filter(|at| rows[*at].is_none()).collect();
        if missing.is_empty() {
            return Ok(rows);
        }
        let subjects: Vec<Subject> = missing.iter().map(|at| who[*at].subject()).collect();
        for (at, row) in missing.into_iter().zip(states.load(lease, &subjects).await?) {
            if let Some(row) = &row {
                self.0.insert(who[at], row.clone());
            }
            rows[at] = row;
        }
        Ok(rows)
    }

    /// Keeps what was committed.
    pub(super) fn keep(&mut self, rows: Vec<StateRow>) {
        for row in rows {
            if let Some(who) = StudentYear::of_subject(&row.subject) {
                self.0.insert(who, row);
            }
        }
    }
}
