//! Which ids of which student or school: an id stays its last one's until the roster row of that says another, or another
//! claims it; under another type only if nobody has that type any more. Where two rows of one payload claim it, it is both's.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use jiff::civil::Date;
use signalbox_event::StudentKey;
use signalbox_store::feed::{CrosswalkRow, Named};

use super::ids::{Ids, TypedId};
use super::person::{Person, Successor};
use super::{FIRST_ID, Resolver, TWO_PERSONS};

/// The type of a school's further id.
const IDENTIFIER: &str = "identifier";

/// What a roster payload says of its students' and schools' ids.
#[derive(Debug)]
pub(crate) struct RosterIds {
    students: Claims<StudentKey>,
    schools: Claims<Box<str>>,
    /// The first row of whoever has a birth date.
    persons: HashMap<StudentKey, Person>,
    two_persons: HashSet<StudentKey>,
    /// The day on which the payload is read.
    day: Date,
}

/// What rows say of the ids of one kind of thing.
#[derive(Debug)]
struct Claims<K> {
    /// Whoever has a row, and whether one of them says what is known: then that holds.
    seen: HashMap<K, bool>,
    /// What rows of the others say.
    said: BTreeMap<K, Vec<TypedId>>,
    /// Whoever has no row claims what it has claimed.
    is_delta: bool,
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

    /// What another change says after this one.
    pub(crate) fn extend(&mut self, later: Self) {
        self.gone.extend(later.gone);
        self.new.extend(later.new);
    }
}

impl RosterIds {
    /// Of a payload that is read on this day.
    pub(crate) fn of(day: Date) -> Self {
        Self {
            students: Claims::default(),
            schools: Claims::default(),
            persons: HashMap::new(),
            two_persons: HashSet::new(),
            day,
        }
    }

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
    pub(crate) fn person(&mut self, key: StudentKey, person: Person) {
        match self.persons.get(&key) {
            Some(first) if person.is_another_than(first) => drop(self.two_persons.insert(key)),
            Some(_) => {}
            None => drop(self.persons.insert(key, person)),
        }
    }

    /// Who stands under the ids of students.
    pub(crate) fn take_persons(&mut self) -> HashMap<StudentKey, Person> {
        std::mem::take(&mut self.persons)
    }

    /// Whose ids turned out to be two persons' though the resolver does not know it.
    pub(crate) fn new_two_persons(&self, resolver: &Resolver) -> Vec<StudentKey> {
        self.two_persons.iter().copied().filter(|key| !resolver.is_two_persons(*key)).collect()
    }

    /// Whose ids are no longer two persons': the payload has one under them.
    pub(crate) fn one_again(&self, resolver: &Resolver) -> Vec<StudentKey> {
        let is_one = |key: &StudentKey| {
            let is_said_today = resolver
                .successor(*key)
                .is_some_and(|next| next.day == self.day && self.fingerprint(*key) == Some(next.fingerprint));
            resolver.is_two_persons(*key) && !self.two_persons.contains(key) && !is_said_today
        };
        self.students.seen.keys().copied().filter(is_one).collect()
    }

    /// Whether the payload of an earlier day had the same person under the student's id, who is another than the student.
    pub(crate) fn has_succeeded(&self, resolver: &Resolver, key: StudentKey) -> bool {
        let successor = resolver.successor(key);
        successor.is_some_and(|next| next.day < self.day && self.fingerprint(key) == Some(next.fingerprint))
    }

    fn fingerprint(&self, key: StudentKey) -> Option<u64> {
        self.persons.get(&key).map(Person::fingerprint)
    }

    /// What changes, applied to the resolver. `is_delta`: whoever has no row claims what it has claimed.
    pub(crate) fn settle(mut self, resolver: &mut Resolver, is_delta: bool) -> Change {
        let mut change = Change::default();
        (self.students.is_delta, self.schools.is_delta) = (is_delta, is_delta);
        self.students.settle(&resolver.students, &mut change, |key, id| row(*key, id));
        self.schools.settle(&resolver.schools, &mut change, |key, id| school_row(key, id));
        change.gone.iter().for_each(|row| resolver.remove(row));
        change.new.retain(|row| resolver.add(row));
        change
    }
}

