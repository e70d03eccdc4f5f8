//! What usable rows that are no days of attendance speak of: their schools, their terms, and what takes another's place.

use std::collections::{BTreeSet, HashSet};

use signalbox_connector::Entity;
use signalbox_event::rows::Role;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::Missing;
use crate::row::Row;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Speaks {
    schools: BTreeSet<String>,
    terms: BTreeSet<String>,
    /// Keys of students' rows whose place another takes.
    replaced: HashSet<u64>,
}

impl Speaks {
    pub(crate) fn hear(&mut self, row: &Row<'_>) {
        let entity = row.entity();
        if entity.role() != Role::Fact || entity == Entity::Attendance {
            return;
        }
        let Some(school) = row.school().filter(|school| !school.is_empty()) else { return };
        remember(&mut self.schools, school);
        if let Some(term) = row.body.term() {
            remember(&mut self.terms, term);
        }
        let mut key = String::new();
        if let Some(student) = row.student.filter(|_| row.body.push_replaced(&mut key)) {
            self.replaced.insert(place(student, &key));
        }
    }

    pub(crate) fn terms(&self) -> &BTreeSet<String> {
        &self.terms
    }

    /// A payload that is read again, perhaps by another mapping, speaks for what it spoke for before too.
    pub(crate) fn speak_also_of(&mut self, terms: &BTreeSet<String>) {
        self.terms.extend(terms.iter().cloned());
    }

    /// What it means that the row is missing.
    pub(super) fn missing(&self, row: &Row<'_>, entity: Entity) -> Missing {
        if row.body.term().is_some_and(|term| !self.terms.contains(term)) {
            return Missing::Outside;
        }
        let is_fact = entity.role() == Role::Fact;
        let is_there = |school: &str| school.is_empty() || self.schools.contains(school);
        if is_fact && !row.school().is_some_and(is_there) { Missing::Vanished } else { Missing::Ended }
    }

    /// Whether another row has taken the row's place.
    pub(crate) fn replaces(&self, row: &Row<'_>) -> bool {
        let Some(student) = row.student.filter(|_| !self.replaced.is_empty()) else { return false };
        let mut key = String::new();
        row.body.push_key(&mut key);
        self.replaced.contains(&place(student, &key))
    }
}

fn remember(names: &mut BTreeSet<String>, name: &str) {
    if !names.contains(name) {
        names.insert(name.to_owned());
    }
}

/// A hash of a student's key.
fn place(student: Uuid, key: &str) -> u64 {
    xxh3_64(&[&student.as_bytes()[..], key.as_bytes()].concat())
}
