//! A state row as it is stored: the digest of the state, then the state.

use signalbox_hub::HubError;
use signalbox_store::state::Subject;
use xxhash_rust::xxh3::Xxh3;

use super::folder::State;

/// The digest of what a state says, and of whom: one part of the sum that its shard keeps.
pub fn digest(subject: &Subject, state: &impl State) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(subject);
    state.digest_into(&mut |bytes| hasher.update(bytes));
    hasher.digest128()
}

pub(super) fn join(digest: u128, state: &[u8]) -> Vec<u8> {
    [&digest.to_be_bytes()[..], state].concat()
}

pub(super) fn split(row: &[u8]) -> Result<(u128, &[u8]), HubError> {
    let (digest, state) = row.split_first_chunk().ok_or(HubError::Stored("state"))?;
    Ok((u128::from_be_bytes(*digest), state))
}
