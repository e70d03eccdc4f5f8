use std::ops::Range;

use jiff::civil::Date;

use super::{Calendar, Rows};
use crate::date_ranges::DateRanges;
use crate::day::Day;

/// What one attendance feed covers at one school.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cover<'a> {
    pub(crate) rank: u8,
    pub(crate) rows: Rows,
    pub(crate) ranges: &'a DateRanges,
}

/// The first feed, in authority order, that covers a school day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) rank: u8,
    pub(crate) silence: Silence,
}

/// What it says about a school day that no row decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    Present,
    /// Present, were it not for a row that could not be used and may belong there.
    Doubtful,
    Unknown,
}

/// A day with school, in the forms that are compared and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SchoolDay {
    pub(crate) day: Day,
    pub(crate) date: Date,
}

/// One school year of one school, laid out by position: the 0-based number of the school day.
#[derive(Debug, Clone)]
pub(crate) struct SchoolYear {
    /// The year it ends in.
    pub(crate) spring: u16,
    first: Day,
    last: Day,
    days: Vec<SchoolDay>,
    /// Per civil day in `first..=last`: how many school days lie before it.
    before: Vec<u32>,
    /// Per civil day in `first..=last`: its position, or [`NO_SCHOOL`].
    place: Vec<u32>,
    /// Per position: who answers for the day when no row does; `None` before all coverage and after it.
    ruling: Vec<Option<Ruling>>,
    /// Per position: the end of the run of positions with the same ruling.
    run_end: Vec<u32>,
    first_covered: Option<Day>,
    /// The positions with a ruling: between them is none without.
    covered: Range<usize>,
}

impl SchoolYear {
    /// `covers` in authority order.
    pub(super) fn new(calendar: &Calendar, covers: &[Cover<'_>], doubtful: &DateRanges) -> SchoolYear {
        let Calendar { school_year, days, .. } = calendar;
        let mut ruling: Vec<_> = days.iter().map(|day| rule(day.date(), covers, doubtful)).collect();
        bridge(&mut ruling);
        let first = ruling.iter().position(Option::is_some);
        let covered =
            first.unwrap_or_default()..ruling.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
        SchoolYear {
            spring: *school_year,
            first: calendar.first,
            last: calendar.last,
            days: days.iter().map(|day| SchoolDay { day: *day, date: day.date() }).collect(),
            before: count_before(calendar),
            place: place(calendar),
            run_end: run_ends(&ruling),
            ruling,
            first_covered: first.map(|at| days[at]),
            covered,
        }
    }

    pub(super) fn contains(&self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }

    /// The position of a school day; `None` when there is no school on that day.
    pub(crate) fn position(&self, day: Day) -> Option<usize> {
        let at = *self.place.get(day.days_since(self.first))?;
        (at != NO_SCHOOL && day >= self.first).then_some(at as usize)
    }

    /// The positions of the school days in `from..=to`.
    pub(crate) fn span(&self, from: Day, to: Day) -> Range<usize> {
        let start = self.days_before(from);
        let end = if to >= self.last { self.days.len() } else { self.days_before(to.next()) };
        start..end.max(start)
    }

    /// The first day of the year.
    pub(crate) fn begin(&self) -> Date {
        self.first.date()
    }

    /// How many school days there are until this day, itself included.
    pub(crate) fn upto(&self, day: Day) -> usize {
        self.span(self.first, day).end
    }

    /// The date of a position.
    pub(crate) fn day(&self, position: usize) -> Option<Date> {
        self.days.get(position).map(|day| day.date)
    }

    pub(crate) fn days(&self, positions: Range<usize>) -> &[SchoolDay] {
        &self.days[positions]
    }

    pub(crate) fn ruling(&self, position: usize) -> Option<Ruling> {
        self.ruling[position]
    }

    /// Of these positions those that are covered, or lie between such.
    pub(crate) fn covered(&self, positions: Range<usize>) -> Range<usize> {
        let start = positions.start.max(self.covered.start);
        start..positions.end.min(self.covered.end).max(start)
    }

    /// The end of the run of positions with the same ruling that `position` stands in.
    pub(crate) fn run_end(&self, position: usize) -> usize {
        self.run_end[position] as usize
    }

    /// Whether any school day up to `day` is covered.
    pub(crate) fn is_covered_by(&self, day: Day) -> bool {
        self.first_covered.is_some_and(|first| first <= day)
    }

    fn days_before(&self, day: Day) -> usize {
        self.before.get(day.days_since(self.first)).map_or(self.days.len(), |count| *count as usize)
    }
}

fn rule(date: Date, covers: &[Cover<'_>], doubtful: &DateRanges) -> Option<Ruling> {
    let cover = covers.iter().find(|cover| cover.ranges.contains(date))?;
    let silence = match cover.rows {
        Rows::EveryDay => Silence::Unknown,
        Rows::Exceptions if doubtful.contains(date) => Silence::Doubtful,
        Rows::Exceptions => Silence::Present,
    };
    Some(Ruling { rank: cover.rank, silence })
}

/// Days that nobody spoke of between days that somebody did are unknown.
fn bridge(ruling: &mut [Option<Ruling>]) {
    let Some(last) = ruling.iter().rposition(Option::is_some) else { return };
    let mut before: Option<Ruling> = None;
    for day in &mut ruling[..last] {
        let missed = before.map(|Ruling { rank, .. }| Ruling { rank, silence: Silence::Unknown });
        *day = day.or(missed);
        before = *day;
    }
}

fn count_before(calendar: &Calendar) -> Vec<u32> {
    let mut before = Vec::with_capacity(calendar.last.days_since(calendar.first) + 1);
    let mut day = calendar.first;
    while day <= calendar.last {
        before.push(calendar.days.partition_point(|held| *held < day) as u32);
        day = day.next();
    }
    before
}

const NO_SCHOOL: u32 = u32::MAX;

fn place(calendar: &Calendar) -> Vec<u32> {
    let mut place = vec![NO_SCHOOL; calendar.last.days_since(calendar.first) + 1];
    for (at, day) in calendar.days.iter().enumerate() {
        place[day.days_since(calendar.first)] = at as u32;
    }
    place
}

fn run_ends(ruling: &[Option<Ruling>]) -> Vec<u32> {
    let mut ends = Vec::with_capacity(ruling.len());
    for run in ruling.chunk_by(PartialEq::eq) {
        let end = (ends.len() + run.len()) as u32;
        ends.resize(end as usize, end);
    }
    ends
}
