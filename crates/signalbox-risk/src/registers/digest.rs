//! The digest of live facts: known without reading them all, because facts that come are added and facts that go are taken
//! away again.

use std::ops::Deref;

use xxhash_rust::xxh3::xxh3_128;

/// Facts of which each can say itself in bytes.
pub(crate) trait Live {
    /// Hands over the canonical bytes of each LIVE fact, in a fixed order and without ambiguity: no revisions, no ended
    /// registers.
    fn each_live(&self, of_one: &mut dyn FnMut(&[u8]));
}

/// A sum over facts, whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digest(u128);

impl Digest {
    fn add(&mut self, fact: &[u8]) {
        self.0 = self.0.wrapping_add(xxh3_128(fact));
    }

    /// One fact goes and one comes.
    pub(super) fn exchange(&mut self, goes: Option<Vec<u8>>, comes: Option<Vec<u8>>) {
        if let Some(fact) = goes {
            self.0 = self.0.wrapping_sub(xxh3_128(&fact));
        }
        if let Some(fact) = comes {
            self.add(&fact);
        }
    }
}

impl From<u128> for Digest {
    fn from(digest: u128) -> Self {
        Self(digest)
    }
}

impl From<Digest> for u128 {
    fn from(Digest(digest): Digest) -> Self {
        digest
    }
}

/// A register with the digest of its live facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Digested<R> {
    pub(super) facts: R,
    pub(super) digest: Digest,
}

/// Each fact once more: what the sum is compared with.
#[cfg(test)]
impl<R: Live> Digested<R> {
    pub(super) fn of(facts: R) -> Self {
        let mut digest = Digest::default();
        facts.each_live(&mut |fact| digest.add(fact));
        Self { facts, digest }
    }
}

impl<R> Deref for Digested<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.facts
    }
}

/// The bytes that `write` appends.
pub(super) fn said(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut fact = Vec::with_capacity(64);
    write(&mut fact);
    fact
}

/// Length first, so that "ab" + "c" and "a" + "bc" differ.
pub(super) fn text(fact: &mut Vec<u8>, text: &str) {
    fact.extend_from_slice(&(text.len() as u64).to_le_bytes());
    fact.extend_from_slice(text.as_bytes());
}

pub(super) fn optional<T>(fact: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    fact.push(value.is_some().into());
    if let Some(value) = value {
        write(fact, value);
    }
}
