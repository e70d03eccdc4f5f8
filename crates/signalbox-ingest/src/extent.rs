//! What a payload speaks for: which ledger rows it may end, and which dates it covers. `speaks`: for which schools and terms,
//! where its rows are no days; `spoken`: where the last school days
//! begin, beside what the payload before spoke for.

mod speaks;
mod spoken;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use signalbox_connector::{AbsentRows, CoveredThrough, Covers, Entity, Extent};
use signalbox_event::data::{RowsMean, SchoolCoverage};
use signalbox_event::rows::Role;
use signalbox_hub::calendar::Calendars;
use signalbox_risk::DateRanges;

pub(crate) use self::speaks::Speaks;
use self::spoken::window_start;
pub(crate) use self::spoken::{RowDays, Spoken};
use super::read::ReadIn;
use super::row::Row;

/// The part of one entity's ledger in which a missing row means something.
#[derive(Debug)]
pub(crate) struct Judged {
    pub entity: Entity,
    pub school_year: u16,
    pub absent_rows: AbsentRows,
    /// `None`: the whole school year, every school.
    days: Option<Arc<Days>>,
    speaks: Arc<Speaks>,
    /// Of a later school year only days after this one, the run's, are spoken of: a slip of the pen went there, or a plan.
    only_after: Option<Date>,
}

/// What a missing row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing: the payload does not speak for it.
    Outside,
    /// It ended.
    Ended,
    /// It stands on the last day that the payload has of its school, or later: the payload may just be too short.
    Late,
    /// Its school has no row in the payload.
    Vanished,
}

/// The school days that an attendance payload speaks for.
#[derive(Debug)]
struct Days {
    /// Per school.
    schools: HashMap<String, Window>,
    /// From the first to the last day that it speaks for at any school.
    anywhere: Option<Window>,
    /// What a school without rows means.
    elsewhere: Missing,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    first: Date,
    /// Rows after this day are late,
    last: Date,
    /// and after this one nothing is said of them.
    until: Date,
    /// What is covered goes to here: silence on that day says again what it says.
    covered: Date,
    /// What was said of a day that has not come is said by every file, or no more.
    run_day: Date,
}

impl Judged {
    /// Whether it is of a later school year.
    pub(crate) const fn is_to_come(&self) -> bool {
        self.only_after.is_some()
    }

    /// Whether rows of that day, or of none, may be missing.
    fn speaks_of(&self, date: Option<Date>) -> bool {
        self.only_after.is_none_or(|run_day| date.is_some_and(|date| date > run_day))
    }

    /// Whether the payload has rows of the school.
    pub(crate) fn names(&self, school: &str) -> bool {
        self.days.as_ref().is_some_and(|days| days.schools.contains_key(school))
    }

    /// What it means that the row is missing.
    pub(crate) fn missing(&self, row: &Row<'_>) -> Missing {
        self.missing_at(row, row.school())
    }

    /// The same for a row that stands as if it named this school.
    pub(crate) fn missing_at(&self, row: &Row<'_>, school: Option<&str>) -> Missing {
        if !self.speaks_of(row.date()) {
            return Missing::Outside;
        }
        let Some(days) = &self.days else { return self.speaks.missing(row, self.entity) };
        let Some(school) = school else { return Missing::Outside };
        let Some(date) = row.date() else { return days.missing_of_no_day(school) };
        if self.absent_rows == AbsentRows::Keep && row.is_counted() {
            return Missing::Outside;
        }
        match days.schools.get(school) {
            None => days.elsewhere,
            Some(window) => window.missing(row, date),
        }
    }

    /// The same for a row that names no school that is known: it may have been one of each where its student is enrolled,
    /// and stands as long as the payload does not speak for all of them. Of a student who is enrolled nowhere, any will do.
    pub(crate) fn missing_of_no_school(&self, row: &Row<'_>, schools: &[String]) -> Missing {
        let Some(days) = &self.days else { return Missing::Ended };
        let Some(date) = row.date() else { return Missing::Outside };
        if !self.speaks_of(Some(date)) {
            return Missing::Outside;
        }
        if schools.is_empty() {
            return days.anywhere.map_or(Missing::Outside, |window| window.missing(row, date));
        }
        let mut worst = Missing::Ended;
        for school in schools {
            match self.missing_at(row, Some(school)) {
                Missing::Outside | Missing::Vanished => return Missing::Outside,
                Missing::Late => worst = Missing::Late,
                Missing::Ended => {}
            }
        }
        worst
    }
}

impl Days {
    /// Of a row whose day is not known: it may have been any that its school's rows speak for.
    fn missing_of_no_day(&self, school: &str) -> Missing {
        let is_spoken_for = school.is_empty() || self.schools.contains_key(school);
        if is_spoken_for { Missing::Ended } else { Missing::Outside }
    }
}

