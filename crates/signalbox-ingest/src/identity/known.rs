//! Whom rosters name, for those who try a file and store nothing.

use signalbox_connector::{Draft, Source};
use signalbox_event::StudentKey;
use signalbox_hub::HubError;
use signalbox_store::FeedStore;
use signalbox_store::feed::{CrosswalkRow, Named};

use super::shape::{Hint, shape_of};
use super::{FIRST_ID, Found, Resolver};

/// The students and schools that are known.
#[derive(Debug, Default)]
pub struct Known(pub(crate) Resolver);

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
    /// The roster has two persons under it.
    TwoPersons,
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

    /// Takes whom a row names for somebody whom the roster has: of `source`, as long as no roster can be looked at.
    pub fn assume(&mut self, draft: &Draft<'_>, source: &dyn Source) {
        let id_type = source.student_id_type().unwrap_or(FIRST_ID);
        if let Some(id) = draft.claims.student.as_deref()
            && matches!(self.0.student(id, Some(id_type)), Found::None)
        {
            let key = StudentKey::derive(b"", id_type, id).to_string();
            self.add(Named::Student, id_type, id, &key);
        }
        if let Some(school) = draft.claims.school.as_deref().filter(|school| !self.has_school(school)) {
            self.add(Named::School, FIRST_ID, school, school);
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
            Found::None if self.is_two_persons(id) => Some(Lost::TwoPersons),
            Found::None => Some(match self.0.hint(id) {
                Some(hint) => Lost::Written { code: hint.code(), mend: hint.mend() },
                None => Lost::Nobody,
            }),
        }
    }

    fn is_two_persons(&self, id: &str) -> bool {
        self.0.known_student(id).is_some_and(|key| self.0.is_two_persons(key))
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
