//! The grade levels and schools that rosters write: a rule for others is for nobody.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use signalbox_event::data::Enrollment;
use signalbox_hub::shard::ShardChange;

/// So many names are kept on a shard: a column that was mapped by mistake may have as many as there are students.
const NAMES: usize = 2_000;

/// All that any enrolment ever had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    pub grades: Written,
    pub schools: Written,
}

/// What stood in a column of rosters. It is not to be listed: from a column that was mapped by mistake they may be
/// children's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    names: BTreeSet<String>,
    /// There were too many: what is not among them may have been written all the same.
    is_cut: bool,
}

impl Scopes {
    pub(super) fn see(&mut self, enrollment: &Enrollment) -> ShardChange {
        let school = self.schools.see(&enrollment.school);
        let grade = enrollment.grade.as_ref().is_some_and(|grade| self.grades.see(grade));
        if school || grade { ShardChange::Noted } else { ShardChange::Same }
    }

    /// Adds what the other has.
    pub fn join(&mut self, other: Self) {
        self.grades.join(other.grades);
        self.schools.join(other.schools);
    }
}

impl Written {
    /// `true`: it is new.
    fn see(&mut self, name: &str) -> bool {
        if self.names.contains(name) {
            return false;
        }
        if self.names.len() >= NAMES {
            return !std::mem::replace(&mut self.is_cut, true);
        }
        self.names.insert(name.to_owned())
    }

    fn join(&mut self, mut other: Self) {
        self.is_cut |= other.is_cut;
        self.names.append(&mut other.names);
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether some student has it; `None`: nobody knows any more.
    pub fn has(&self, name: &str) -> Option<bool> {
        let is_there = self.names.contains(name);
        (is_there || !self.is_cut).then_some(is_there)
    }

    /// The one that it would be but for zeros before it, case and spaces.
    pub fn like(&self, name: &str) -> Option<&str> {
        let asked = shape(name);
        self.names.iter().map(String::as_str).find(|written| shape(written) == asked)
    }
}

fn shape(name: &str) -> String {
    let bare: String = name.chars().filter(|letter| !letter.is_whitespace()).collect();
    bare.trim_start_matches('0').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(names: &[&str]) -> Written {
        let mut written = Written::default();
        for name in names {
            assert!(written.see(name), "{name}");
            assert!(!written.see(name), "{name}, again");
        }
        written
    }

    #[test]
    fn what_is_written_is_known_and_what_is_like_it_is_named() {
        let mut here = written(&["09", "KG", "Rivera, Ana"]);
        assert_eq!(["09", "9", "kg"].map(|name| here.has(name)), [Some(true), Some(false), Some(false)]);
        let like = ["9", "kg ", "Okafor, Ben", "Rivera", ""].map(|name| here.like(name));
        assert_eq!(like, [Some("09"), Some("KG"), None, None, None]);
        here.join(written(&["10"]));
        assert_eq!((here.has("10"), here.has("09")), (Some(true), Some(true)));
    }

    #[test]
    fn names_by_the_thousand_are_not_kept() {
        let mut written = written(&["09"]);
        for number in 0..10_000 {
            written.see(&format!("Child {number}"));
        }
        assert_eq!(written.names.len(), NAMES);
        let known = ["09", "Child 7", "10"].map(|name| written.has(name));
        assert_eq!(known, [Some(true), Some(true), None]);
    }
}
