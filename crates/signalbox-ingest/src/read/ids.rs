//! Whom a draft speaks of.

use std::borrow::Cow;

use signalbox_connector::draft::{mark_of, value_class};
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Draft, Reject, RejectCode};
use signalbox_event::{Body, Status, StudentKey};
use signalbox_store::feed::{CrosswalkRow, Named};

use super::Reader;
use crate::doubt::Place;
use crate::identity::{FIRST_ID, Found, Person, student_key};

/// A draft's school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum School<'d> {
    /// Its first id.
    Known(Cow<'d, str>),
    /// No roster row names it.
    Unknown,
    /// It cannot be read, or the record has none.
    None,
}

impl Reader<'_> {
    /// Takes the ids of the roster of record in: first ids at once, further ones when the payload is read to its end.
    pub(super) fn learn(&mut self, draft: &Draft<'_>) {
        match &draft.body {
            Body::School(row) => {
                self.learn_first(Named::School, &row.id, &row.id);
                if draft.status != Status::ToBeDeleted {
                    self.roster.school(self.resolver, &row.id, row.identifier.as_deref());
                }
            }
            Body::Student(row) => {
                let key = self.student_of_record(&row.id);
                if draft.status == Status::ToBeDeleted {
                    return;
                }
                let ids = row.ids.iter().map(|(kind, id)| (&**kind, &**id));
                self.roster.row(self.resolver, key, ids);
                let names = [row.given_name.as_deref(), row.family_name.as_deref()];
                if let Some(person) = Person::of(names, row.birth_date.map(Into::into)) {
                    self.roster.person(key, person);
                }
            }
            _ => {}
        }
    }

    /// The student with this first id, who is known from here on.
    fn student_of_record(&mut self, id: &str) -> StudentKey {
        if let Some(key) = self.resolver.known_student(id) {
            return key;
        }
        let key = student_key(&self.settings.district, &self.feed.name, id);
        self.learn_first(Named::Student, id, &key.to_string());
        key
    }

    fn learn_first(&mut self, what: Named, id: &str, target: &str) {
        let row = CrosswalkRow {
            what,
            id_type: FIRST_ID.to_owned(),
            id: id.to_owned(),
            target: target.to_owned(),
            first: true,
        };
        if self.resolver.add(&row) {
            self.found.ids.new.push(row);
        }
    }

    pub(super) fn student(&mut self, id: &str) -> Found<StudentKey> {
        let id_type =
            if self.feed.roster_of_record { Some(FIRST_ID) } else { self.feed.source.student_id_type() };
        self.resolver.student(id, id_type)
    }

    /// A roster names its schools as it says itself that they are called.
    fn school_id_type(&self) -> Option<&'static str> {
        self.feed.roster_of_record.then_some(FIRST_ID)
    }

    pub(super) fn school<'d>(&self, school: &Cow<'d, str>) -> School<'d> {
        match self.resolver.school(school, self.school_id_type()) {
            Found::One(first) if first == &**school => School::Known(school.clone()),
            Found::One(first) => School::Known(Cow::Owned(first.to_owned())),
            Found::None | Found::Several(_) => School::Unknown,
        }
    }

    /// Notes where a row may belong that cannot be used, as far as it says.
    pub(super) fn doubt(
        &mut self,
        student: Option<&str>,
        school: Option<&str>,
        date: Option<Date>,
        mark: u32,
    ) {
        let students = match student.map(|id| (id, self.student(id))) {
            Some((_, Found::One(key))) => vec![key],
            Some((_, Found::Several(keys))) => keys,
            Some((id, Found::None)) => self.resolver.by_shape(id).into_iter().collect(),
            None => Vec::new(),
        };
        let school_id = school;
        let school = school_id.and_then(|id| match self.resolver.school(id, self.school_id_type()) {
            Found::One(first) => Some(first.to_owned()),
            Found::None | Found::Several(_) => None,
        });
        for key in &students {
            self.doubts.on_student(*key, school.as_deref(), date, mark);
        }
        if students.is_empty() {
            let place = match (school, date) {
                (Some(school), Some(date)) => Place::Day(school, date),
                (Some(school), None) => Place::School(school),
                (None, _) => return self.doubts.on_nobody(student, school_id, mark),
            };
            self.doubts.on(place, student.map_or(mark, mark_of));
        }
    }
}

/// Why a row is not used whose school no roster names.
pub fn unknown_school(draft: &Draft<'_>, school: &str) -> Reject {
    Reject {
        file: draft.file,
        row: Some(draft.row),
        column: None,
        code: RejectCode::UnknownSchool,
        value_class: value_class(school),
        help: "No roster row names this school. The row is kept, and used when the roster brings the school; or mend \
               the id"
            .to_owned(),
        claims: Box::default(),
        mark: 0,
    }
}
