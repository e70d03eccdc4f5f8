//! Whom rosters name, for those who try a file and store nothing.

use signalbox_connector::{Draft, Source};
use signalbox_event::rows::{SchoolRow, StudentRow};
use signalbox_event::{Body, Status, StudentKey};
use signalbox_hub::HubError;
use signalbox_store::FeedStore;
use signalbox_store::feed::{CrosswalkRow, Named};

use super::shape::{Hint, shape_of};
use super::{FIRST_ID, Found, Resolver};

/// The students and schools that are known.
#[derive(Debug, Default)]
pub struct Known(Resolver);

/// Where an id leads that leads to no student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// It fits several: nobody guesses.
    Several,
    /// It would be one but for how it is written: the stable word for that, and the mend.
    Written {
        code: &'static str,
        mend: &'static str,
    },
    Nobody,
}

impl Known {
    /// All that a hub has read of its rosters.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn of(feeds: &dyn FeedStore) -> Result<Self, HubError> {
        Ok(Self(Resolver::load(feeds).await?))
    }

    /// Whether no roster was read.
    pub fn is_empty(&self) -> bool {
        self.0.first_ids.is_empty()
    }

    /// Takes in a row of the roster of record.
    pub fn learn(&mut self, draft: &Draft<'_>) {
        match &draft.body {
            Body::School(row) if draft.status != Status::ToBeDeleted => self.learn_school(row),
            Body::Student(row) if draft.status != Status::ToBeDeleted => self.learn_student(row),
            _ => {}
        }
    }

    fn learn_school(&mut self, row: &SchoolRow<'_>) {
        self.add(Named::School, FIRST_ID, &row.id, &row.id);
        if let Some(identifier) = &row.identifier {
            self.add(Named::School, "identifier", identifier, &row.id);
        }
    }

    fn learn_student(&mut self, row: &StudentRow<'_>) {
        // Whose key it is matters to nobody here, only that it is one.
        let key = self.0.known_student(&row.id).unwrap_or_else(|| StudentKey::derive(b"", "", &row.id));
        let key = key.to_string();
        self.add(Named::Student, FIRST_ID, &row.id, &key);
        for (id_type, id) in &row.ids {
            self.add(Named::Student, id_type, id, &key);
        }
    }

    fn add(&mut self, what: Named, id_type: &str, id: &str, target: &str) {
        let (id_type, id, target) = (id_type.to_owned(), id.to_owned(), target.to_owned());
        let first = id_type == FIRST_ID;
        self.0.add(&CrosswalkRow { what, id_type, id, target, first });
    }

    /// Why an id of a source's leads to no student; `None`: it leads to one.
    pub fn lost(&mut self, source: &dyn Source, id: &str) -> Option<Lost> {
        match self.0.student(id, source.student_id_type()) {
            Found::One(_) => None,
            Found::Several(_) => Some(Lost::Several),
            Found::None => Some(match self.0.hint(id) {
                Some(hint) => Lost::Written { code: hint.code(), mend: hint.mend() },
                None => Lost::Nobody,
            }),
        }
    }

    /// Whether an id leads to a school.
    pub fn has_school(&self, id: &str) -> bool {
        matches!(self.0.school(id, None), Found::One(_))
    }

    /// The id of a school that this would be but for how it is written, and the mend.
    pub fn school_like(&self, id: &str) -> Option<(&str, &'static str)> {
        let shape = shape_of(id);
        let mut alike = self.0.schools.all().filter(|(known, _)| shape_of(known) == shape);
        let (known, school) = alike.next()?;
        let is_one = alike.all(|(_, other)| other == school);
        let mend = Hint::of(id, true).map(Hint::mend)?;
        is_one.then(|| (known, mend.trim_start_matches("not found: ")))
    }
}
