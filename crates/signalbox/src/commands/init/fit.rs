//! Which entity a file's header is likeliest to be of.

use std::cmp::Reverse;

use signalbox_connector::Entity;
use signalbox_event::rows::{Column, Holds};

use super::names::{is_named_by, likeness};

/// More missing columns, and the file is about something else.
const MOST_MISSING: usize = 2;
/// With fewer of the columns, a file is not of the entity that its name says.
const FEWEST_OF_NAMED: usize = 2;

/// Where the columns of an entity stand in a header.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) entity: Entity,
    /// In the order of the entity's columns.
    at: Vec<Option<usize>>,
    /// Whether the file's name says so too.
    is_named: bool,
}

impl Fit {
    /// The entity that a file is probably of: one of which all required columns are there, else one that lacks few.
    pub(super) fn best(header: &[String], file: &str) -> Option<Self> {
        let (complete, other): (Vec<_>, Vec<_>) =
            Entity::mapped().map(|entity| Self::new(entity, header, file)).partition(Self::is_complete);
        // Of equals the last is taken, and the first is wanted.
        let complete = complete.into_iter().rev();
        let complete = complete.max_by_key(|fit| (fit.is_named, fit.required().count(), fit.found().count()));
        complete.or_else(|| {
            let near = other.into_iter().rev().filter(Self::is_near);
            near.max_by_key(|fit| (fit.is_named, fit.evidence(), Reverse(fit.missing().count())))
        })
    }

    fn new(entity: Entity, header: &[String], file: &str) -> Self {
        let mut at: Vec<Option<usize>> = Vec::new();
        for column in entity.columns() {
            let likely = |place: &usize| likeness(entity, column, &header[*place]);
            let free = (0..header.len()).filter(|place| !at.contains(&Some(*place)));
            // A feed that names a column that stands twice is refused.
            let once =
                free.filter(|place| header.iter().filter(|name| **name == header[*place]).count() == 1);
            let place = once.filter(|place| likely(place).is_some()).min_by_key(likely);
            at.push(place);
        }
        Self { entity, at, is_named: is_named_by(entity, file) }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }

    /// The columns that were found, and where they stand.
    pub(super) fn found(&self) -> impl Iterator<Item = (&'static Column, usize)> {
        let columns = self.entity.columns().iter().zip(&self.at);
        columns.filter_map(|(column, at)| Some((column, (*at)?)))
    }

    /// The required columns that were not.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'static Column> {
        let columns = self.entity.columns().iter().zip(&self.at);
        columns.filter(|(column, at)| column.required && at.is_none()).map(|(column, _)| column)
    }

    fn required(&self) -> impl Iterator<Item = &'static Column> {
        self.entity.columns().iter().filter(|column| column.required)
    }

    /// Whether few enough is missing, and more is there than what every file about students has. Of a file that is called so,
    /// more may be missing.
    fn is_near(&self) -> bool {
        let missing = self.missing().count();
        if self.is_named && self.own().next().is_some() && self.found().count() >= FEWEST_OF_NAMED {
            return true;
        }
        let has_student = self.found().any(|(column, _)| column.holds == Holds::Student);
        missing <= MOST_MISSING && (has_student || missing == 1) && self.evidence() > missing
    }

    /// How much of the header speaks for this entity, and not for any other that is about students of schools.
    fn evidence(&self) -> usize {
        let weight = self.own().map(|column| 1 + usize::from(column.required)).sum::<usize>();
        weight + 2 * usize::from(self.is_named)
    }

    /// Columns that were found, and that not every file about students has.
    fn own(&self) -> impl Iterator<Item = &'static Column> {
        let columns = self.found().map(|(column, _)| column);
        columns.filter(|column| !matches!(column.holds, Holds::Student | Holds::School))
    }
}

/// Why a header is of no entity, without a word of the header: its first line may be a student's row.
pub(super) fn why_not(header: &[String], file: &str) -> String {
    let fits = Entity::mapped().map(|entity| Fit::new(entity, header, file));
    let nearest = fits.min_by_key(|fit| (Reverse(fit.found().count()), fit.missing().count()));
    match nearest.filter(|fit| fit.found().next().is_some()) {
        Some(fit) => {
            let missing: Vec<&str> = fit.missing().map(|column| column.name).collect();
            format!("nearest to {}, of which it lacks {}", fit.entity, missing.join(", "))
        }
        None => "none of its columns has a name that is known; does it have a header?".to_owned(),
    }
}
