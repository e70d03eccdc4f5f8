//! Where a row stands in time: its school year, and what its school's rows reach to.

use jiff::civil::Date;
use signalbox_connector::draft::value_class;
use signalbox_connector::{Draft, Entity, Reject, RejectCode};
use signalbox_event::Body;
use signalbox_event::rows::Stands;
use signalbox_hub::calendar::{Calendars, SchoolYear, Standing};

use super::Reader;

/// How many schools a warning names.
const SCHOOLS_NAMED: usize = 5;

/// What the rows of one school showed so far.
#[derive(Default)]
pub(super) struct SchoolSeen<'a> {
    pub(super) latest: Option<Date>,
    pub(super) rows: RowsByDay,
    /// The calendar used last.
    year: Option<(u16, Option<&'a SchoolYear>)>,
}

/// How many rows the school days of one school year have.
#[derive(Default)]
pub(super) struct RowsByDay {
    pub(super) year: u16,
    /// By the day's place among the year's.
    counts: Vec<u64>,
}

impl RowsByDay {
    #[inline]
    fn add(&mut self, year: &SchoolYear, at: usize) {
        if self.year != year.school_year {
            *self = Self { year: year.school_year, counts: vec![0; year.days.len()] };
        }
        self.counts[at] += 1;
    }

    /// The days of the year that have some, with how many.
    pub(super) fn days<'a>(&'a self, year: &'a SchoolYear) -> impl Iterator<Item = (Date, u64)> + 'a {
        let days = year.days.iter().copied().zip(self.counts.iter().copied());
        days.filter(|(_, rows)| *rows > 0)
    }
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

/// The school year that a row counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    In(u16),
    /// On a day that counts nowhere, by now at least: it is kept under this year. No calendar covers it, it is none with
    /// school, or it has not come.
    Uncounted(u16),
    Outside,
}

impl<'a> Reader<'a> {
    /// The school year that a row counts in; notes what its school's rows reach to.
    pub(super) fn when(&mut self, body: &Body<'_>, school: &str) -> When {
        match body.stands() {
            Stands::From(entry) => {
                let year = self.settings.calendars.year_of_entry(entry, school, self.year);
                year.map_or(When::Outside, When::In)
            }
            Stands::On(date) => self.when_of_day(date, school),
            Stands::At(date) => self.when_it_was(date, school),
            // What is older than this year is none of it, however late it is read.
            Stands::By(date) if date <= self.run_day => When::In(self.settings.calendars.school_year(date)),
            Stands::By(_) | Stands::Throughout => When::In(self.year),
        }
    }

    /// On any day, but none to come.
    fn when_it_was(&mut self, date: Date, school: &str) -> When {
        let year = self.settings.calendars.school_year(date);
        if date > self.run_day {
            self.found.reaches_ahead = true;
            return When::Uncounted(year);
        }
        let run_day = self.run_day;
        let calendar = self.settings.calendars.of(school, year);
        let seen = self.seen_at(school);
        seen.latest = seen.latest.max(Some(date));
        if let Some((calendar, at)) =
            calendar.and_then(|year| Some((year, year.counted(date, run_day).ok()?)))
        {
            seen.rows.add(calendar, at);
        }
        if calendar.is_none_or(|calendar| date < calendar.first) {
            self.no_calendar(school);
        }
        When::In(year)
    }

    /// Notes a row on a date that no calendar covers.
    fn no_calendar(&mut self, school: &str) {
        let notes = &mut self.found.notes;
        notes.no_calendar += 1;
        if !school.is_empty() && notes.no_calendar_at.len() < SCHOOLS_NAMED {
            notes.no_calendar_at.insert(school.to_owned());
        }
    }

    fn seen_at(&mut self, school: &str) -> &mut SchoolSeen<'a> {
        match self.schools.get_index_of(school) {
            Some(place) => &mut self.schools[place],
            None => self.schools.entry(school.into()).or_default(),
        }
    }

    fn when_of_day(&mut self, date: Date, school: &str) -> When {
        let seen = match self.schools.get_index_of(school) {
            Some(place) => &mut self.schools[place],
            None => self.schools.entry(school.into()).or_default(),
        };
        // A day that has not come yet is a slip of the pen: it must not stretch what the file speaks for.
        if date <= self.run_day {
            seen.latest = seen.latest.max(Some(date));
        } else {
            self.found.reaches_ahead = true;
        }
        let (year, calendar) = seen.year_of(date, school, &self.settings.calendars);
        let counted = match calendar {
            Some(calendar) => calendar.counted(date, self.run_day).map(|at| (calendar, at)),
            None => Err(Standing::NoCalendar),
        };
        match counted {
            Ok((calendar, at)) => {
                seen.rows.add(calendar, at);
                return When::In(year);
            }
            Err(Standing::NoCalendar) => self.no_calendar(school),
            Err(Standing::NoSchool) => self.found.notes.non_instructional += 1,
            Err(Standing::Ahead | Standing::Counts) => {}
        }
        When::Uncounted(year)
    }
}

/// An enrolment that begins in no school year there is.
pub fn outside_years(draft: &Draft<'_>) -> Reject {
    debug_assert_eq!(draft.body.entity(), Entity::Enrollment);
    Reject {
        file: draft.file,
        row: Some(draft.row),
        column: None,
        code: RejectCode::OutsideYears,
        value_class: value_class(""),
        help: "It begins after this school year, in none that `calendars` has: it counts once that year is configured \
               and begins"
            .to_owned(),
        claims: Box::default(),
        mark: 0,
    }
}
