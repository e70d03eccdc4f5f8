//! Where the last school days begin of a payload that speaks for so many.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_connector::{Covers, Entity, Extent};
use signalbox_event::data::SchoolCoverage;
use signalbox_event::rows::Role;
use signalbox_hub::calendar::{Calendars, SchoolYear};

use crate::read::ReadIn;

/// What payloads that speak for the last school days spoke for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spoken {
    /// How many school days such a payload speaks for.
    school_days: u16,
    schools: BTreeMap<String, SpokenAt>,
}

/// The same for the newest of them with rows of one school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SpokenAt {
    first: Date,
    last: Date,
    /// The local day on which it was read.
    read_on: Date,
}

impl Spoken {
    /// Takes in what this payload covers; where it goes less far than one before it is older, or its newest row was taken back.
    pub(crate) fn extend(&mut self, read: &ReadIn, covered: &[SchoolCoverage], run_day: Date) {
        let school_days = read.contents.extents.iter().find_map(|extent| match extent.covers {
            Covers::SchoolDays(school_days) if extent.entity.role() == Role::Fact => Some(school_days),
            _ => None,
        });
        let is_attendance = |extent: &Extent| extent.entity == Entity::Attendance;
        let covered = if read.contents.extents.iter().any(is_attendance) { covered } else { &read.windows };
        // What is read again was spoken for under the settings of its time.
        let Some(school_days) = school_days.filter(|_| read.spoke_from.is_empty()) else { return };
        if self.school_days != school_days {
            *self = Self { school_days, ..Self::default() };
        }
        for SchoolCoverage { school, first, last, .. } in covered {
            let spoken = SpokenAt { first: *first, last: *last, read_on: run_day };
            if self.schools.get(school).is_none_or(|before| before.last <= spoken.last) {
                self.schools.insert(school.clone(), spoken);
            }
        }
    }
}

impl SpokenAt {
    /// The first day for which the next such payload can speak: its window has moved on by the school days since.
    fn moved_on(&self, year: &SchoolYear, run_day: Date) -> Date {
        let upto = |day: Date| year.days.partition_point(|one| *one <= day);
        let elapsed = upto(run_day).saturating_sub(upto(self.read_on));
        let first = year.days.partition_point(|one| *one < self.first) + elapsed;
        year.days.get(first).copied().unwrap_or(Date::MAX)
    }
}

/// Rows of one day, at whatever schools, that are no slip of the pen.
const NO_SLIP: u64 = 3;

/// School days that a payload has rows of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowDays {
    schools: BTreeMap<String, BTreeSet<Date>>,
    anywhere: BTreeMap<Date, u64>,
}

impl RowDays {
    pub(crate) fn extend(&mut self, school: &str, days: impl Iterator<Item = (Date, u64)>) {
        let here = self.schools.entry(school.to_owned()).or_default();
        for (day, rows) in days {
            here.insert(day);
            *self.anywhere.entry(day).or_default() += rows;
        }
    }

    /// The first day from this one on that the payload surely has of the school: it has a row of it there, or some elsewhere.
    fn first_from(&self, school: &str, from: Date) -> Option<Date> {
        let here = self.schools.get(school).and_then(|days| days.range(from..).next()).copied();
        let elsewhere = self.anywhere.range(from..).find(|(_, rows)| **rows >= NO_SLIP).map(|(day, _)| *day);
        here.into_iter().chain(elsewhere).min()
    }
}

/// The first of the `n` school days that a payload speaks for at a school: those that end at its latest row there. Where the
/// days since had no row, that would reach back to days which the payload does not have any more, and on which nobody was
/// absent as it seems. So a day that has left the window of an earlier payload does not come back, unless this one has a row
/// of it, or of a day before; of the days after that one, it speaks for those that it speaks for where its rows go furthest.
pub(super) fn window_start(
    n: u16,
    read: &ReadIn,
    calendars: &Calendars,
    school: &str,
    latest: Date,
    run_day: Date,
) -> Date {
    let year_of = |day: Date| calendars.of(school, calendars.school_year(day));
    let start = |latest: Date| year_of(latest).map_or(latest, |year| year.window_start(latest, n));
    let own = start(latest);
    let spoken = Some(&read.spoken).filter(|spoken| spoken.school_days == n);
    let before = spoken.and_then(|spoken| spoken.schools.get(school));
    let Some((before, year)) = before.zip(year_of(latest)) else { return own };
    let since = before.last.tomorrow().unwrap_or(Date::MAX);
    let furthest = start(read.latest.values().copied().max().unwrap_or(latest));
    // What the payload has a row of it has, whenever it was read.
    let has = read.days.first_from(school, own).unwrap_or(Date::MAX);
    own.max(before.moved_on(year, run_day).min(since.max(furthest)).min(has))
}
