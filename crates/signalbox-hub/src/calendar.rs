//! School years and instructional days, as the district declared them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::Span;
use jiff::civil::{Date, Weekday};

/// One entry of `calendars:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec {
    /// `None`: every school without an entry of its own.
    pub schools: Option<Vec<String>>,
    /// The spring year.
    pub school_year: u16,
    pub first: Date,
    pub last: Date,
    /// Ranges of days without school, both ends included.
    pub closed: Vec<(Date, Date)>,
    /// Days with school whatever the others say.
    pub open: Vec<Date>,
    /// On which days of the week there is school.
    pub weekdays: Vec<Weekday>,
}

/// On which days of the week there is school as a rule.
pub const MONDAY_TO_FRIDAY: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// How long before the first configured year a day still belongs to it, in days.
const BEFORE_FIRST_YEAR_DAYS: i32 = 120;
/// How long after its first day the last configured year goes on, in days.
const LAST_YEAR_DAYS: i32 = 400;

impl CalendarSpec {
    fn has_school(&self, day: Date) -> bool {
        let is_closed = || self.closed.iter().any(|(from, to)| *from <= day && day <= *to);
        self.open.contains(&day) || (self.weekdays.contains(&day.weekday()) && !is_closed())
    }
}

/// The instructional days of one school year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchoolYear {
    pub school_year: u16,
    pub first: Date,
    pub last: Date,
    /// Ascending.
    pub days: Vec<Date>,
}

impl SchoolYear {
    fn of(spec: &CalendarSpec) -> Self {
        let days = spec
            .first
            .series(Span::new().days(1))
            .take_while(|day| *day <= spec.last)
            .filter(|day| spec.has_school(*day))
            .collect();
        Self { school_year: spec.school_year, first: spec.first, last: spec.last, days }
    }

    /// How a day stands, as of `today`.
    pub fn standing(&self, date: Date, today: Date) -> Standing {
        self.counted(date, today).err().unwrap_or(Standing::Counts)
    }

    /// Which of its days a day is that counts, as of `today`; or how it stands.
    pub fn counted(&self, date: Date, today: Date) -> Result<usize, Standing> {
        if date < self.first || self.last < date {
            return Err(Standing::NoCalendar);
        }
        match self.days.binary_search(&date) {
            Err(_) => Err(Standing::NoSchool),
            Ok(_) if date > today => Err(Standing::Ahead),
            Ok(at) => Ok(at),
        }
    }

    pub fn is_instructional(&self, date: Date) -> bool {
        self.days.binary_search(&date).is_ok()
    }

    /// The first of the `n` school days that end at `latest`.
    pub fn window_start(&self, latest: Date, n: u16) -> Date {
        let upto = self.days.partition_point(|day| *day <= latest);
        let from = upto.saturating_sub(usize::from(n));
        self.days.get(from).copied().filter(|day| *day <= latest).unwrap_or(latest)
    }
}

/// How a day of attendance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A school day that has come.
    Counts,
    /// Of the others rows count nowhere, by now at least.
    NoCalendar,
    NoSchool,
    Ahead,
}

/// Every calendar of the district.
#[derive(Debug, Clone, Default)]
pub struct Calendars {
    /// By (school or `None` for all, school year).
    years: BTreeMap<(Option<String>, u16), SchoolYear>,
    /// When each school year begins, at the school where it begins first. Ascending.
    begins: Vec<(Date, u16)>,
}

impl Calendars {
    pub fn new(specs: &[CalendarSpec]) -> Self {
        let mut years = BTreeMap::new();
        for spec in specs {
            let year = SchoolYear::of(spec);
            match &spec.schools {
                None => {
                    years.insert((None, spec.school_year), year);
                }
                Some(schools) => {
                    for school in schools {
                        years.insert((Some(school.clone()), spec.school_year), year.clone());
                    }
                }
            }
        }
        let begins = begins(&years);
        Self { years, begins }
    }

