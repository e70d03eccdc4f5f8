//! Whom rules are for, beside whom the rosters have: a rule for grade "9" where the roster says "09" is for nobody.

use signalbox_risk::Rule;
use signalbox_scoring::{Scopes, Written};

use super::Note;

/// What rules are for that no student has.
pub(super) fn warnings(scopes: &Scopes, rules: &[Rule]) -> Vec<Note> {
    // Before a roster was read nothing can be said.
    if scopes.schools.is_empty() {
        return Vec::new();
    }
    let grades = rules.iter().flat_map(|rule| for_nobody(rule, "grade", &rule.grades, &scopes.grades));
    let schools = rules.iter().flat_map(|rule| for_nobody(rule, "school", &rule.schools, &scopes.schools));
    grades.chain(schools).collect()
}

fn for_nobody<'a>(
    rule: &'a Rule,
    what: &'static str,
    names: &'a [String],
    there: &'a Written,
) -> impl Iterator<Item = Note> + 'a {
    names.iter().filter(|name| there.has(name) == Some(false)).map(move |name| {
        let written = match there.like(name) {
            Some(like) => format!(": the rosters write \"{like}\""),
            None => String::new(),
        };
        Note {
            code: "rule_for_nobody",
            message: format!(
                "The rule {} is for {what} \"{name}\", and no student is in it{written}.",
                rule.name()
            ),
        }
    })
}
