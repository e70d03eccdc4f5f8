//! Whom rules are for, beside whom the rosters have: a rule for grade "9" where the roster says "09" is for nobody.

use std::collections::BTreeSet;

use signalbox_risk::Rule;

use super::Note;
use crate::scoring::student::StudentState;

/// How many names a warning shows.
const NAMES_SHOWN: usize = 20;

/// The grade levels and schools of enrolments, as the rosters write them.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    grades: BTreeSet<String>,
    schools: BTreeSet<String>,
}

impl Scopes {
    pub(super) fn see(&mut self, state: &StudentState) {
        for live in state.registers.live_enrollments() {
            remember(&mut self.schools, live.enrollment.school);
            if let Some(grade) = live.enrollment.grade {
                remember(&mut self.grades, grade);
            }
        }
    }

    /// What rules are for that no student has.
    pub(super) fn warnings(&self, rules: &[Rule]) -> Vec<Note> {
        // Before a roster was read nothing can be said.
        if self.schools.is_empty() {
            return Vec::new();
        }
        let grades = rules.iter().flat_map(|rule| for_nobody(rule, "grade", &rule.grades, &self.grades));
        let schools = rules.iter().flat_map(|rule| for_nobody(rule, "school", &rule.schools, &self.schools));
        grades.chain(schools).collect()
    }
}

fn remember(names: &mut BTreeSet<String>, name: &str) {
    if !names.contains(name) {
        names.insert(name.to_owned());
    }
}

fn for_nobody<'a>(
    rule: &'a Rule,
    what: &'static str,
    names: &'a [String],
    there: &'a BTreeSet<String>,
) -> impl Iterator<Item = Note> + 'a {
    names.iter().filter(|name| !there.contains(*name)).map(move |name| {
        let known: Vec<&str> = there.iter().take(NAMES_SHOWN).map(String::as_str).collect();
        let have = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Note {
            code: "rule_for_nobody",
            message: format!(
                "The rule {} is for {what} \"{name}\", and no student is in it. The rosters write: {have}.",
                rule.name()
            ),
        }
    })
}