    /// Each calendar with the school it is for (`None`: all).
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, &SchoolYear)> {
        self.years.iter().map(|((school, _), year)| (school.as_deref(), year))
    }

    /// The school year after this one, and those after it to the last that is configured.
    pub fn years_after(&self, school_year: u16) -> RangeInclusive<u16> {
        let next = school_year.saturating_add(1);
        next..=self.begins.last().map_or(next, |(_, last)| next.max(*last))
    }

    /// The calendar of a school: its own, or that of all schools.
    pub fn of(&self, school: &str, school_year: u16) -> Option<&SchoolYear> {
        self.years
            .get(&(Some(school.to_owned()), school_year))
            .or_else(|| self.years.get(&(None, school_year)))
    }

    /// How a day stands at a school, as of `today`.
    pub fn standing(&self, date: Date, school: &str, today: Date) -> Standing {
        let year = self.of(school, self.school_year(date));
        year.map_or(Standing::NoCalendar, |year| year.standing(date, today))
    }

    /// The earliest first and latest last day of a school year over all calendars.
    pub fn year_bounds(&self, school_year: u16) -> Option<(Date, Date)> {
        let mut years = self.years.values().filter(|year| year.school_year == school_year);
        let head = years.next()?;
        Some(years.fold((head.first, head.last), |(first, last), year| {
            (first.min(year.first), last.max(year.last))
        }))
    }

    /// The school year in which an enrolment counts, of a payload that is read in `year`: that one, however long ago the
    /// entry was; after its last day the configured year that it lies in, if any.
    pub fn year_of_entry(&self, entry: Date, school: &str, year: u16) -> Option<u16> {
        let last = self.of(school, year).map(|year| year.last);
        let last = last.or_else(|| self.year_bounds(year).map(|(_, last)| last));
        if last.is_none_or(|last| entry <= last) {
            return Some(year);
        }
        let year = self.school_year(entry);
        let lies_in = |calendar: &SchoolYear| calendar.first <= entry && entry <= calendar.last;
        self.of(school, year).is_some_and(lies_in).then_some(year)
    }

    /// The school year a date belongs to. A year is over when the next configured one begins, so that a summer day
    /// belongs to the year it follows. Before the first and after the last configured year this reaches only so far;
    /// beyond, and without a calendar, years turn on July 1.
    pub fn school_year(&self, date: Date) -> u16 {
        self.configured_year(date).unwrap_or_else(|| {
            let year = if date.month() >= 7 { date.year() + 1 } else { date.year() };
            u16::try_from(year).unwrap_or(0)
        })
    }

    fn configured_year(&self, date: Date) -> Option<u16> {
        let begun = self.begins.partition_point(|(first, _)| *first <= date);
        let Some(at) = begun.checked_sub(1) else {
            let (first, year) = self.begins.first()?;
            let reach = Span::new().days(BEFORE_FIRST_YEAR_DAYS);
            return (first.saturating_sub(reach) <= date).then_some(*year);
        };
        let (first, year) = self.begins[at];
        let is_last = begun == self.begins.len();
        (!is_last || date <= first.saturating_add(Span::new().days(LAST_YEAR_DAYS))).then_some(year)
    }
}

