use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::day::Day;

/// A set of dates as sorted, disjoint, inclusive ranges; ranges that touch are one.
///
/// Serialises as a list of `[first, last]` pairs, and reads any list of pairs, sorted or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<(Date, Date)>", into = "Vec<(Date, Date)>")]
pub struct DateRanges {
    ranges: Vec<(Date, Date)>,
}

impl DateRanges {
    pub fn new() -> DateRanges {
        DateRanges::default()
    }

    /// Adds `first..=last`. A range that ends before it begins is empty.
    pub fn insert(&mut self, first: Date, last: Date) {
        if first > last {
            return;
        }
        let begin = self.ranges.partition_point(|range| Day::of(range.1).next() < Day::of(first));
        let end = self.ranges.partition_point(|range| Day::of(range.0) <= Day::of(last).next());
        let touched = &self.ranges[begin..end];
        let first = touched.first().map_or(first, |range| range.0.min(first));
        let last = touched.last().map_or(last, |range| range.1.max(last));
        self.ranges.splice(begin..end, [(first, last)]);
    }

    /// Takes `first..=last` out.
    pub fn remove(&mut self, first: Date, last: Date) {
        if first > last {
            return;
        }
        let before = std::mem::take(&mut self.ranges);
        for (start, end) in before {
            let until = first.yesterday().map_or(Date::MIN, |day| day.min(end));
            let since = last.tomorrow().map_or(Date::MAX, |day| day.max(start));
            if start < first {
                self.insert(start, until);
            }
            if end > last {
                self.insert(since, end);
            }
        }
    }

    #[must_use]
    pub fn union(&self, other: &DateRanges) -> DateRanges {
        let mut union = self.clone();
        union.extend(other.iter());
        union
    }

    pub fn contains(&self, date: Date) -> bool {
        let at = self.ranges.partition_point(|range| range.1 < date);
        self.ranges.get(at).is_some_and(|range| range.0 <= date)
    }

    /// Every date, in order.
    pub fn days(&self) -> impl Iterator<Item = Date> {
        self.iter().flat_map(|(first, last)| {
            first.series(jiff::Span::new().days(1)).take_while(move |day| *day <= last)
        })
    }

    /// The earliest date.
    pub fn start(&self) -> Option<Date> {
        self.ranges.first().map(|range| range.0)
    }

    /// The latest date.
    pub fn end(&self) -> Option<Date> {
        self.ranges.last().map(|range| range.1)
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges in date order, both ends inclusive.
    pub fn iter(&self) -> impl Iterator<Item = (Date, Date)> {
        self.ranges.iter().copied()
    }
}

impl Extend<(Date, Date)> for DateRanges {
    fn extend<T: IntoIterator<Item = (Date, Date)>>(&mut self, ranges: T) {
        for (first, last) in ranges {
            self.insert(first, last);
        }
    }
}

impl FromIterator<(Date, Date)> for DateRanges {
    fn from_iter<T: IntoIterator<Item = (Date, Date)>>(ranges: T) -> DateRanges {
        let mut set = DateRanges::new();
        set.extend(ranges);
        set
    }
}

impl From<(Date, Date)> for DateRanges {
    fn from(range: (Date, Date)) -> DateRanges {
        DateRanges::from_iter([range])
    }
}

impl From<Vec<(Date, Date)>> for DateRanges {
    fn from(ranges: Vec<(Date, Date)>) -> DateRanges {
        ranges.into_iter().collect()
    }
}

impl From<DateRanges> for Vec<(Date, Date)> {
    fn from(set: DateRanges) -> Vec<(Date, Date)> {
        set.ranges
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn sep(day: i8) -> Date {
        date(2026, 9, day)
    }

    #[track_caller]
    fn check(ranges: &[(i8, i8)], expected: &[(i8, i8)]) {
        let set: DateRanges = ranges.iter().map(|&(a, b)| (sep(a), sep(b))).collect();
        let expected: Vec<_> = expected.iter().map(|&(a, b)| (sep(a), sep(b))).collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn ranges_merge_when_they_touch() {
        check(&[(1, 5), (6, 9)], &[(1, 9)]);
        check(&[(1, 5), (7, 9)], &[(1, 5), (7, 9)]);
        check(&[(7, 9), (1, 5), (4, 8)], &[(1, 9)]);
        check(&[(10, 12), (1, 2), (5, 6), (2, 11)], &[(1, 12)]);
        check(&[(5, 4)], &[]);
    }

    #[test]
    fn the_last_date_of_all_can_be_held() {
        let set = DateRanges::from((Date::MAX, Date::MAX));
        assert!(set.contains(Date::MAX));
        assert_eq!(set.end(), Some(Date::MAX));
    }

    #[test]
    fn serde_keeps_the_set() {
        let set: DateRanges = [(sep(1), sep(5)), (sep(8), sep(9))].into_iter().collect();
        let bytes = postcard::to_stdvec(&set).expect("serialises");
        assert_eq!(postcard::from_bytes::<DateRanges>(&bytes), Ok(set));
    }

    proptest! {
        #[test]
        fn a_set_of_ranges_is_a_set_of_dates(ranges in prop::collection::vec((0_i64..60, 0_i64..20), 0..12)) {
            let first = sep(1);
            let dates: Vec<(Date, Date)> =
                ranges.iter().map(|&(at, length)| (first + at.days(), first + (at + length).days())).collect();
            let set: DateRanges = dates.iter().copied().collect();
            for offset in 0..90 {
                let day = first + offset.days();
                let expected = dates.iter().any(|&(from, to)| from <= day && day <= to);
                prop_assert_eq!(set.contains(day), expected);
            }
            let held: Vec<_> = set.iter().collect();
            for pair in held.windows(2) {
                prop_assert!(Day::of(pair[0].1).next() < Day::of(pair[1].0));
            }
            let reversed: DateRanges = dates.into_iter().rev().collect();
            prop_assert_eq!(set, reversed);
        }

        #[test]
        fn what_is_taken_out_is_out_and_nothing_else(
            ranges in prop::collection::vec((0_i64..60, 0_i64..20), 0..12), at in 0_i64..70, length in -1_i64..20,
        ) {
            let (start, out) = (sep(1), sep(1) + at.days()..=sep(1) + (at + length).days());
            let before: DateRanges =
                ranges.iter().map(|&(at, length)| (start + at.days(), start + (at + length).days())).collect();
            let mut after = before.clone();
            after.remove(*out.start(), *out.end());
            for day in (0..90).map(|offset| start + offset.days()) {
                prop_assert_eq!(after.contains(day), before.contains(day) && !out.contains(&day));
            }
        }
    }
}
