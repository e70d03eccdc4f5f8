//! The thresholds, with their sources.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::SettingFault;
use crate::observation::Category;
use crate::ratio::Ratio;

/// The thresholds of one rule. [`ChronicAbsence::default`] is the pack `federal-chronic-absence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChronicAbsence {
    /// A flag is raised at this share of absent days or above.
    enter: Ratio,
    /// It is cleared strictly below this share.
    leave: Ratio,
    /// School days before anything is decided.
    min_days: u32,
    /// How half a day of absence counts.
    half_day: HalfDay,
}

impl ChronicAbsence {
    /// `enter`: an episode opens at this rate or above (`>=`). `leave`: it closes strictly below (`<`).
    /// `min_days`: known school days before anything is decided.
    ///
    /// # Errors
    /// When `enter` is 0 %, `leave` is above `enter`, or `min_days` is 0.
    pub fn new(
        enter: Ratio,
        leave: Ratio,
        min_days: u32,
        half_day: HalfDay,
    ) -> Result<ChronicAbsence, ChronicAbsenceError> {
        if enter == Ratio::ZERO {
            return Err(ChronicAbsenceError::EnterIsZero);
        }
        if leave > enter {
            return Err(ChronicAbsenceError::LeaveAboveEnter);
        }
        if min_days == 0 {
            return Err(ChronicAbsenceError::NoMinDays);
        }
        Ok(ChronicAbsence { enter, leave, min_days, half_day })
    }

    pub fn enter(&self) -> Ratio {
        self.enter
    }

    pub fn leave(&self) -> Ratio {
        self.leave
    }

    pub fn min_days(&self) -> u32 {
        self.min_days
    }

    pub fn half_day(&self) -> HalfDay {
        self.half_day
    }

    /// What a recorded day adds to the absences, in half-days; `None` when the day is unknown.
    pub(crate) fn absent_half_days(&self, category: Category) -> Option<u32> {
        match category {
            Category::Present | Category::PresentRemote | Category::Tardy | Category::EarlyDeparture => {
                Some(0)
            }
            Category::AbsentExcused | Category::AbsentUnexcused => Some(2),
            Category::AbsentHalfDay => Some(match self.half_day {
                HalfDay::Whole => 2,
                HalfDay::Half => 1,
            }),
            Category::Unknown | Category::Doubtful => None,
        }
    }

    /// The words for days that add to the absences.
    pub(super) fn words_of_absence(&self) -> impl Iterator<Item = &'static str> {
        let adds = |category: &&Category| self.absent_half_days(**category).is_some_and(|added| added > 0);
        Category::ALL.iter().filter(adds).map(|category| category.as_str())
    }
}

impl Default for ChronicAbsence {
    /// - enter 10 %, any reason for the absence, half a day counts as a day: `EDFacts` file specification
    ///   FS195 (data group 814), chronic absenteeism: "absent 10 % or more of school days", where a day
    ///   counts when the student misses at least half of it.
    /// - `min_days` 20: the default of the EDU data warehouse; states range from 10 (Maine) over more than
    ///   30 (California) to 90 (Rhode Island, K-3).
    /// - leave 9 %: ours, no published source; one point of hysteresis, so that a flag does not come and go
    ///   with each single day around the line.
    fn default() -> ChronicAbsence {
        ChronicAbsence {
            enter: Ratio::of(1000),
            leave: Ratio::of(900),
            min_days: 20,
            half_day: HalfDay::Whole,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChronicAbsenceError {
    #[error("enter must be above 0 %")]
    EnterIsZero,
    #[error("leave must not be above enter")]
    LeaveAboveEnter,
    #[error("min_days must be at least 1")]
    NoMinDays,
}

/// What is wrong with the thresholds, where it stands, and the mend.
pub(super) fn fault(settings: &ChronicAbsence) -> Option<SettingFault> {
    let ChronicAbsence { enter, leave, min_days, half_day } = *settings;
    let error = ChronicAbsence::new(enter, leave, min_days, half_day).err()?;
    let (key, help) = match error {
        ChronicAbsenceError::EnterIsZero => {
            ("enter", "a line at 0 % flags every student; write e.g. 10%".to_owned())
        }
        ChronicAbsenceError::LeaveAboveEnter => {
            ("leave", format!("enter is {enter}, leave is {leave}: lower leave"))
        }
        ChronicAbsenceError::NoMinDays => ("min_days", "write at least 1; 20 is usual".to_owned()),
    };
    Some(SettingFault::new(key, error.to_string(), help))
}

/// How a half-day absence counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HalfDay {
    /// As one absent day: FS195 counts a day when at least half of it was missed.
    #[default]
    Whole,
    /// As half an absent day.
    Half,
}

impl HalfDay {
    pub const fn as_str(self) -> &'static str {
        match self {
            HalfDay::Whole => "whole",
            HalfDay::Half => "half",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_could_flicker_is_refused() {
        let percent = |parts| Ratio::from_parts_per_10_000(parts).expect("below 100 %");
        let new =
            |enter, leave, days| ChronicAbsence::new(percent(enter), percent(leave), days, HalfDay::Whole);
        assert_eq!(new(900, 1000, 20), Err(ChronicAbsenceError::LeaveAboveEnter));
        assert_eq!(new(0, 0, 20), Err(ChronicAbsenceError::EnterIsZero));
        assert_eq!(new(1000, 900, 0), Err(ChronicAbsenceError::NoMinDays));
        assert_eq!(new(1000, 900, 20), Ok(ChronicAbsence::default()));
    }

    #[test]
    fn serde_keeps_the_settings_and_a_fault_names_its_place() {
        let federal = ChronicAbsence::default();
        let bytes = postcard::to_stdvec(&federal).expect("serialises");
        assert_eq!(postcard::from_bytes::<ChronicAbsence>(&bytes), Ok(federal));
        assert_eq!(fault(&federal), None);
        let bad = ChronicAbsence { enter: Ratio::of(100), leave: Ratio::of(200), ..federal };
        assert_eq!(fault(&bad).map(|fault| fault.key), Some("leave"));
    }
}
