//! The grade levels and schools that rosters write: a rule for others is for nobody.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use signalbox_event::data::Enrollment;
use signalbox_hub::shard::ShardChange;

/// All that any enrolment on the shard ever had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    pub grades: BTreeSet<String>,
    pub schools: BTreeSet<String>,
}

impl Scopes {
    pub(super) fn see(&mut self, enrollment: &Enrollment) -> ShardChange {
        let school = remember(&mut self.schools, &enrollment.school);
        let grade = enrollment.grade.as_ref().is_some_and(|grade| remember(&mut self.grades, grade));
        if school || grade { ShardChange::Noted } else { ShardChange::Same }
    }

    /// Adds what the other has.
    pub fn join(&mut self, mut other: Self) {
        self.grades.append(&mut other.grades);
        self.schools.append(&mut other.schools);
    }
}

/// `true`: it is new.
fn remember(names: &mut BTreeSet<String>, name: &str) -> bool {
    !names.contains(name) && names.insert(name.to_owned())
}