/// When each year begins.
fn begins(years: &BTreeMap<(Option<String>, u16), SchoolYear>) -> Vec<(Date, u16)> {
    let mut firsts: BTreeMap<u16, Date> = BTreeMap::new();
    for year in years.values() {
        let first = firsts.entry(year.school_year).or_insert(year.first);
        *first = year.first.min(*first);
    }
    let mut begins: Vec<_> = firsts.into_iter().map(|(year, first)| (first, year)).collect();
    begins.sort_unstable();
    begins
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn calendars() -> Calendars {
        let year = |school_year, first, last| CalendarSpec {
            schools: None,
            school_year,
            first,
            last,
            closed: vec![(date(2021, 9, 6), date(2021, 9, 6)), (date(2021, 12, 18), date(2022, 1, 3))],
            open: vec![date(2021, 9, 18), date(2021, 12, 20)],
            weekdays: MONDAY_TO_FRIDAY.to_vec(),
        };
        Calendars::new(&[
            year(2022, date(2021, 8, 23), date(2022, 5, 27)),
            year(2023, date(2022, 8, 22), date(2023, 5, 26)),
        ])
    }

    #[test]
    fn weekdays_less_closed_days_are_instructional() {
        let calendars = calendars();
        let year = calendars.of("100", 2022).expect("all schools have one");
        assert!(year.is_instructional(date(2021, 8, 23)));
        assert!(!year.is_instructional(date(2021, 9, 6)), "closed");
        assert!(!year.is_instructional(date(2021, 9, 4)), "a Saturday");
        assert!(!year.is_instructional(date(2021, 12, 27)), "inside a closed range");
        assert!(year.is_instructional(date(2021, 9, 18)), "a make-up day on a Saturday");
        assert!(year.is_instructional(date(2021, 12, 20)), "a make-up day inside a closed range");
        assert!(year.days.is_sorted());
    }

    #[test]
    fn a_week_has_the_days_that_are_named() {
        let four = CalendarSpec {
            schools: None,
            school_year: 2022,
            first: date(2021, 8, 23),
            last: date(2021, 9, 5),
            closed: Vec::new(),
            open: Vec::new(),
            weekdays: vec![Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Saturday],
        };
        let days: Vec<i8> = SchoolYear::of(&four).days.iter().map(|day| day.day()).collect();
        assert_eq!(days, [24, 25, 26, 28, 31, 1, 2, 4]);
    }

    #[test]
    fn a_window_counts_school_days_backwards() {
        let calendars = calendars();
        let year = calendars.of("100", 2022).expect("all schools have one");
        assert_eq!(year.window_start(date(2021, 9, 7), 3), date(2021, 9, 2), "Labor Day is skipped");
        assert_eq!(
            year.window_start(date(2021, 8, 24), 10),
            date(2021, 8, 23),
            "no further than the first day"
        );
    }

    #[test]
    fn a_year_is_over_when_the_next_configured_one_begins() {
        let calendars = calendars();
        for (day, year) in [
            (date(2021, 4, 25), 2022),
            (date(2021, 4, 24), 2021),
            (date(2020, 9, 1), 2021),
            (date(2019, 3, 1), 2019),
            (date(2021, 8, 23), 2022),
            (date(2022, 5, 27), 2022),
            (date(2022, 6, 15), 2022),
            (date(2022, 8, 21), 2022),
            (date(2022, 8, 22), 2023),
            (date(2023, 5, 26), 2023),
            (date(2023, 9, 26), 2023),
            (date(2023, 9, 27), 2024),
            (date(2062, 8, 20), 2063),
        ] {
            assert_eq!(calendars.school_year(day), year, "{day}");
        }
        assert_eq!(Calendars::default().school_year(date(2022, 6, 30)), 2022);
        assert_eq!(Calendars::default().school_year(date(2022, 7, 1)), 2023);
    }

    #[test]
    fn the_next_year_begins_where_a_school_begins_it_first() {
        let calendar = |school: Option<&str>, school_year, first, last| CalendarSpec {
            schools: school.map(|id| vec![id.to_owned()]),
            school_year,
            first,
            last,
            closed: Vec::new(),
            open: Vec::new(),
            weekdays: MONDAY_TO_FRIDAY.to_vec(),
        };
        let calendars = Calendars::new(&[
            calendar(None, 2022, date(2021, 8, 23), date(2022, 5, 27)),
            calendar(None, 2023, date(2022, 8, 22), date(2023, 5, 26)),
            calendar(Some("200"), 2023, date(2022, 8, 8), date(2023, 5, 12)),
        ]);
        assert_eq!(calendars.school_year(date(2022, 8, 7)), 2022);
        assert_eq!(calendars.school_year(date(2022, 8, 8)), 2023);
    }
}
