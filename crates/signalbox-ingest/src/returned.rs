//! Rows that may have been in doubt last time and can be read now. Where as many are in doubt as before although some of
//! those are back, the others are new ones: an export that spoils some rows every night spoils others every night.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signalbox_connector::Entity;
use signalbox_hub::HubError;
use signalbox_risk::DateRanges;
use signalbox_store::feed::LedgerStatus;

use super::diff::{Step, Verdict};
use super::doubt::{Book, Place, places_of};
use super::row::{Mark, Row};

/// By the places where they stand. Kept with the run: when it is taken up again, some of the rows are in the ledger already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Returned(Vec<(Place, Back)>);

/// Rows of one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Back {
    /// Of which it was known that they were missing.
    pub(crate) stood: u32,
    /// New on a day that was covered before.
    pub(crate) late: u32,
}

impl Returned {
    #[cfg(test)]
    pub(super) fn of(places: impl IntoIterator<Item = (Place, Back)>) -> Self {
        Self(places.into_iter().collect())
    }

    /// Both, of each place the more.
    pub(crate) fn union(self, other: Self) -> Self {
        let mut places: BTreeMap<Place, Back> = self.0.into_iter().collect();
        for (place, back) in other.0 {
            let both = places.entry(place).or_default();
            *both = Back { stood: both.stood.max(back.stood), late: both.late.max(back.late) };
        }
        Self(places.into_iter().collect())
    }

    pub(crate) fn at(&self, place: &Place) -> Back {
        let found = self.0.binary_search_by(|(at, _)| at.cmp(place));
        found.map_or(Back::default(), |at| self.0[at].1)
    }
}

/// Collects them from what becomes of a payload's rows.
#[derive(Debug)]
pub(crate) struct Returning<'a> {
    /// What the feed covered.
    covered: &'a BTreeMap<String, DateRanges>,
    /// Those that were in doubt.
    places: BTreeMap<&'a Place, Back>,
}

impl<'a> Returning<'a> {
    /// `None`: nothing was in doubt.
    pub(crate) fn to(covered: &'a BTreeMap<String, DateRanges>, book: &'a Book) -> Option<Self> {
        let places: BTreeMap<_, _> =
            book.places().into_iter().map(|place| (place, Back::default())).collect();
        (!places.is_empty()).then_some(Self { covered, places })
    }

    pub(crate) fn step(&mut self, step: &Step) -> Result<(), HubError> {
        if step.rows == 0 || step.slot.waits {
            return Ok(());
        }
        match &step.old {
            Some(old) if old.status == LedgerStatus::Live => {
                // What was only inferred is no row of the feed: one in its place is new to it.
                if !Row::is_marked(&old.detail) && !matches!(step.verdict, Verdict::Add | Verdict::Change) {
                    return Ok(());
                }
                let row = Row::decode(&old.detail)?;
                if row.mark == Mark::Doubtful || row.is_silence() {
                    self.note(&row, |back| back.stood += 1);
                }
            }
            _ if step.slot.entity == Entity::Attendance => {
                if let Some(row) = step.row()?.filter(|row| self.was_covered(row)) {
                    self.note(&row, |back| back.late += 1);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn was_covered(&self, row: &Row<'_>) -> bool {
        let days = row.school().and_then(|school| self.covered.get(school));
        days.zip(row.date()).is_some_and(|(days, date)| days.contains(date))
    }

    fn note(&mut self, row: &Row<'_>, add: impl Fn(&mut Back)) {
        for place in places_of(row).iter().flatten() {
            if let Some(back) = self.places.get_mut(place) {
                add(back);
            }
        }
    }

    pub(crate) fn finish(self) -> Returned {
        let back = self.places.into_iter().filter(|(_, back)| *back != Back::default());
        Returned(back.map(|(place, back)| (place.clone(), back)).collect())
    }
}
