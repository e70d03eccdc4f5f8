use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::indicators::ChronicAbsence;
use crate::judged::{Missing, Status};

/// The answer of the indicator and the episodes behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    pub answer: AbsenceRate,
    /// With every unknown day present: above the line whatever those days were. In date order, disjoint; only the last
    /// can be open.
    pub episodes: Vec<Episode>,
    /// With every unknown day absent: beyond these, below the line whatever those days were. `None`: no day is unknown,
    /// and they are the same.
    pub possible: Option<Vec<Episode>>,
    /// Enrolled somewhere on the day that was asked about.
    pub is_enrolled: bool,
    /// Every enrolment was taken back as if it had never been: that is no lack of data, and there is nothing to be absent
    /// from.
    pub no_enrollment_left: bool,
    /// The policy that this was evaluated with.
    pub policy: ChronicAbsence,
}

impl Evaluation {
    /// The episodes that could be, were every unknown day absent.
    pub fn possible(&self) -> &[Episode] {
        self.possible.as_deref().unwrap_or(&self.episodes)
    }

    /// Since when the line is certainly crossed; `None`: it is not, or that is not certain.
    pub fn open_since(&self) -> Option<Date> {
        self.episodes.last().filter(|episode| episode.end.is_none()).map(|episode| episode.start)
    }

    /// Enrolment, calendar or coverage is missing: the episodes are then no ground to raise or clear
    /// anything. Too few school days, or too few that are known,
    /// is no such lack; that walk is valid.
    pub fn lacks_data(&self) -> bool {
        let is_lack =
            |missing: &Missing| !matches!(missing, Missing::MinDays { .. } | Missing::KnownDays { .. });
        !self.no_enrollment_left && self.answer.missing.iter().any(is_lack)
    }
}

/// A stretch of school days at or above the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// The date on which the rate reached the line.
    pub start: Date,
    /// The date on which the rate fell below the lower line; `None` while open.
    pub end: Option<Date>,
    /// Of the days that were known up to its end; while open, of all that are.
    pub counts: Counts,
    /// The others up to there.
    pub unknown_days: u32,
}

/// `{value, status, n, as_of, source}` of the indicator, with what can still be prevented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsenceRate {
    pub status: Status,
    /// The numerator, in half-days.
    pub absent_half_days: u32,
    /// The denominator: expected days that are known, each date once.
    pub expected_days: u32,
    /// Expected days that nobody knows about; in neither of the above.
    pub unknown_days: u32,
    /// The last covered day used; `None` when there is none.
    pub as_of: Option<Date>,
    /// Why the status is not ok; empty when it is.
    pub missing: Vec<Missing>,
    /// Smallest k with absent + k at the line for all enrolled school days of the whole year, covered or
    /// not; 0 when over. `None` when enrolment or calendar is missing or the year has no such day.
    pub days_left: Option<u32>,
    /// Dates with at least half a day of absence counted, in order.
    pub absent_dates: Vec<Date>,
    /// The expected days that nobody knows about, in order.
    pub unknown_dates: Vec<Date>,
    /// Attendance feeds that decided a day, by a row or by covering it, in authority order.
    pub feeds: Vec<Arc<str>>,
}

impl AbsenceRate {
    pub fn counts(&self) -> Counts {
        Counts { absent_half_days: self.absent_half_days, expected_days: self.expected_days }
    }
}

/// Numerator and denominator of an absence rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub absent_half_days: u32,
    pub expected_days: u32,
}