impl<K> Default for Claims<K> {
    fn default() -> Self {
        Self { seen: HashMap::new(), said: BTreeMap::new(), is_delta: false }
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
            self.said.remove(&key);
            return;
        }
        let ids: Vec<_> = ids.map(|(kind, id)| (kind.to_owned(), id.to_owned())).collect();
        // Of several rows always the same one, in whatever order they stand.
        match self.said.get(&key) {
            Some(other) if *other <= ids => {}
            _ => drop(self.said.insert(key, ids)),
        }
    }

    fn settle(&self, known: &Ids<K>, change: &mut Change, row: impl Fn(&K, TypedId) -> CrosswalkRow) {
        for (key, ids) in &self.said {
            change.gone.extend(known.replaced(key, ids).map(|id| row(key, id)));
        }
        for (key, ids) in &self.said {
            for id in ids {
                change.gone.extend(self.moved_from(known, key, id).map(|owner| row(owner, id.clone())));
                change.new.push(row(key, id.clone()));
            }
        }
        let in_use = OnceCell::new();
        for owners in known.shared() {
            let (claim_it, others): (Vec<_>, Vec<_>) =
                owners.into_iter().partition(|(owner, id)| self.claims_it(owner, id));
            let gone = others.into_iter().filter(|(owner, id)| {
                let anothers = || claim_it.iter().filter(|(claims, _)| claims != owner);
                let is_of_type = anothers().any(|(_, claimed)| claimed.0 == id.0);
                // One night's slip of the pen. Of a type that is in use an id stays, though another has the same number under
                // another type.
                let is_of_no_type = || {
                    let in_use = in_use.get_or_init(|| self.types_in_use(known));
                    !self.is_delta && self.seen.contains_key(*owner) && !in_use.contains(&*id.0)
                };
                id.0 != FIRST_ID && (is_of_type || anothers().next().is_some() && is_of_no_type())
            });
            change.gone.extend(gone.map(|(owner, id)| row(owner, id)));
        }
    }

    /// The id's other owners who do not claim it in this payload.
    fn moved_from<'k>(
        &'k self,
        known: &'k Ids<K>,
        key: &'k K,
        id: &'k TypedId,
    ) -> impl Iterator<Item = &'k K> {
        let owners = known.named(&id.1, Some(&id.0));
        owners.filter(move |owner| *owner != key && !self.claims_it(owner, id))
    }

    /// The types of ids that rows of the payload have.
    fn types_in_use<'k>(&'k self, known: &'k Ids<K>) -> HashSet<&'k str> {
        let mut types = HashSet::new();
        for key in self.seen.keys() {
            match self.said.get(key) {
                Some(said) => types.extend(said.iter().map(|(named, _)| named.as_str())),
                None => types.extend(known.types_of(key)),
            }
        }
        types
    }

    fn claims_it(&self, owner: &K, id: &TypedId) -> bool {
        if !self.seen.contains_key(owner) {
            return self.is_delta;
        }
        // The first id stands in every row.
        id.0 == FIRST_ID || self.said.get(owner).is_none_or(|claims| claims.contains(id))
    }
}

/// The row that says that an id is two persons': of one payload, or the student's and another's after them.
pub(crate) fn two_persons(
    resolver: &Resolver,
    key: StudentKey,
    successor: Option<Successor>,
) -> CrosswalkRow {
    let first_id = resolver.first_id(key).unwrap_or_default().to_owned();
    row(key, (successor.map_or(TWO_PERSONS.to_owned(), Successor::id_type), first_id))
}

fn row(key: StudentKey, (id_type, id): TypedId) -> CrosswalkRow {
    let first = id_type == FIRST_ID;
    CrosswalkRow { what: Named::Student, id_type, id, target: key.to_string(), first }
}

fn school_row(first_id: &str, (id_type, id): TypedId) -> CrosswalkRow {
    CrosswalkRow { what: Named::School, id_type, id, target: first_id.to_owned(), first: false }
}
