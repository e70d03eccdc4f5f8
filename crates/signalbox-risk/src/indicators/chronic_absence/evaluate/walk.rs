use jiff::civil::Date;

use super::{Counts, Episode};
use crate::indicators::ChronicAbsence;
use crate::ratio::Ratio;
use crate::reference::SchoolDay;

/// What an unknown day may have been at most, in half-days.
const WHOLE_DAY: u32 = 2;

/// Walks expected days in date order: once while all of them are known, else twice from the first unknown day on.
pub(super) struct Walk {
    policy: ChronicAbsence,
    /// Every unknown day present: what is above the line here is above it whatever those days were.
    low: Line,
    /// Every unknown day absent: what is below the line here is below it whatever those days were. `None`: no day is
    /// unknown so far, and it is as `low`.
    high: Option<Line>,
    unknown_dates: Vec<Date>,
    as_of: Option<Date>,
    absent_dates: Vec<Date>,
}

/// A finished walk.
pub(super) struct Walked {
    /// Of known days.
    pub(super) counts: Counts,
    pub(super) unknown_dates: Vec<Date>,
    pub(super) as_of: Option<Date>,
    pub(super) absent_dates: Vec<Date>,
    pub(super) certain: Vec<Episode>,
    pub(super) possible: Option<Vec<Episode>>,
}

impl Walk {
    /// `rows`: at most so many days are absent.
    pub(super) fn new(policy: ChronicAbsence, rows: usize) -> Walk {
        let (low, unknown_dates, absent_dates) = (Line::default(), Vec::new(), Vec::with_capacity(rows));
        Walk { policy, low, high: None, unknown_dates, as_of: None, absent_dates }
    }

    pub(super) fn finish(self) -> Walked {
        let Walk { policy: _, low, high, unknown_dates, as_of, absent_dates } = self;
        Walked {
            counts: low.known(),
            unknown_dates,
            as_of,
            absent_dates,
            certain: low.finish(),
            possible: high.map(Line::finish),
        }
    }

    /// Present on each of these days.
    pub(super) fn present(&mut self, days: &[SchoolDay]) {
        let Some(last) = days.last() else { return };
        self.as_of = Some(last.date);
        self.low.present(&self.policy, days);
        if let Some(high) = &mut self.high {
            high.present(&self.policy, days);
        }
    }

    /// Nobody knows about these days.
    pub(super) fn unknown(&mut self, days: &[SchoolDay]) {
        let high = self.high.get_or_insert_with(|| self.low.clone());
        for day in days {
            high.unknown_day(&self.policy, day.date, WHOLE_DAY);
            self.low.unknown_day(&self.policy, day.date, 0);
        }
        self.unknown_dates.extend(days.iter().map(|day| day.date));
    }

    /// Absent for one or two half-days.
    pub(super) fn absent(&mut self, day: SchoolDay, half_days: u32) {
        let date = day.date;
        self.as_of = Some(date);
        self.absent_dates.push(date);
        self.low.day(&self.policy, date, half_days);
        if let Some(high) = &mut self.high {
            high.day(&self.policy, date, half_days);
        }
    }
}

/// Counts days in date order and opens and closes episodes on the way.
#[derive(Clone, Default)]
struct Line {
    counts: Counts,
    /// Of `counts`, what was assumed of unknown days.
    assumed: Counts,
    open_since: Option<Date>,
    episodes: Vec<Episode>,
}

impl Line {
    fn finish(mut self) -> Vec<Episode> {
        if let Some(start) = self.open_since {
            self.episodes.push(self.episode(start, None));
        }
        self.episodes
    }

    fn episode(&self, start: Date, end: Option<Date>) -> Episode {
        Episode { start, end, counts: self.known(), unknown_days: self.assumed.expected_days }
    }

    fn known(&self) -> Counts {
        Counts {
            absent_half_days: self.counts.absent_half_days - self.assumed.absent_half_days,
            expected_days: self.counts.expected_days - self.assumed.expected_days,
        }
    }

    fn unknown_day(&mut self, policy: &ChronicAbsence, date: Date, absent_half_days: u32) {
        self.assumed.expected_days += 1;
        self.assumed.absent_half_days += absent_half_days;
        self.day(policy, date, absent_half_days);
    }

    fn day(&mut self, policy: &ChronicAbsence, date: Date, absent_half_days: u32) {
        self.counts.expected_days += 1;
        self.counts.absent_half_days += absent_half_days;
        match self.open_since {
            None if self.counts.is_at(policy) => self.open_since = Some(date),
            Some(start) if self.counts.is_below(policy) => {
                self.episodes.push(self.episode(start, Some(date)));
                self.open_since = None;
            }
            _ => {}
        }
    }

    /// The same as [`Line::day`] day by day.
    #[inline]
    fn present(&mut self, policy: &ChronicAbsence, days: &[SchoolDay]) {
        if self.stays(policy, days.len() as u32) {
            self.counts.expected_days += days.len() as u32;
        } else {
            self.turn(policy, days);
        }
    }

    /// Whether nothing happens in that many days present. The rate only falls meanwhile, so an episode can open on the
    /// day that completes `min_days` and at no other, and none has closed if the rate is not below the lower line then.
    fn stays(&self, policy: &ChronicAbsence, days: u32) -> bool {
        let Counts { absent_half_days, expected_days } = self.counts;
        let counts = Counts { absent_half_days, expected_days: expected_days + days };
        match self.open_since {
            None => expected_days >= policy.min_days() || counts.expected_days < policy.min_days(),
            Some(_) => !counts.is_below(policy),
        }
    }

    /// In as many steps as something can happen: at most two.
    #[inline(never)]
    fn turn(&mut self, policy: &ChronicAbsence, mut days: &[SchoolDay]) {
        while !days.is_empty() {
            match self.days_until_turn(policy) {
                Some(turn) if turn <= days.len() as u64 => {
                    let (before, rest) = days.split_at(turn as usize);
                    self.counts.expected_days += before.len() as u32 - 1;
                    self.day(policy, before[before.len() - 1].date, 0);
                    days = rest;
                }
                _ => {
                    self.counts.expected_days += days.len() as u32;
                    return;
                }
            }
        }
    }

    /// How many days present from here until something could happen.
    fn days_until_turn(&self, policy: &ChronicAbsence) -> Option<u64> {
        let have = u64::from(self.counts.expected_days);
        let turn = match self.open_since {
            None => u64::from(policy.min_days()),
            Some(_) => self.counts.first_days_below(policy)?,
        };
        Some(turn.saturating_sub(have)).filter(|days| *days > 0)
    }
}

impl Counts {
    fn is_at(self, policy: &ChronicAbsence) -> bool {
        self.expected_days >= policy.min_days() && self.reaches(policy.enter())
    }

    fn is_below(self, policy: &ChronicAbsence) -> bool {
        !self.reaches(policy.leave())
    }

    pub(crate) fn reaches(self, line: Ratio) -> bool {
        let line = u64::from(line.parts_per_10_000()) * 2 * u64::from(self.expected_days);
        u64::from(self.absent_half_days) * 10_000 >= line
    }

    /// The smallest denominator that puts these absences below the lower line; `None` when none does.
    pub(crate) fn first_days_below(self, policy: &ChronicAbsence) -> Option<u64> {
        let leave = u64::from(policy.leave().parts_per_10_000()) * 2;
        (u64::from(self.absent_half_days) * 10_000).checked_div(leave).map(|days| days + 1)
    }
}