impl Window {
    fn missing(&self, row: &Row<'_>, date: Date) -> Missing {
        // What is inferred lasts until the next payload of the school that is not in that doubt, whatever days it covers.
        if (row.is_silence() && date <= self.covered) || date > self.run_day {
            Missing::Ended
        } else if date < self.first || date > self.until {
            Missing::Outside
        } else if date > self.last {
            Missing::Late
        } else {
            Missing::Ended
        }
    }
}

/// The extents in which absent rows end. `has_inferred`: the ledger has rows that no file had, which end though what files
/// said is kept.
pub(crate) fn judged(read: &ReadIn, calendars: &Calendars, run_day: Date, has_inferred: bool) -> Vec<Judged> {
    if read.is_empty_list() {
        return Vec::new();
    }
    let ends = |extent: &Extent| match extent.absent_rows {
        AbsentRows::End | AbsentRows::Erase => true,
        AbsentRows::Keep => extent.entity == Entity::Attendance && has_inferred,
    };
    let ending = |extent: &&Extent| ends(extent) && extent.covers != Covers::OwnRows;
    let speaks = Arc::new(read.speaks.clone());
    let of_each_year = |extent: &Extent| {
        let days = speaks_for_days(extent).then(|| Arc::new(days(extent, read, calendars, run_day)));
        let judge = |(school_year, only_after)| Judged {
            entity: extent.entity,
            school_year,
            absent_rows: extent.absent_rows,
            days: days.clone(),
            speaks: speaks.clone(),
            only_after,
        };
        let year = year_of(read, calendars, extent.entity);
        let is_fact = extent.entity.role() == Role::Fact;
        let later = calendars.years_after(year).filter(|_| is_fact).map(|later| (later, Some(run_day)));
        std::iter::once((year, None)).chain(later).map(judge).collect::<Vec<_>>()
    };
    read.contents.extents.iter().filter(ending).flat_map(of_each_year).collect()
}

/// Attendance speaks for days; of another entity only a payload of the last school days.
fn speaks_for_days(extent: &Extent) -> bool {
    let is_a_window = matches!(extent.covers, Covers::SchoolDays(_));
    extent.entity == Entity::Attendance || is_a_window && extent.entity.role() == Role::Fact
}

/// Attendance speaks for the school year of its latest row; everything else, and a payload without rows, for that of the
/// day on which it is read.
fn year_of(read: &ReadIn, calendars: &Calendars, entity: Entity) -> u16 {
    let latest = read.latest.values().max().filter(|_| entity == Entity::Attendance);
    latest.map_or(read.year, |date| calendars.school_year(*date))
}

fn days(extent: &Extent, read: &ReadIn, calendars: &Calendars, run_day: Date) -> Days {
    let mut schools: HashMap<String, Window> = read
        .latest
        .iter()
        .map(|(school, latest)| {
            let mut window = window(extent, *latest, run_day);
            if let Covers::SchoolDays(n) = extent.covers {
                window.first = window_start(n, read, calendars, school, *latest, run_day);
            }
            window.first = window.first.max(spoke_from(read, calendars, school, *latest));
            (school.clone(), window)
        })
        .collect();
    let widest = |one: Window, other: &Window| Window {
        first: one.first.min(other.first),
        last: one.last.max(other.last),
        until: one.until.max(other.until),
        covered: one.covered.max(other.covered),
        run_day,
    };
    schools.remove("");
    let latest = read.latest.values().copied().max();
    let anywhere = schools.values().copied().reduce(|one, other| widest(one, &other));
    let anywhere =
        anywhere.map(|all| Window { last: latest.map_or(all.last, |latest| all.last.max(latest)), ..all });
    let elsewhere = match extent.covers {
        Covers::SchoolYear => Missing::Vanished,
        Covers::SchoolDays(_) | Covers::OwnRows => Missing::Outside,
    };
    Days { schools, anywhere, elsewhere }
}

fn window(extent: &Extent, latest: Date, run_day: Date) -> Window {
    if extent.entity != Entity::Attendance {
        // Only days of attendance may be cut short by the time at which a file is written.
        let [last, until, covered] = [Date::MAX; 3];
        return Window { first: Date::MIN, last, until, covered, run_day };
    }
    // A file may end within a day: only where it says how far it goes does that day count.
    let last = match extent.covered_through {
        CoveredThrough::LatestRow => latest.yesterday().unwrap_or(Date::MIN),
        CoveredThrough::RunDay => run_day,
        CoveredThrough::DayBeforeRun => run_day.yesterday().unwrap_or(Date::MIN),
    };
    let covered = last.max(latest);
    let until = match extent.covers {
        Covers::SchoolDays(_) => covered,
        Covers::SchoolYear | Covers::OwnRows => Date::MAX,
    };
    Window { first: Date::MIN, last, until, covered, run_day }
}

