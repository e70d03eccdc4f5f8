//! What gradebooks write, over all students of a shard: the letters, which a rule's scale may lack, and when a grade was
//! entered last.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_event::StudentKey;
use signalbox_hub::shard::ShardChange;
use signalbox_risk::{CourseGrade, GradeKind, GradeOf, Mark};

use super::scopes::Written;

/// What any grade ever was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gradebook {
    /// By school.
    letters: BTreeMap<(String, GradeKind), Written>,
    entered: BTreeMap<GradeKind, Date>,
}

impl Gradebook {
    pub(super) fn see(
        &mut self,
        student: StudentKey,
        of: GradeOf<'_>,
        CourseGrade { mark, date }: CourseGrade<'_>,
    ) -> ShardChange {
        let is_new_letter = match mark {
            Mark::None | Mark::Unknown => return ShardChange::Same,
            Mark::Points(_) => false,
            Mark::Letter(letter) => {
                self.letters.entry((of.school.to_owned(), of.kind)).or_default().see(student, letter)
            }
        };
        let entered = self.entered.entry(of.kind).or_insert(Date::MIN);
        let is_later = date > *entered;
        *entered = date.max(*entered);
        if is_new_letter || is_later { ShardChange::Noted } else { ShardChange::Same }
    }

    /// Adds what the other has.
    pub fn join(&mut self, other: Self) {
        for (of, letters) in other.letters {
            self.letters.entry(of).or_default().join(letters);
        }
        for (kind, date) in other.entered {
            let entered = self.entered.entry(kind).or_insert(date);
            *entered = date.max(*entered);
        }
    }

    /// What stands for grades at these schools, of several students each; a letter of two schools comes twice.
    pub fn letters(&self, kind: GradeKind, at: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        let there = self.letters.iter().filter(move |((school, of), _)| *of == kind && at(school));
        there.flat_map(|(_, letters)| letters.shown())
    }

    /// The latest day on which a grade was entered.
    pub fn entered(&self, kind: GradeKind) -> Option<Date> {
        self.entered.get(&kind).copied()
    }
}
