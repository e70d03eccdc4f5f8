//! School years and instructional days, as the district declared them.

use std::collections::BTreeMap;

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
            .series(jiff::Span::new().days(1))
            .take_while(|day| *day <= spec.last)
            .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
            .filter(|day| !spec.closed.iter().any(|(from, to)| from <= day && day <= to))
            .collect();
        Self { school_year: spec.school_year, first: spec.first, last: spec.last, days }
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

/// Every calendar of the district.
#[derive(Debug, Clone, Default)]
pub struct Calendars {
    /// By (school or `None` for all, school year).
    years: BTreeMap<(Option<String>, u16), SchoolYear>,
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
        Self { years }
    }

    /// Each calendar with the school it is for (`None`: all).
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, &SchoolYear)> {
        self.years.iter().map(|((school, _), year)| (school.as_deref(), year))
    }

    /// The calendar of a school: its own, or that of all schools.
    pub fn of(&self, school: &str, school_year: u16) -> Option<&SchoolYear> {
        self.years
            .get(&(Some(school.to_owned()), school_year))
            .or_else(|| self.years.get(&(None, school_year)))
    }

    /// The earliest first and latest last day of a school year over all calendars.
    pub fn year_bounds(&self, school_year: u16) -> Option<(Date, Date)> {
        let mut years = self.years.values().filter(|year| year.school_year == school_year);
        let head = years.next()?;
        Some(years.fold((head.first, head.last), |(first, last), year| {
            (first.min(year.first), last.max(year.last))
        }))
    }

    /// The school year a date belongs to: the first that has not ended by then, so that a summer day belongs to the
    /// year it leads into. Without a calendar that reaches so far, years turn on July 1.
    pub fn school_year(&self, date: Date) -> u16 {
        self.years
            .values()
            .filter(|year| {
                date <= year.last && year.first.saturating_sub(jiff::Span::new().days(120)) <= date
            })
            .map(|year| year.school_year)
            .min()
            .unwrap_or_else(|| {
                let year = if date.month() >= 7 { date.year() + 1 } else { date.year() };
                u16::try_from(year).unwrap_or(0)
            })
    }
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
    fn a_date_belongs_to_the_year_that_it_leads_into() {
        let calendars = calendars();
        for (day, year) in [
            (date(2021, 8, 23), 2022),
            (date(2022, 5, 27), 2022),
            (date(2022, 6, 15), 2023),
            (date(2023, 5, 26), 2023),
            (date(2023, 9, 1), 2024),
            (date(2019, 3, 1), 2019),
        ] {
            assert_eq!(calendars.school_year(day), year, "{day}");
        }
    }
}
