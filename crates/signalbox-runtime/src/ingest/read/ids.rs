//! Whom a draft speaks of.

use std::borrow::Cow;

use signalbox_connector::draft::value_class;
use signalbox_connector::{Claims, Draft, Record, Reject, RejectCode};
use signalbox_event::StudentKey;
use signalbox_store::feed::{CrosswalkRow, Named};

use super::Reader;
use crate::ingest::identity::{Found, student_key};

/// The type under which a student's or school's first id stands in the crosswalk.
const FIRST_ID: &str = "sourcedId";

/// The ids of a draft, resolved.
pub(super) struct Resolved<'d> {
    pub(super) student: Option<StudentKey>,
    pub(super) school: Option<Cow<'d, str>>,
}

impl Reader<'_> {
    /// Takes the ids of the roster of record into the crosswalk.
    pub(super) fn learn(&mut self, record: &Record<'_>) {
        match record {
            Record::School { id, identifier, .. } => {
                self.learn_id(Named::School, FIRST_ID, id, id, true);
                if let Some(identifier) = identifier {
                    self.learn_id(Named::School, "identifier", identifier, id, false);
                }
            }
            Record::Student { id, ids, .. } => {
                if self.resolver.student(id, Some(FIRST_ID)) != Found::None && ids.is_empty() {
                    return;
                }
                let key = student_key(&self.settings.district, &self.feed.name, id).to_string();
                self.learn_id(Named::Student, FIRST_ID, id, &key, true);
                for (id_type, value) in ids {
                    self.learn_id(Named::Student, id_type, value, &key, false);
                }
            }
            Record::Enrollment { .. } | Record::Attendance { .. } => {}
        }
    }

    fn learn_id(&mut self, what: Named, id_type: &str, id: &str, target: &str, first: bool) {
        let row = CrosswalkRow {
            what,
            id_type: id_type.to_owned(),
            id: id.to_owned(),
            target: target.to_owned(),
            first,
        };
        if self.resolver.add(&row) {
            self.found.ids.push(row);
        }
    }

    pub(super) fn resolve<'d>(&mut self, draft: &Draft<'d>) -> Result<Resolved<'d>, Reject> {
        let (student, school) = match &draft.record {
            Record::School { .. } => return Ok(Resolved { student: None, school: None }),
            Record::Student { id, .. } => {
                let student = match self.resolver.student(id, Some(FIRST_ID)) {
                    Found::One(key) => Some(key),
                    Found::Several | Found::None => None,
                };
                return Ok(Resolved { student, school: None });
            }
            Record::Enrollment { student, school, .. } => (student, school),
            Record::Attendance { student, school: Some(school), .. } => (student, school),
            Record::Attendance { student, school: None, .. } => {
                let _ = student;
                return Err(draft.fault.clone().expect("a school that cannot be used is a fault"));
            }
        };
        let school = match self.resolver.school(school) {
            Found::One(first) if first == &**school => school.clone(),
            Found::One(first) => Cow::Owned(first.to_owned()),
            Found::None | Found::Several => return Err(unknown_school(draft, school)),
        };
        let id_type =
            if self.feed.roster_of_record { Some(FIRST_ID) } else { self.feed.source.student_id_type() };
        let student = match self.resolver.student(student, id_type) {
            Found::One(key) => Some(key),
            Found::Several => {
                self.found.notes.ambiguous += 1;
                None
            }
            Found::None => {
                self.found.notes.leading_zeros += u64::from(self.resolver.differs_by_leading_zeros(student));
                None
            }
        };
        Ok(Resolved { student, school: Some(school) })
    }
}

fn unknown_school(draft: &Draft<'_>, school: &str) -> Reject {
    Reject {
        file: draft.file,
        row: Some(draft.row),
        column: None,
        code: RejectCode::UnknownSchool,
        value_class: value_class(school),
        help: "No roster row names this school. Add it to the roster of record, or mend the id.".to_owned(),
        claims: Claims::default(),
    }
}
