use super::timeline::ExpectedDays;
use super::walk::Walk;
use crate::reference::SchoolDay;

/// Collects the days of several schools, to be walked together in date order.
#[derive(Default)]
pub(super) struct Merge {
    /// With the absent half-days, `None` for unknown.
    days: Vec<(SchoolDay, Option<u32>)>,
}

impl Merge {
    /// Dates on which two schools expect the student are one step, so that no order of schools shows.
    pub(super) fn walk(mut self, walk: &mut Walk) {
        self.days.sort_unstable();
        for date in self.days.chunk_by(|a, b| a.0 == b.0) {
            let day = date[0].0;
            let known = date.iter().filter_map(|(_, absent_half_days)| *absent_half_days);
            let (known, absent_half_days) =
                known.fold((0, 0), |(n, sum), half_days| (n + 1, sum + half_days));
            walk.unknown_days(date.len() as u32 - known);
            if known > 0 {
                walk.known(day, known, absent_half_days);
            }
        }
    }
}

impl ExpectedDays for Merge {
    fn present(&mut self, days: &[SchoolDay]) {
        self.days.extend(days.iter().map(|day| (*day, Some(0))));
    }

    fn unknown(&mut self, days: &[SchoolDay]) {
        self.days.extend(days.iter().map(|day| (*day, None)));
    }

    fn absent(&mut self, day: SchoolDay, half_days: u32) {
        self.days.push((day, Some(half_days)));
    }
}
