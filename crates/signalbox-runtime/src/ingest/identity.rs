//! Whose row is it: claimed ids to student keys and schools. `claims`: which ids a roster payload changes; `shape`: ids
//! that are written another way.

mod claims;
mod shape;

use std::collections::{HashMap, HashSet};

use secrecy::ExposeSecret;
use signalbox_event::StudentKey;
use signalbox_store::feed::{CrosswalkRow, FeedStore, Named};

pub(crate) use self::claims::{Change, RosterIds, two_persons};
pub(crate) use self::shape::Hint;
use self::shape::shape_of;
use crate::hub::{District, HubError};

/// The type under which a student's or school's first id stands in the crosswalk.
pub(crate) const FIRST_ID: &str = "sourcedId";

/// A first id under which the roster has two persons stands in the crosswalk under this type besides. No tool can claim
/// it: sources refuse the hub's own names of types, and a type of a tool's has no exclamation mark before it.
pub(crate) const TWO_PERSONS: &str = "!two_persons";

/// What an id led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<T> {
    One(T),
    /// Two candidates are never guessed between.
    Several(Vec<T>),
    None,
}

/// The crosswalk in memory: the ids of the roster of record and what they name.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    id_types: Vec<String>,
    students: HashMap<Box<str>, Vec<(u16, StudentKey)>>,
    schools: HashMap<Box<str>, Vec<Box<str>>>,
    first_ids: HashMap<StudentKey, Box<str>>,
    /// Each student's further ids.
    ids: HashMap<StudentKey, Vec<(u16, Box<str>)>>,
    /// Students whose id is that of two persons: nobody, until it is one.
    two_persons: HashSet<StudentKey>,
    /// Ids without what tools add and take away, and whose they are, if one student's; filled when first asked for.
    shapes: Option<Shapes>,
}

/// `None`: several students' ids have the shape.
type Shapes = HashMap<Box<str>, Option<StudentKey>>;

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
                Ok(key) if row.id_type == TWO_PERSONS => self.two_persons.insert(key),
                Ok(key) => self.add_student(&row.id_type, &row.id, key, row.first),
                Err(_) => false,
            },
        }
    }

    /// Takes a student's id away.
    pub(crate) fn remove(&mut self, row: &CrosswalkRow) {
        let Ok(key) = row.target.parse::<StudentKey>() else { return };
        if row.id_type == TWO_PERSONS {
            self.two_persons.remove(&key);
            return;
        }
        let Some(id_type) = self.known_type(&row.id_type) else { return };
        if let Some(owners) = self.students.get_mut(row.id.as_str()) {
            owners.retain(|owner| *owner != (id_type, key));
        }
        if let Some(ids) = self.ids.get_mut(&key) {
            ids.retain(|(held_type, id)| *held_type != id_type || **id != *row.id);
        }
        // Rare: whose else the shape is, nobody knows now.
        self.shapes = None;
    }

    fn add_student(&mut self, id_type: &str, id: &str, key: StudentKey, first: bool) -> bool {
        let id_type = self.id_type(id_type);
        let keys = self.students.entry(id.into()).or_default();
        let new = !keys.contains(&(id_type, key));
        if new {
            keys.push((id_type, key));
            if let Some(shapes) = &mut self.shapes {
                add_shape(shapes, id, key);
            }
            if !first {
                self.ids.entry(key).or_default().push((id_type, id.into()));
            }
        }
        if first {
            self.first_ids.insert(key, id.into());
        }
        new
    }

    fn id_type(&mut self, name: &str) -> u16 {
        self.known_type(name).unwrap_or_else(|| {
            self.id_types.push(name.to_owned());
            self.id_types.len() as u16 - 1
        })
    }

    fn known_type(&self, name: &str) -> Option<u16> {
        self.id_types.iter().position(|known| known == name).map(|at| at as u16)
    }

    /// The student an id names, of one id type only if `id_type` is given.
    pub(crate) fn student(&self, id: &str, id_type: Option<&str>) -> Found<StudentKey> {
        let wanted = match id_type {
            None => None,
            Some(name) => match self.known_type(name) {
                Some(at) => Some(at),
                None => return Found::None,
            },
        };
        let mut keys = self
            .students
            .get(id)
            .into_iter()
            .flatten()
            .filter(|(id_type, key)| {
                wanted.is_none_or(|wanted| wanted == *id_type) && !self.two_persons.contains(key)
            })
            .map(|(_, key)| *key);
        let Some(first) = keys.next() else { return Found::None };
        let mut all = vec![];
        for key in keys {
            if key != first && !all.contains(&key) {
                all.push(key);
            }
        }
        if all.is_empty() {
            return Found::One(first);
        }
        all.push(first);
        Found::Several(all)
    }

    /// The key of a first id that is known, whether or not it is that of two persons.
    pub(crate) fn known_student(&self, id: &str) -> Option<StudentKey> {
        let first = self.known_type(FIRST_ID)?;
        let owners = self.students.get(id)?;
        owners.iter().find(|(id_type, _)| *id_type == first).map(|(_, key)| *key)
    }

    /// Whether the student's id is that of two persons.
    pub(crate) fn is_two_persons(&self, key: StudentKey) -> bool {
        self.two_persons.contains(&key)
    }

    /// The first id of the school an id names.
    pub(crate) fn school(&self, id: &str) -> Found<&str> {
        match self.schools.get(id).map(Vec::as_slice) {
            Some([one]) => Found::One(one),
            Some([]) | None => Found::None,
            Some(several) => Found::Several(several.iter().map(|school| &**school).collect()),
        }
    }

    /// The id that a student's key is derived from.
    pub(crate) fn first_id(&self, key: StudentKey) -> Option<&str> {
        self.first_ids.get(&key).map(|id| &**id)
    }

    /// The one student whose id this would be but for how it is written: zeros, `.0`, spaces, quotes, case.
    pub(crate) fn by_shape(&mut self, id: &str) -> Option<StudentKey> {
        let students = &self.students;
        let shapes = self.shapes.get_or_insert_with(|| {
            let mut shapes = Shapes::with_capacity(students.len());
            for (id, owners) in students {
                for (_, key) in owners {
                    add_shape(&mut shapes, id, *key);
                }
            }
            shapes
        });
        shapes.get(&shape_of(id)).copied().flatten()
    }

    /// What may be wrong with how an id that is not found is written.
    pub(crate) fn hint(&mut self, id: &str) -> Option<Hint> {
        let is_known = self.by_shape(id).is_some();
        Hint::of(id, is_known)
    }
}

fn add_shape(shapes: &mut Shapes, id: &str, key: StudentKey) {
    let whose = shapes.entry(shape_of(id)).or_insert(Some(key));
    if *whose != Some(key) {
        *whose = None;
    }
}

/// The key of a student whose first id stands in the roster of record.
pub(crate) fn student_key(district: &District, roster: &str, id: &str) -> StudentKey {
    StudentKey::derive(district.secret.expose_secret(), roster, id)
}
