use jiff::civil::Date;

use super::timeline::ExpectedDays;
use super::{Counts, Episode};
use crate::policy::Policy;
use crate::reference::SchoolDay;

/// Counts known days in date order and opens and closes episodes on the way.
pub(super) struct Walk {
    policy: Policy,
    counts: Counts,
    unknown_days: u32,
    as_of: Option<Date>,
    absent_dates: Vec<Date>,
    open_since: Option<Date>,
    episodes: Vec<Episode>,
}

/// A finished walk.
pub(super) struct Walked {
    pub(super) counts: Counts,
    pub(super) unknown_days: u32,
    pub(super) as_of: Option<Date>,
    pub(super) absent_dates: Vec<Date>,
    pub(super) episodes: Vec<Episode>,
}

impl Walk {
    pub(super) fn new(policy: Policy) -> Walk {
        Walk {
            policy,
            counts: Counts::default(),
            unknown_days: 0,
            as_of: None,
            absent_dates: Vec::new(),
            open_since: None,
            episodes: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Walked {
        if let Some(start) = self.open_since {
            self.episodes.push(Episode { start, end: None });
        }
        let Walk { policy: _, counts, unknown_days, as_of, absent_dates, open_since: _, episodes } = self;
        Walked { counts, unknown_days, as_of, absent_dates, episodes }
    }

    pub(super) fn unknown_days(&mut self, days: u32) {
        self.unknown_days += days;
    }

    /// One date, on which `expected_days` schools know about the student: usually one.
    pub(super) fn known(&mut self, day: SchoolDay, expected_days: u32, absent_half_days: u32) {
        let date = day.date;
        self.counts.expected_days += expected_days;
        self.counts.absent_half_days += absent_half_days;
        self.as_of = Some(date);
        if absent_half_days > 0 {
            self.absent_dates.push(date);
        }
        match self.open_since {
            None if self.is_at_line() => self.open_since = Some(date),
            Some(start) if self.is_below_line() => {
                self.episodes.push(Episode { start, end: Some(date) });
                self.open_since = None;
            }
            _ => {}
        }
    }

    fn is_at_line(&self) -> bool {
        let Counts { absent_half_days, expected_days } = self.counts;
        let line = u64::from(self.policy.enter().parts_per_10_000()) * 2 * u64::from(expected_days);
        expected_days >= self.policy.min_days() && u64::from(absent_half_days) * 10_000 >= line
    }

    fn is_below_line(&self) -> bool {
        let Counts { absent_half_days, expected_days } = self.counts;
        let line = u64::from(self.policy.leave().parts_per_10_000()) * 2 * u64::from(expected_days);
        u64::from(absent_half_days) * 10_000 < line
    }

    /// How many days present from here until something could happen. The rate only falls meanwhile, so an
    /// episode can open on the day that completes `min_days` and at no other, or close on the first day
    /// below the lower line.
    fn days_until_turn(&self) -> Option<u64> {
        let have = u64::from(self.counts.expected_days);
        let turn = match self.open_since {
            None => u64::from(self.policy.min_days()),
            Some(_) => self.counts.first_days_below(&self.policy)?,
        };
        Some(turn.saturating_sub(have)).filter(|days| *days > 0)
    }
}

impl Counts {
    /// The smallest denominator that puts these absences below the lower line; `None` when none does.
    pub(crate) fn first_days_below(self, policy: &Policy) -> Option<u64> {
        let leave = u64::from(policy.leave().parts_per_10_000()) * 2;
        (u64::from(self.absent_half_days) * 10_000).checked_div(leave).map(|days| days + 1)
    }
}

impl ExpectedDays for Walk {
    /// The same as [`Walk::known`] day by day, in as many steps as something can happen: at most two.
    fn present(&mut self, mut days: &[SchoolDay]) {
        while let Some(last) = days.last() {
            match self.days_until_turn() {
                Some(turn) if turn <= days.len() as u64 => {
                    let (before, rest) = days.split_at(turn as usize);
                    self.counts.expected_days += before.len() as u32 - 1;
                    self.known(before[before.len() - 1], 1, 0);
                    days = rest;
                }
                _ => {
                    self.counts.expected_days += days.len() as u32;
                    self.as_of = Some(last.date);
                    return;
                }
            }
        }
    }

    fn unknown(&mut self, days: &[SchoolDay]) {
        self.unknown_days(days.len() as u32);
    }

    fn absent(&mut self, day: SchoolDay, half_days: u32) {
        self.known(day, 1, half_days);
    }
}
