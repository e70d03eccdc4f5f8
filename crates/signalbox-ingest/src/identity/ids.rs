//! Ids of one kind of thing, and what they name.

use std::collections::HashMap;
use std::hash::Hash;

/// An id's type and value.
pub(super) type TypedId = (String, String);

/// Ids of students, or of schools.
#[derive(Debug)]
pub(super) struct Ids<K> {
    types: Vec<String>,
    named: HashMap<Box<str>, Vec<(u16, K)>>,
    /// Each one's ids besides the first.
    further: HashMap<K, Vec<(u16, Box<str>)>>,
}

impl<K> Default for Ids<K> {
    fn default() -> Self {
        Self { types: Vec::new(), named: HashMap::new(), further: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash> Ids<K> {
    /// `true`: it was not known.
    pub(super) fn add(&mut self, id_type: &str, id: &str, key: K, first: bool) -> bool {
        let id_type = self.known_type(id_type).unwrap_or_else(|| {
            self.types.push(id_type.to_owned());
            self.types.len() as u16 - 1
        });
        let owners = self.named.entry(id.into()).or_default();
        let new = !owners.iter().any(|(held, owner)| *held == id_type && *owner == key);
        if new {
            if !first {
                self.further.entry(key.clone()).or_default().push((id_type, id.into()));
            }
            owners.push((id_type, key));
        }
        new
    }

    pub(super) fn remove(&mut self, id_type: &str, id: &str, key: &K) {
        let Some(id_type) = self.known_type(id_type) else { return };
        if let Some(owners) = self.named.get_mut(id) {
            owners.retain(|(held, owner)| *held != id_type || owner != key);
        }
        if let Some(ids) = self.further.get_mut(key) {
            ids.retain(|(held, known)| *held != id_type || **known != *id);
        }
    }

    /// What an id names, of one type only if one is given.
    pub(super) fn named(&self, id: &str, id_type: Option<&str>) -> impl Iterator<Item = &K> {
        let wanted = id_type.map(|name| self.known_type(name));
        let owners = self.named.get(id).into_iter().flatten();
        owners.filter(move |(held, _)| wanted.is_none_or(|wanted| wanted == Some(*held))).map(|(_, key)| key)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &K)> {
        self.named.iter().flat_map(|(id, owners)| owners.iter().map(|(_, key)| (&**id, key)))
    }

    /// Ids that name several, with the types under which they do: a tool that writes the bare id does not say its type.
    pub(super) fn shared(&self) -> impl Iterator<Item = Vec<(&K, TypedId)>> {
        let several = self.named.iter().filter(|(_, owners)| {
            owners.first().is_some_and(|(_, first)| owners.iter().any(|(_, owner)| owner != first))
        });
        several.map(|(id, _)| self.owners(id).collect())
    }

    /// The types of its further ids.
    pub(super) fn types_of(&self, key: &K) -> impl Iterator<Item = &str> {
        self.further.get(key).into_iter().flatten().map(|(held, _)| self.type_name(*held))
    }

    /// Whom an id names, each with the type under which it does.
    fn owners<'i>(&'i self, id: &'i str) -> impl Iterator<Item = (&'i K, TypedId)> {
        let owners = self.named.get(id).into_iter().flatten();
        owners.map(|(id_type, owner)| (owner, (self.type_name(*id_type).to_owned(), id.to_owned())))
    }

    /// Whether its further ids are just these.
    pub(super) fn has_just<'r>(
        &self,
        key: &K,
        mut ids: impl ExactSizeIterator<Item = (&'r str, &'r str)>,
    ) -> bool {
        let held = self.further.get(key).map(Vec::as_slice).unwrap_or_default();
        let is_held = |(kind, id): (&str, &str)| {
            held.iter().any(|(held_type, held_id)| **held_id == *id && self.type_name(*held_type) == kind)
        };
        ids.len() == held.len() && ids.all(is_held)
    }

    /// Its ids in whose place a row names another of the same type.
    pub(super) fn replaced<'r>(&'r self, key: &K, ids: &'r [TypedId]) -> impl Iterator<Item = TypedId> + 'r {
        let held = self.further.get(key).into_iter().flatten();
        let held = held.map(|(kind, id)| (self.type_name(*kind).to_owned(), id.to_string()));
        held.filter(|(kind, id)| {
            ids.iter().any(|(named, _)| named == kind)
                && !ids.iter().any(|claimed| (&claimed.0, &claimed.1) == (kind, id))
        })
    }

    fn type_name(&self, id_type: u16) -> &str {
        &self.types[usize::from(id_type)]
    }

    fn known_type(&self, name: &str) -> Option<u16> {
        self.types.iter().position(|known| known == name).map(|at| at as u16)
    }
}
