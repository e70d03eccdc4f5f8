use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A civil date as days since 1970-01-01, so that dates compare, subtract and index as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub(crate) struct Day(i32);

impl Day {
    pub(crate) const EPOCH: Day = Day(0);
    /// -9999-01-01, `Date::MIN`.
    const FIRST: Day = Day(-4_371_587);
    /// 9999-12-31, `Date::MAX`.
    pub(crate) const LAST: Day = Day(2_932_896);

    /// Howard Hinnant's `days_from_civil`: years begin in March, so that the leap day comes last.
    pub(crate) fn of(date: Date) -> Day {
        let (month, day) = (i32::from(date.month()), i32::from(date.day()));
        let year = i32::from(date.year()) - i32::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Day(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
    }

    /// The inverse of [`Day::of`].
    pub(crate) fn date(self) -> Date {
        let shifted = self.0 + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        Date::new(year as i16, month as i8, day as i8).expect("a Day is made from a Date or checked")
    }

    pub(crate) fn next(self) -> Day {
        Day(self.0 + 1)
    }

    /// Days from `earlier` to `self`; 0 when `earlier` is not earlier.
    pub(crate) fn days_since(self, earlier: Day) -> usize {
        usize::try_from(self.0 - earlier.0).unwrap_or(0)
    }

    pub(crate) fn to_le_bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }
}

impl From<Day> for i32 {
    fn from(day: Day) -> i32 {
        day.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a day lies outside the years -9999 to 9999")]
pub(crate) struct DayOutOfRange;

impl TryFrom<i32> for Day {
    type Error = DayOutOfRange;

    fn try_from(days: i32) -> Result<Day, DayOutOfRange> {
        if (Day::FIRST.0..=Day::LAST.0).contains(&days) { Ok(Day(days)) } else { Err(DayOutOfRange) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::Day;

    #[test]
    fn known_days() {
        assert_eq!(i32::from(Day::of(date(1970, 1, 1))), 0);
        assert_eq!(i32::from(Day::of(date(2000, 3, 1))), 11_017);
        assert_eq!(i32::from(Day::of(date(1969, 12, 31))), -1);
    }

    #[test]
    fn every_date_of_eight_centuries_round_trips_in_order() {
        let mut expected = Day::of(date(1600, 1, 1));
        let mut at = date(1600, 1, 1);
        while at < date(2400, 12, 31) {
            assert_eq!(Day::of(at), expected);
            assert_eq!(expected.date(), at);
            at = at.tomorrow().expect("far from the end of time");
            expected = expected.next();
        }
    }

    #[test]
    fn the_ends_of_the_calendar_round_trip_and_nothing_lies_beyond() {
        for (day, date) in [(Day::FIRST, Date::MIN), (Day::LAST, Date::MAX)] {
            assert_eq!((Day::of(date), day.date()), (day, date));
        }
        assert!(Day::try_from(i32::from(Day::LAST) + 1).is_err());
        assert!(Day::try_from(i32::from(Day::FIRST) - 1).is_err());
    }
}
