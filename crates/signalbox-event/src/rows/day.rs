//! A civil date in four bytes.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A civil date as rows are stored with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(i16, i8, i8)")]
pub struct Day(i16, i8, i8);

/// Stored numbers are believed only if they are a date: damage must not become another day.
impl TryFrom<(i16, i8, i8)> for Day {
    type Error = jiff::Error;

    fn try_from((year, month, day): (i16, i8, i8)) -> Result<Self, jiff::Error> {
        Date::new(year, month, day).map(Self::from)
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(date.year(), date.month(), date.day())
    }
}

impl From<Day> for Date {
    fn from(day: Day) -> Self {
        Self::new(day.0, day.1, day.2).expect("a day is made of a date, or checked")
    }
}

impl Day {
    pub(super) const fn parts(self) -> (i16, i8, i8) {
        (self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_none_is_damage() {
        let day = |day: (i16, i8, i8)| serde_json::from_value::<Day>(serde_json::json!(day));
        assert_eq!(day((2021, 8, 31)).expect("it is one"), Day(2021, 8, 31));
        for none in [(2021, 9, 31), (2021, -5, 1), (2021, 0, 1), (20_000, 1, 1)] {
            assert!(day(none).is_err(), "{none:?}");
        }
    }
}
