//! What usable rows that are no days of attendance speak of: their schools, their terms, and what takes another's place.

use std::collections::{BTreeSet, HashSet};

use signalbox_connector::Entity;
use signalbox_event::Body;
use signalbox_event::rows::{CourseGradeKind, CourseGradeRow, Grade, Role};
use xxhash_rust::xxh3::xxh3_64;

use super::Missing;
use crate::row::Row;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Speaks {
    schools: BTreeSet<String>,
    terms: BTreeSet<String>,
    /// Of students, classes and terms: the grades that are posted.
    posted: HashSet<u64>,
}

impl Speaks {
    pub(crate) fn hear(&mut self, row: &Row<'_>) {
        let entity = row.entity();
        if entity.role() != Role::Fact || entity == Entity::Attendance {
            return;
        }
        let Some(school) = row.school().filter(|school| !school.is_empty()) else { return };
        remember(&mut self.schools, school);
        if let Some(term) = row.body.term() {
            remember(&mut self.terms, term);
        }
        if let Some((CourseGradeKind::Posted, place)) = grade_of(row).filter(|_| !is_blank(row)) {
            self.posted.insert(place);
        }
    }

    /// What it means that the row is missing.
    pub(super) fn missing(&self, row: &Row<'_>, entity: Entity) -> Missing {
        if row.body.term().is_some_and(|term| !self.terms.contains(term)) {
            return Missing::Outside;
        }
        let is_fact = entity.role() == Role::Fact;
        let is_there = |school: &str| school.is_empty() || self.schools.contains(school);
        if is_fact && !row.school().is_some_and(is_there) { Missing::Vanished } else { Missing::Ended }
    }

    /// Whether another row has taken the row's place: a running grade is over once it is posted.
    pub(crate) fn replaces(&self, row: &Row<'_>) -> bool {
        matches!(grade_of(row), Some((CourseGradeKind::InProgress, place)) if self.posted.contains(&place))
    }
}

fn remember(names: &mut BTreeSet<String>, name: &str) {
    if !names.contains(name) {
        names.insert(name.to_owned());
    }
}

/// Whether no grade was given yet: a blank cell ends nothing.
fn is_blank(row: &Row<'_>) -> bool {
    matches!(&row.body, Body::CourseGrade(CourseGradeRow { grade: Grade::None, .. }))
}

/// The kind of a grade, and a hash of whose it is, in what class, for what term.
fn grade_of(row: &Row<'_>) -> Option<(CourseGradeKind, u64)> {
    let Body::CourseGrade(CourseGradeRow { school, class, term, kind, .. }) = &row.body else { return None };
    let student = row.student?;
    let mut place = student.as_bytes().to_vec();
    for part in [school, class, term] {
        place.extend_from_slice(&(part.len() as u64).to_le_bytes());
        place.extend_from_slice(part.as_bytes());
    }
    Some((*kind, xxh3_64(&place)))
}
