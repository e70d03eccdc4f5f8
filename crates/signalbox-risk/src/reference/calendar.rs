use jiff::civil::Date;

use crate::day::Day;

/// One school year of one school, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub(super) school_year: u16,
    pub(super) first: Day,
    pub(super) last: Day,
    /// Sorted, each once, all within `first..=last`.
    pub(super) days: Vec<Day>,
}

impl Calendar {
    /// `school_year` is the year it ends in (the spring year); `first` and `last` are its ends, inclusive;
    /// `instructional` are the days on which school is held, in any order.
    ///
    /// # Errors
    /// When the year ends before it begins, lasts more than two years, or a day lies outside of it.
    pub fn new(
        school_year: u16,
        first: Date,
        last: Date,
        instructional: impl IntoIterator<Item = Date>,
    ) -> Result<Calendar, CalendarError> {
        let (first, last) = (Day::of(first), Day::of(last));
        if first > last {
            return Err(CalendarError::EndsBeforeItBegins);
        }
        if last.days_since(first) > MAX_LENGTH_DAYS {
            return Err(CalendarError::TooLong);
        }
        let mut days: Vec<Day> = instructional.into_iter().map(Day::of).collect();
        days.sort_unstable();
        days.dedup();
        if days.first().is_some_and(|day| *day < first) || days.last().is_some_and(|day| *day > last) {
            return Err(CalendarError::DayOutside);
        }
        Ok(Calendar { school_year, first, last, days })
    }

    /// The first day of the school year.
    pub fn first(&self) -> Date {
        self.first.date()
    }
}

/// Far above any school year: it catches a mistyped year before a table is made of it.
const MAX_LENGTH_DAYS: usize = 731;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("the school year ends before it begins")]
    EndsBeforeItBegins,
    #[error("the school year lasts more than two years")]
    TooLong,
    #[error("an instructional day lies outside the school year")]
    DayOutside,
}
