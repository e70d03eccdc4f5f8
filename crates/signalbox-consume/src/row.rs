//! A state row as it is stored: the digest of the state, then the state.

use bytes::Bytes;
use signalbox_hub::HubError;
use signalbox_store::state::Subject;
use xxhash_rust::xxh3::Xxh3;

use super::folder::State;

const DIGEST_BYTES: usize = size_of::<u128>();

/// The digest of what a state says, and of whom: one part of the sum that its shard keeps.
pub fn digest(subject: &Subject, state: &impl State) -> u128 {
    Maker::default().make(subject, state)
}

/// Makes rows, one after the other in the same memory.
#[derive(Debug, Default)]
pub(super) struct Maker {
    row: Vec<u8>,
    known: Vec<u8>,
}

impl Maker {
    /// Makes the row of this state; returns its digest.
    pub(super) fn make(&mut self, subject: &Subject, state: &impl State) -> u128 {
        self.row.clear();
        self.row.resize(DIGEST_BYTES, 0);
        self.known.clear();
        state.encode(&mut self.row, &mut self.known);
        let mut hasher = Xxh3::new();
        hasher.update(subject);
        hasher.update(&self.known);
        let digest = hasher.digest128();
        self.row[..DIGEST_BYTES].copy_from_slice(&digest.to_be_bytes());
        digest
    }

    /// The row made last.
    pub(super) fn row(&self) -> &[u8] {
        &self.row
    }
}

pub(super) fn split(row: &Bytes) -> Result<(u128, Bytes), HubError> {
    let digest = row.first_chunk().ok_or(HubError::Stored("state"))?;
    Ok((u128::from_be_bytes(*digest), row.slice(DIGEST_BYTES..)))
}