/// A payload was written under the extent of its time: read again under a wider one, it says no more of the days before.
fn spoke_from(read: &ReadIn, calendars: &Calendars, school: &str, latest: Date) -> Date {
    let Some(first) = read.spoke_from.get(school).copied() else { return Date::MIN };
    let year = calendars.of(school, calendars.school_year(latest));
    let of_a_whole_year = year.is_some_and(|year| first <= year.first);
    if of_a_whole_year { Date::MIN } else { first }
}

/// The dates that the payload covers, per school: its extent, ending at the school's latest readable row (or the run's
/// day, or the day before, where so declared) and never after the run's local day. A list of exceptions without a row
/// covers nothing.
pub(crate) fn coverage(read: &ReadIn, calendars: &Calendars, run_day: Date) -> Vec<SchoolCoverage> {
    let extent = read.contents.extents.iter().find(|extent| extent.entity == Entity::Attendance);
    let Some(extent) = extent.filter(|_| !read.is_empty_list()) else { return Vec::new() };
    let schools = read.latest.iter().filter(|(school, _)| !school.is_empty());
    let mut covered: Vec<_> = schools
        .filter_map(|(school, latest)| {
            let mut covered = school_coverage(extent, read, calendars, school, *latest, run_day)?;
            covered.first = covered.first.max(spoke_from(read, calendars, school, *latest));
            (covered.first <= covered.last).then_some(covered)
        })
        .collect();
    covered.sort_by(|a, b| a.school.cmp(&b.school));
    covered
}

fn school_coverage(
    extent: &Extent,
    read: &ReadIn,
    calendars: &Calendars,
    school: &str,
    latest: Date,
    run_day: Date,
) -> Option<SchoolCoverage> {
    let calendar = calendars.of(school, calendars.school_year(latest));
    let first = match extent.covers {
        Covers::OwnRows => return None,
        Covers::SchoolYear => calendar?.first,
        Covers::SchoolDays(n) => window_start(n, read, calendars, school, latest, run_day),
    };
    let upto = |day: Date| calendar.map_or(day, |calendar| calendar.last.min(day));
    let last = match extent.covered_through {
        CoveredThrough::LatestRow => latest,
        CoveredThrough::RunDay => upto(run_day),
        CoveredThrough::DayBeforeRun => upto(run_day.yesterday().unwrap_or(Date::MIN)),
    }
    .min(run_day);
    (first <= last).then(|| SchoolCoverage { school: school.to_owned(), first, last, doubtful: Vec::new() })
}

/// The school days that `covered` adds to what was covered before.
pub(crate) fn newly_covered(
    covered: &SchoolCoverage,
    before: &BTreeMap<String, DateRanges>,
    calendars: &Calendars,
) -> Vec<Date> {
    let before = before.get(&covered.school);
    let Some(calendar) = calendars.of(&covered.school, calendars.school_year(covered.last)) else {
        return Vec::new();
    };
    let days = calendar.days.iter().copied();
    days.filter(|day| covered.first <= *day && *day <= covered.last)
        .filter(|day| before.is_none_or(|before| !before.contains(*day)))
        .collect()
}

/// The school days that a payload of the last school days speaks for, of which none is covered: what has no row did not
/// happen, as far as is known.
pub(crate) fn windows(read: &ReadIn, calendars: &Calendars, run_day: Date) -> Vec<SchoolCoverage> {
    let mut extents = read.contents.extents.iter().filter(|extent| extent.entity != Entity::Attendance);
    let Some(n) = extents.find_map(|extent| match extent.covers {
        Covers::SchoolDays(n) if extent.entity.role() == Role::Fact => Some(n),
        _ => None,
    }) else {
        return Vec::new();
    };
    let schools = read.latest.iter().filter(|(school, _)| !school.is_empty());
    let window = |(school, latest): (&String, &Date)| SchoolCoverage {
        first: window_start(n, read, calendars, school, *latest, run_day),
        last: *latest,
        school: school.clone(),
        doubtful: Vec::new(),
    };
    schools.map(window).collect()
}

/// Whether the whole of a school's rows may not go without a person's word, however few they are: where every student or
/// every day has a row, a school without one is no school that had a good day.
pub(crate) fn always_has_rows(read: &ReadIn, entity: Entity) -> bool {
    match entity {
        Entity::Enrollment => true,
        Entity::Attendance => read.rows_mean() == Some(RowsMean::EveryDay),
        _ => false,
    }
}
