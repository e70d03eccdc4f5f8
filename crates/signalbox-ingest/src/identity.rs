//! Whose row is it: claimed ids to student keys and schools. `ids`: ids of students, or of schools; `claims`: which ids a
//! roster payload changes; `person`: whom an id is given to; `shape`: ids that are written another way; `known`: for those
//! who only try a file.

mod claims;
mod ids;
mod known;
mod person;
mod shape;

use std::collections::HashMap;

use secrecy::ExposeSecret;
use signalbox_event::StudentKey;
use signalbox_hub::{District, HubError};
use signalbox_store::feed::{CrosswalkRow, FeedStore, Named};

pub(crate) use self::claims::{Change, RosterIds, two_persons};
use self::ids::Ids;
pub use self::known::{Known, Lost};
pub(crate) use self::person::{Person, Successor};
pub(crate) use self::shape::Hint;
use self::shape::shape_of;

/// The type under which a student's or school's first id stands in the crosswalk.
pub(crate) const FIRST_ID: &str = "sourcedId";

/// A first id under which the roster has two persons stands in the crosswalk under this type besides. No tool can claim
/// it: sources refuse the hub's own names of types, and a type of a tool's has no exclamation mark before it.
pub(crate) const TWO_PERSONS: &str = "!two_persons";

/// Whether the type says something about an id, and is no tool's.
pub fn is_the_hubs_own(id_type: &str) -> bool {
    id_type.starts_with('!')
}

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
pub struct Resolver {
    students: Ids<StudentKey>,
    /// A school is known by its first id.
    schools: Ids<Box<str>>,
    first_ids: HashMap<StudentKey, Box<str>>,
    /// Students whose id is that of two persons: nobody, until it is one. Of one payload, or since another person alone
    /// has it.
    two_persons: HashMap<StudentKey, Option<Successor>>,
    /// Ids without what tools add and take away, and whose they are, if one student's; filled when first asked for.
    shapes: Option<Shapes>,
}

/// `None`: several students' ids have the shape.
type Shapes = HashMap<Box<str>, Option<StudentKey>>;

impl Resolver {
    /// Reads the whole crosswalk.
    pub async fn load(feeds: &dyn FeedStore) -> Result<Self, HubError> {
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
            Named::School => self.schools.add(&row.id_type, &row.id, row.target.as_str().into(), row.first),
            Named::Student => match row.target.parse() {
                Ok(key) if is_two_persons(&row.id_type) => {
                    self.two_persons.insert(key, Successor::of_type(&row.id_type)).is_none()
                }
                Ok(key) => self.add_student(&row.id_type, &row.id, key, row.first),
                Err(_) => false,
            },
        }
    }

    /// Takes an id away.
    pub(crate) fn remove(&mut self, row: &CrosswalkRow) {
        if row.what == Named::School {
            self.schools.remove(&row.id_type, &row.id, &row.target.as_str().into());
            return;
        }
        let Ok(key) = row.target.parse::<StudentKey>() else { return };
        if is_two_persons(&row.id_type) {
            self.two_persons.remove(&key);
            return;
        }
        self.students.remove(&row.id_type, &row.id, &key);
        // Rare: whose else the shape is, nobody knows now.
        self.shapes = None;
    }

    fn add_student(&mut self, id_type: &str, id: &str, key: StudentKey, first: bool) -> bool {
        let new = self.students.add(id_type, id, key, first);
        if let Some(shapes) = self.shapes.as_mut().filter(|_| new) {
            add_shape(shapes, id, key);
        }
        if first {
            self.first_ids.insert(key, id.into());
        }
        new
    }

    /// The student an id names, of one id type only if `id_type` is given.
    pub(crate) fn student(&self, id: &str, id_type: Option<&str>) -> Found<StudentKey> {
        one_of(self.students.named(id, id_type).filter(|key| !self.is_two_persons(**key)).copied())
    }

    /// The key of a first id that is known, whether or not it is that of two persons.
    pub(crate) fn known_student(&self, id: &str) -> Option<StudentKey> {
        self.students.named(id, Some(FIRST_ID)).next().copied()
    }

    /// Whether the student's id is that of two persons.
    pub(crate) fn is_two_persons(&self, key: StudentKey) -> bool {
        self.two_persons.contains_key(&key)
    }

    /// Who has the student's id alone, as one payload said.
    pub(crate) fn successor(&self, key: StudentKey) -> Option<Successor> {
        self.two_persons.get(&key).copied().flatten()
    }

    /// The first id of the school an id names, of one id type only if `id_type` is given.
    pub(crate) fn school(&self, id: &str, id_type: Option<&str>) -> Found<&str> {
        one_of(self.schools.named(id, id_type).map(|school| &**school))
    }

    /// The id that a student's key is derived from.
    pub fn first_id(&self, key: StudentKey) -> Option<&str> {
        self.first_ids.get(&key).map(|id| &**id)
    }

    /// The one student whose id this would be but for how it is written: zeros, `.0`, spaces, quotes, case.
    pub fn by_shape(&mut self, id: &str) -> Option<StudentKey> {
        let students = &self.students;
        let shapes = self.shapes.get_or_insert_with(|| {
            let mut shapes = Shapes::new();
            for (id, key) in students.all() {
                add_shape(&mut shapes, id, *key);
            }
            shapes
        });
        shapes.get(&shape_of(id)).copied().flatten()
    }

    /// What may be wrong with how an id that is not found is written.
    pub(crate) fn hint(&mut self, id: &str) -> Option<Hint> {
        if !matches!(self.student(id, None), Found::None) {
            return Some(Hint::OtherType);
        }
        let is_known = self.by_shape(id).is_some();
        Hint::of(id, is_known)
    }
}

fn is_two_persons(id_type: &str) -> bool {
    id_type == TWO_PERSONS || Successor::of_type(id_type).is_some()
}

/// Two candidates are never guessed between.
fn one_of<T: Copy + PartialEq>(mut named: impl Iterator<Item = T>) -> Found<T> {
    let Some(first) = named.next() else { return Found::None };
    let mut all = vec![first];
    for one in named {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    if all.len() == 1 { Found::One(first) } else { Found::Several(all) }
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
