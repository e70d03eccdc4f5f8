//! The grade levels and schools that rosters write: a rule for others is for nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use signalbox_event::StudentKey;
use signalbox_event::data::Enrollment;
use signalbox_hub::shard::ShardChange;

/// What fewer students have is shown to nobody: from a column that was mapped by mistake it may be a child's name.
const SHOWN_OF: usize = 3;
/// So many names that fewer students have are kept on a shard, and so many in all.
const RARE: usize = 250;
const NAMES: usize = 2_000;

/// All that any enrolment ever had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    pub grades: Written,
    pub schools: Written,
}

/// What stood in a column of rosters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Each with a mark of the first few students that had it.
    names: BTreeMap<String, BTreeSet<u16>>,
    /// There were too many: what is not among them may have been written all the same.
    is_cut: bool,
}

impl Scopes {
    pub(super) fn see(&mut self, student: StudentKey, enrollment: &Enrollment) -> ShardChange {
        let school = self.schools.see(student, &enrollment.school);
        let grade = enrollment.grade.as_ref().is_some_and(|grade| self.grades.see(student, grade));
        if school || grade { ShardChange::Noted } else { ShardChange::Same }
    }

    /// Adds what the other has.
    pub fn join(&mut self, other: Self) {
        self.grades.join(other.grades);
        self.schools.join(other.schools);
    }
}

impl Written {
    /// `true`: it is new of this student, and fewer than are needed had it.
    fn see(&mut self, student: StudentKey, name: &str) -> bool {
        if let Some(marks) = self.names.get_mut(name) {
            return marks.len() < SHOWN_OF && marks.insert(mark(student));
        }
        if self.is_cut || self.names.len() >= NAMES || self.rare() >= RARE {
            return !std::mem::replace(&mut self.is_cut, true);
        }
        self.names.insert(name.to_owned(), BTreeSet::from([mark(student)]));
        true
    }

    fn join(&mut self, other: Self) {
        self.is_cut |= other.is_cut;
        for (name, mut marks) in other.names {
            self.names.entry(name).or_default().append(&mut marks);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether some student has it; `None`: nobody knows any more.
    pub fn has(&self, name: &str) -> Option<bool> {
        let is_there = self.names.contains_key(name);
        (is_there || !self.is_cut).then_some(is_there)
    }

    /// How many names fewer students have than are shown.
    fn rare(&self) -> usize {
        self.names.values().filter(|marks| marks.len() < SHOWN_OF).count()
    }

    /// Those that are no one student's; none, where most are: then it is a column of other things, and some children share a
    /// name.
    pub fn shown(&self) -> impl Iterator<Item = &str> {
        let most_are_shared = 2 * self.rare() <= self.names.len();
        let shown = self.names.iter().filter(move |(_, marks)| most_are_shared && marks.len() >= SHOWN_OF);
        shown.map(|(name, _)| name.as_str())
    }
}

/// Tells a few students apart, mostly.
fn mark(student: StudentKey) -> u16 {
    let [.., high, low] = *student.as_uuid().as_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn student(number: u128) -> StudentKey {
        StudentKey::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn what_few_have_is_known_and_not_shown() {
        let mut here = Written::default();
        for number in 0..3 {
            assert!(here.see(student(number), "09"), "{number}");
        }
        assert!(!here.see(student(3), "09"), "enough are known");
        assert!(here.see(student(3), "Rivera, Ana"));
        assert!(!here.see(student(3), "Rivera, Ana"), "the same student");
        assert_eq!(here.shown().collect::<Vec<_>>(), ["09"]);
        let mut names = here.clone();
        names.see(student(4), "Okafor, Ben");
        assert_eq!(names.shown().count(), 0, "most are rare");
        let asked = ["09", "Rivera, Ana", "9"].map(|name| here.has(name));
        assert_eq!(asked, [Some(true), Some(true), Some(false)]);

        let mut there = Written::default();
        there.see(student(8), "10");
        there.see(student(9), "10");
        let mut both = there.clone();
        both.join(here);
        both.see(student(10), "10");
        assert_eq!(both.shown().collect::<Vec<_>>(), ["09", "10"]);
    }

    #[test]
    fn names_by_the_thousand_are_not_kept() {
        let mut written = Written::default();
        for number in 0..10_000 {
            written.see(student(number % 3), "09");
            written.see(student(number), &format!("Child {number}"));
        }
        assert_eq!(written.names.len(), RARE + 1);
        assert_eq!(
            (written.has("09"), written.has("Child 7"), written.has("10")),
            (Some(true), Some(true), None)
        );
    }
}
