//! Which ids of which student or school: an id stays its last one's until the roster row of that says another, or another
//! claims it. Where two rows of one payload claim it, it is both's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use signalbox_event::StudentKey;
use signalbox_store::feed::{CrosswalkRow, Named};

use super::ids::{Ids, TypedId};
use super::{FIRST_ID, Resolver, TWO_PERSONS};

/// The type of a school's further id.
const IDENTIFIER: &str = "identifier";

/// What a roster payload says of its students' and schools' ids.
#[derive(Debug, Default)]
pub(crate) struct RosterIds {
    students: Claims<StudentKey>,
    schools: Claims<Box<str>>,
    /// The first row of whoever has a birth date.
    persons: HashMap<StudentKey, Person>,
    two_persons: HashSet<StudentKey>,
}

/// What rows say of the ids of one kind of thing.
#[derive(Debug)]
struct Claims<K> {
    /// Whoever has a row, and whether one of them says what is known: then that holds.
    seen: HashMap<K, bool>,
    /// What rows of the others claim.
    claims: BTreeMap<K, Vec<TypedId>>,
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
        self.students.row(&resolver.students, key, ids);
    }

    /// A row of the school with this first id.
    pub(crate) fn school(&mut self, resolver: &Resolver, first: &str, identifier: Option<&str>) {
        let identifier = identifier.map(|id| (IDENTIFIER, id));
        self.schools.row(&resolver.schools, first.into(), identifier.as_slice().iter().copied());
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
        self.students.settle(&resolver.students, &mut change, |key, id| row(*key, id));
        self.schools.settle(&resolver.schools, &mut change, |key, id| school_row(key, id));
        for key in self.students.seen.keys().filter(|key| resolver.is_two_persons(**key)) {
            if !self.two_persons.contains(key) {
                change.gone.push(two_persons(resolver, *key));
            }
        }
        change.gone.iter().for_each(|row| resolver.remove(row));
        change.new.retain(|row| resolver.add(row));
        change
    }
}

impl<K> Default for Claims<K> {
    fn default() -> Self {
        Self { seen: HashMap::new(), claims: BTreeMap::new() }
    }
}

impl<K: Clone + Eq + Ord + Hash> Claims<K> {
    fn row<'r>(
        &mut self,
        known: &Ids<K>,
        key: K,
        ids: impl ExactSizeIterator<Item = (&'r str, &'r str)> + Clone,
    ) {
        let is_known = known.has_just(&key, ids.clone());
        let seen = self.seen.entry(key.clone()).or_default();
        *seen |= is_known;
        if *seen {
            self.claims.remove(&key);
            return;
        }
        let ids: Vec<_> = ids.map(|(kind, id)| (kind.to_owned(), id.to_owned())).collect();
        // Of several rows always the same one, in whatever order they stand.
        match self.claims.get(&key) {
            Some(other) if *other <= ids => {}
            _ => drop(self.claims.insert(key, ids)),
        }
    }

    fn settle(&self, known: &Ids<K>, change: &mut Change, row: impl Fn(&K, TypedId) -> CrosswalkRow) {
        for (key, ids) in &self.claims {
            change.gone.extend(known.replaced(key, ids).map(|id| row(key, id)));
        }
        for (key, ids) in &self.claims {
            for id in ids {
                change.gone.extend(self.moved_from(known, key, id).map(|owner| row(owner, id.clone())));
                change.new.push(row(key, id.clone()));
            }
        }
        for (id, owners) in known.shared() {
            let (claim_it, others): (Vec<&K>, Vec<&K>) =
                owners.into_iter().partition(|owner| self.claims_it(owner, &id));
            if !claim_it.is_empty() {
                change.gone.extend(others.into_iter().map(|owner| row(owner, id.clone())));
            }
        }
    }

    /// The id's other owners who do not claim it in this payload.
    fn moved_from<'k>(
        &'k self,
        known: &'k Ids<K>,
        key: &'k K,
        id: &'k TypedId,
    ) -> impl Iterator<Item = &'k K> {
        known.named(&id.1, Some(&id.0)).filter(move |owner| *owner != key && !self.claims_it(owner, id))
    }

    fn claims_it(&self, owner: &K, id: &TypedId) -> bool {
        self.seen.contains_key(owner) && self.claims.get(owner).is_none_or(|claims| claims.contains(id))
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

fn school_row(first_id: &str, (id_type, id): TypedId) -> CrosswalkRow {
    CrosswalkRow { what: Named::School, id_type, id, target: first_id.to_owned(), first: false }
}

fn words(name: &str) -> impl Iterator<Item = u64> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| xxhash_rust::xxh3::xxh3_64(word.to_lowercase().as_bytes()))
}
