//! Whose row is it: claimed ids to student keys and schools.

use std::collections::{HashMap, HashSet};

use secrecy::ExposeSecret;
use signalbox_event::StudentKey;
use signalbox_store::feed::{CrosswalkRow, FeedStore, Named};

use crate::hub::{District, HubError};

/// What an id led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<T> {
    One(T),
    /// Two candidates are never guessed between.
    Several,
    None,
}

/// The crosswalk in memory: the ids of the roster of record and what they name.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    id_types: Vec<String>,
    students: HashMap<Box<str>, Vec<(u16, StudentKey)>>,
    schools: HashMap<Box<str>, Vec<Box<str>>>,
    first_ids: HashMap<StudentKey, Box<str>>,
    /// Ids without their leading zeros; filled when first asked for.
    stripped: Option<HashSet<Box<str>>>,
}

impl Resolver {
    /// Reads the whole crosswalk.
    pub(crate) async fn load(feeds: &dyn FeedStore) -> Result<Self, HubError> {
        let mut resolver = Self::default();
        let mut after: Option<CrosswalkRow> = None;
        loop {
            let rows = feeds.crosswalk(after.as_ref(), 20_000).await?;
            let Some(last) = rows.last() else { return Ok(resolver) };
            for row in &rows {
                resolver.add(row);
            }
            after = Some(last.clone());
        }
    }

    /// Adds an id. `true`: it was not known.
    pub(crate) fn add(&mut self, row: &CrosswalkRow) -> bool {
        match row.what {
            Named::School => {
                let schools = self.schools.entry(row.id.as_str().into()).or_default();
                let new = !schools.iter().any(|school| **school == *row.target);
                if new {
                    schools.push(row.target.as_str().into());
                }
                new
            }
            Named::Student => match row.target.parse() {
                Ok(key) => self.add_student(&row.id_type, &row.id, key, row.first),
                Err(_) => false,
            },
        }
    }

    fn add_student(&mut self, id_type: &str, id: &str, key: StudentKey, first: bool) -> bool {
        let id_type = self.id_type(id_type);
        let keys = self.students.entry(id.into()).or_default();
        let new = !keys.contains(&(id_type, key));
        if new {
            keys.push((id_type, key));
            self.stripped = None;
        }
        if first {
            self.first_ids.insert(key, id.into());
        }
        new
    }

    fn id_type(&mut self, name: &str) -> u16 {
        let at = self.id_types.iter().position(|known| known == name).unwrap_or_else(|| {
            self.id_types.push(name.to_owned());
            self.id_types.len() - 1
        });
        at as u16
    }

    /// The student an id names, of one id type only if `id_type` is given.
    pub(crate) fn student(&self, id: &str, id_type: Option<&str>) -> Found<StudentKey> {
        let wanted = match id_type {
            None => None,
            Some(name) => match self.id_types.iter().position(|known| known == name) {
                Some(at) => Some(at as u16),
                None => return Found::None,
            },
        };
        let mut keys = self
            .students
            .get(id)
            .into_iter()
            .flatten()
            .filter(|(id_type, _)| wanted.is_none_or(|wanted| wanted == *id_type))
            .map(|(_, key)| *key);
        let Some(first) = keys.next() else { return Found::None };
        if keys.all(|key| key == first) { Found::One(first) } else { Found::Several }
    }

    /// The first id of the school an id names.
    pub(crate) fn school(&self, id: &str) -> Found<&str> {
        match self.schools.get(id).map(Vec::as_slice) {
            Some([one]) => Found::One(one),
            Some([]) | None => Found::None,
            Some(_) => Found::Several,
        }
    }

    /// The id that a student's key is derived from.
    pub(crate) fn first_id(&self, key: StudentKey) -> Option<&str> {
        self.first_ids.get(&key).map(|id| &**id)
    }

    /// Whether an id that is not found would be with (or without) leading zeros.
    pub(crate) fn differs_by_leading_zeros(&mut self, id: &str) -> bool {
        let stripped = self.stripped.get_or_insert_with(|| {
            self.students.keys().map(|id| id.trim_start_matches('0').into()).collect()
        });
        stripped.contains(id.trim_start_matches('0'))
    }
}

/// The key of a student whose first id stands in the roster of record.
pub(crate) fn student_key(district: &District, roster: &str, id: &str) -> StudentKey {
    StudentKey::derive(district.secret.expose_secret(), roster, id)
}
