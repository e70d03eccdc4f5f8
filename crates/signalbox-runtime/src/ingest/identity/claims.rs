//! Which ids of which student: an id stays its last student's until that student's roster row says another, or another
//! student claims it. Where two rows of one payload claim it, it is both's.

use std::collections::{HashMap, HashSet};

use signalbox_event::StudentKey;
use signalbox_store::feed::{CrosswalkRow, Named};

use super::{FIRST_ID, Resolver, TWO_PERSONS};

/// An id's type and value.
type TypedId = (String, String);

/// What a roster payload says of its students' ids.
#[derive(Debug, Default)]
pub(crate) struct RosterIds {
    /// Whoever has a row.
    seen: HashSet<StudentKey>,
    /// What rows claim that is not what is known.
    claims: HashMap<StudentKey, Vec<TypedId>>,
    /// The first row of whoever has a birth date.
    persons: HashMap<StudentKey, Person>,
    two_persons: HashSet<StudentKey>,
}

/// Ids to be taken away and added.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub gone: Vec<CrosswalkRow>,
    pub new: Vec<CrosswalkRow>,
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

#[derive(Debug)]
struct Person {
    born: jiff::civil::Date,
    /// Hashes of the words of the name.
    words: Vec<u64>,
}

impl RosterIds {
    /// A row of the student, with its further ids.
    pub(crate) fn row<'r>(
        &mut self,
        resolver: &Resolver,
        key: StudentKey,
        ids: impl ExactSizeIterator<Item = (&'r str, &'r str)> + Clone,
    ) {
        self.seen.insert(key);
        if !resolver.has_just(key, ids.clone()) {
            self.claims.insert(key, ids.map(|(kind, id)| (kind.to_owned(), id.to_owned())).collect());
        }
    }

    /// Who the row says the student is: another than an earlier row, if birth date and every word of the name differ.
    pub(crate) fn person(
        &mut self,
        key: StudentKey,
        names: [Option<&str>; 2],
        born: Option<jiff::civil::Date>,
    ) {
        let Some(born) = born else { return };
        let words: Vec<u64> = names.into_iter().flatten().flat_map(words).collect();
        match self.persons.get(&key) {
            None => {
                self.persons.insert(key, Person { born, words });
            }
            Some(first) => {
                let strangers = !words.is_empty()
                    && !first.words.is_empty()
                    && !words.iter().any(|word| first.words.contains(word));
                if first.born != born && strangers {
                    self.two_persons.insert(key);
                }
            }
        }
    }

    /// Whose ids turned out to be two persons' though the resolver does not know it.
    pub(crate) fn new_two_persons(&self, resolver: &Resolver) -> Vec<StudentKey> {
        self.two_persons.iter().copied().filter(|key| !resolver.is_two_persons(*key)).collect()
    }

    /// What changes, applied to the resolver.
    pub(crate) fn settle(self, resolver: &mut Resolver) -> Change {
        let mut change = Change::default();
        let mut claims: Vec<(&StudentKey, &Vec<TypedId>)> = self.claims.iter().collect();
        claims.sort_unstable_by_key(|(key, _)| **key);
        for (key, ids) in &claims {
            change.gone.extend(resolver.replaced(**key, ids).map(|id| row(**key, id)));
        }
        for (key, ids) in &claims {
            for id in *ids {
                change.gone.extend(self.moved_from(resolver, **key, id));
                change.new.push(row(**key, id.clone()));
            }
        }
        for key in self.seen.iter().filter(|key| resolver.is_two_persons(**key)) {
            if !self.two_persons.contains(key) {
                change.gone.push(two_persons(resolver, *key));
            }
        }
        change.gone.iter().for_each(|row| resolver.remove(row));
        change.new.retain(|row| resolver.add(row));
        change
    }

    /// The id's other owners who do not claim it in this payload.
    fn moved_from(&self, resolver: &Resolver, key: StudentKey, id: &TypedId) -> Vec<CrosswalkRow> {
        let claims_it = |owner: &StudentKey| {
            self.seen.contains(owner) && self.claims.get(owner).is_none_or(|claims| claims.contains(id))
        };
        let others = resolver.owners(id).filter(|owner| *owner != key && !claims_it(owner));
        others.map(|owner| row(owner, id.clone())).collect()
    }
}

impl Resolver {
    /// Whether the student's further ids are just these.
    fn has_just<'r>(
        &self,
        key: StudentKey,
        mut ids: impl ExactSizeIterator<Item = (&'r str, &'r str)>,
    ) -> bool {
        let held = self.ids.get(&key).map(Vec::as_slice).unwrap_or_default();
        let is_held = |(kind, id): (&str, &str)| {
            held.iter().any(|(held_type, held_id)| {
                **held_id == *id && self.id_types[usize::from(*held_type)] == kind
            })
        };
        ids.len() == held.len() && ids.all(is_held)
    }

    /// Ids of the student in whose place the row names another of the same type.
    fn replaced<'r>(&'r self, key: StudentKey, ids: &'r [TypedId]) -> impl Iterator<Item = TypedId> + 'r {
        let held = self.ids.get(&key).into_iter().flatten();
        let held = held.map(|(kind, id)| (self.id_types[usize::from(*kind)].clone(), id.to_string()));
        held.filter(|(kind, id)| {
            ids.iter().any(|(named, _)| named == kind)
                && !ids.iter().any(|claimed| (&claimed.0, &claimed.1) == (kind, id))
        })
    }

    fn owners(&self, (kind, id): &TypedId) -> impl Iterator<Item = StudentKey> {
        let kind = self.known_type(kind);
        let owners = self.students.get(id.as_str()).into_iter().flatten();
        owners.filter(move |(held, _)| Some(*held) == kind).map(|(_, key)| *key)
    }
}

/// The row that says that an id is two persons'.
pub(crate) fn two_persons(resolver: &Resolver, key: StudentKey) -> CrosswalkRow {
    let first_id = resolver.first_id(key).unwrap_or_default().to_owned();
    row(key, (TWO_PERSONS.to_owned(), first_id))
}

fn row(key: StudentKey, (id_type, id): TypedId) -> CrosswalkRow {
    let first = id_type == FIRST_ID;
    CrosswalkRow { what: Named::Student, id_type, id, target: key.to_string(), first }
}

fn words(name: &str) -> impl Iterator<Item = u64> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| xxhash_rust::xxh3::xxh3_64(word.to_lowercase().as_bytes()))
}
