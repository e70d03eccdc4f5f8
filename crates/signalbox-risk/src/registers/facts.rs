//! Registers of a kind of which a student has few: kept as they are, in the order of their keys.
//!
//! They are stored compressed: one row's school, class, term and feed are those of the next, and whoever folds another kind of
//! fact copies them unread.

use std::fmt;
use std::marker::PhantomData;

use lz4_flex::block::{compress_prepend_size, decompress, uncompressed_size};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::{Digest, Live, said};
use super::{Applied, append};

/// LZ4 makes at most so many bytes of one: a damaged size takes no memory.
const MOST_FROM_ONE: usize = 255;

/// What feeds said, by key: the newest revision of each, and its value unless it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts<K, V>(Vec<Entry<K, V>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry<K, V> {
    pub(super) key: K,
    pub(super) revision: u64,
    pub(super) value: Option<V>,
}

/// What a fact with such a key can say.
pub(super) trait Value<K>: Ord {
    /// Appends the canonical bytes of the fact.
    fn say(&self, key: &K, fact: &mut Vec<u8>);
}

impl<K, V> Default for Facts<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Serialize, V: Serialize> Serialize for Facts<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(48 * self.0.len());
        append(&mut bytes, &self.0);
        serializer.serialize_bytes(&compress_prepend_size(&bytes))
    }
}

impl<'de, K: DeserializeOwned + Ord, V: DeserializeOwned> Deserialize<'de> for Facts<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Stored(PhantomData))
    }
}

/// Facts as read back, before they are believed.
struct Stored<K, V>(PhantomData<(K, V)>);

impl<K: DeserializeOwned + Ord, V: DeserializeOwned> Visitor<'_> for Stored<K, V> {
    type Value = Facts<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("compressed facts")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Facts<K, V>, E> {
        let (size, bytes) = uncompressed_size(bytes).map_err(E::custom)?;
        if size > MOST_FROM_ONE * bytes.len() {
            return Err(E::custom("facts are cut short"));
        }
        let bytes = decompress(bytes, size).map_err(E::custom)?;
        let entries: Vec<Entry<K, V>> = postcard::from_bytes(&bytes).map_err(E::custom)?;
        if !entries.is_sorted_by(|a, b| a.key < b.key) {
            return Err(E::custom("facts are not in order"));
        }
        Ok(Facts(entries))
    }
}

impl<K: Ord, V: Value<K>> Facts<K, V> {
    /// Commutative and idempotent: see [`Registers::apply`](super::Registers::apply).
    pub(super) fn apply(&mut self, digest: &mut Digest, key: K, revision: u64, value: Option<V>) -> Applied {
        let found = self.0.binary_search_by(|held| held.key.cmp(&key));
        let held = found.ok().map(|at| &self.0[at]);
        if held.is_some_and(|held| (revision, &value) <= (held.revision, &held.value)) {
            return Applied::Ignored;
        }
        let before = held.and_then(|held| held.value.as_ref());
        let applied = Applied::by(before, value.as_ref());
        if applied == Applied::Changed {
            let said = |value: &V| said(|fact| value.say(&key, fact));
            digest.exchange(before.map(said), value.as_ref().map(said));
        }
        match found {
            Ok(at) => (self.0[at].revision, self.0[at].value) = (revision, value),
            Err(at) => self.0.insert(at, Entry { key, revision, value }),
        }
        applied
    }
}

impl<K, V: Value<K>> Live for Facts<K, V> {
    fn each_live(&self, of_one: &mut dyn FnMut(&[u8])) {
        self.live().for_each(|(key, value)| of_one(&said(|fact| value.say(key, fact))));
    }
}

impl<K, V> Facts<K, V> {
    /// Those that have not ended, in the order of their keys.
    pub(super) fn live(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().filter_map(|held| Some((&held.key, held.value.as_ref()?)))
    }

    /// The same with each value as it is heard; `None`: it is not.
    pub(super) fn map(&self, heard: impl Fn(&K, &V) -> Option<V>) -> Self
    where
        K: Clone,
    {
        let heard = |held: &Entry<K, V>| {
            let value = heard(&held.key, held.value.as_ref()?)?;
            Some(Entry { key: held.key.clone(), revision: held.revision, value: Some(value) })
        };
        Self(self.0.iter().filter_map(heard).collect())
    }
}
