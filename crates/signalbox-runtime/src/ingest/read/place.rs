//! Where a row stands in time: its school year, and what its school's rows reach to.

use jiff::civil::Date;
use signalbox_connector::Entity;

use super::Reader;
use crate::calendar::{Calendars, SchoolYear};
use crate::ingest::row::Row;

/// What the rows of one school showed so far.
#[derive(Default)]
pub(super) struct SchoolSeen<'a> {
    pub(super) latest: Option<Date>,
    /// The calendar used last.
    year: Option<(u16, Option<&'a SchoolYear>)>,
}

impl<'a> SchoolSeen<'a> {
    fn year_of(
        &mut self,
        date: Date,
        school: &str,
        calendars: &'a Calendars,
    ) -> (u16, Option<&'a SchoolYear>) {
        match self.year {
            Some((year, Some(calendar))) if calendar.first <= date && date <= calendar.last => {
                (year, Some(calendar))
            }
            _ => {
                let year = calendars.school_year(date);
                *self.year.insert((year, calendars.of(school, year)))
            }
        }
    }
}

impl Reader<'_> {
    /// Notes the row's place in time; its school year, 0 where the payload as a whole has one.
    pub(super) fn see(&mut self, row: &Row<'_>) -> u16 {
        let Some(date) = row.date() else { return 0 };
        if row.entity() == Entity::Enrollment {
            self.latest_entry = self.latest_entry.max(Some(date));
            return 0;
        }
        let school = row.school().unwrap_or_default();
        if !self.schools.contains_key(school) {
            self.schools.insert(school.into(), SchoolSeen::default());
        }
        let seen = self.schools.get_mut(school).expect("just inserted");
        // A day that has not come yet is a slip of the pen: it must not stretch what the file speaks for.
        if date <= self.run_day {
            seen.latest = seen.latest.max(Some(date));
        } else {
            self.found.reaches_ahead = true;
        }
        let (year, calendar) = seen.year_of(date, school, &self.settings.calendars);
        match calendar {
            None => self.found.notes.no_calendar += 1,
            Some(calendar) if !calendar.is_instructional(date) => self.found.notes.non_instructional += 1,
            Some(_) => {}
        }
        year
    }
}
