//! Grades that decide nothing, for the whole district: letters that a rule's scale lacks, and gradebooks in which nobody
//! writes any more.

use std::collections::BTreeSet;

use jiff::civil::Date;
use signalbox_hub::Settings;
use signalbox_risk::{self as risk, CourseFailure, Rule};

use super::Note;
use crate::written::Written;

/// How many letters a warning shows.
const LETTERS_SHOWN: usize = 12;

pub(super) fn warnings(written: &Written, settings: &Settings, today: Date) -> Vec<Note> {
    let of_rule = |rule: &Rule| match &rule.settings {
        risk::Settings::CourseFailure(grades) => {
            [without_scale(written, rule, grades), stale(written, grades, settings, today)]
        }
        _ => [None, None],
    };
    settings.rules.iter().flat_map(of_rule).flatten().collect()
}

fn without_scale(written: &Written, rule: &Rule, grades: &CourseFailure) -> Option<Note> {
    let is_for = |school: &str| rule.schools.is_empty() || rule.schools.iter().any(|one| one == school);
    let letters = written.gradebook.letters(grades.kind(), is_for);
    let unknown: BTreeSet<&str> = letters.filter(|letter| !grades.has_on_scale(letter)).collect();
    if unknown.is_empty() {
        return None;
    }
    let shown: Vec<&str> = unknown.into_iter().take(LETTERS_SHOWN).collect();
    let (kind, letters) = (grades.kind().plain(), shown.join(", "));
    let message = format!(
        "The scale of course-failure does not have {letters}, which {kind} grades are: they count as unknown, and nobody is \
         flagged for them. Write what they are worth, e.g. scale: {{{}: 50}}.",
        shown[0]
    );
    Some(Note { code: "letters_without_scale", message })
}

/// Of each student the rule asks for itself; here it is told once for all.
fn stale(written: &Written, grades: &CourseFailure, settings: &Settings, today: Date) -> Option<Note> {
    let after = grades.stale_after()?;
    let last = written.gradebook.entered(grades.kind())?;
    let year = settings.calendars.school_year(today);
    let school = written.scopes.schools.shown().next().unwrap_or_default();
    let days = &settings.calendars.of(school, year)?.days;
    let since = days.iter().filter(|day| last < **day && **day <= today).count();
    (since >= after as usize).then(|| Note {
        code: "grades_stale",
        message: format!(
            "No {} grade was entered since {last}, {since} school days ago: course-failure decides nothing, and its flags \
             stand as they were told, until grades are entered.",
            grades.kind().plain()
        ),
    })
}
