use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::observation::Category;

/// The thresholds of one rule. [`Policy::default`] is the pack `federal-chronic-absence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Policy {
    enter: Ratio,
    leave: Ratio,
    min_days: u32,
    half_day: HalfDay,
}

impl Policy {
    /// `enter`: an episode opens at this rate or above (`>=`). `leave`: it closes strictly below (`<`).
    /// `min_days`: known school days before anything is decided.
    ///
    /// # Errors
    /// When `enter` is 0 %, `leave` is above `enter`, or `min_days` is 0.
    pub fn new(enter: Ratio, leave: Ratio, min_days: u32, half_day: HalfDay) -> Result<Policy, PolicyError> {
        if enter == Ratio(0) {
            return Err(PolicyError::EnterIsZero);
        }
        if leave > enter {
            return Err(PolicyError::LeaveAboveEnter);
        }
        if min_days == 0 {
            return Err(PolicyError::NoMinDays);
        }
        Ok(Policy { enter, leave, min_days, half_day })
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

    /// 32 hexadecimal digits that differ when the policy, or the meaning of its fields, differs: FNV-1a over
    /// the canonical text. It tells policies apart; it is no signature.
    pub fn policy_hash(&self) -> String {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let text = self.canonical();
        let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
        format!("{hash:032x}")
    }

    fn canonical(&self) -> String {
        let Policy { enter, leave, min_days, half_day } = self;
        format!(
            "{} 1 enter>={} leave<{} min_days={min_days} half_day={}",
            crate::CHRONIC_ABSENCE,
            enter.0,
            leave.0,
            half_day.as_str()
        )
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
}

impl Default for Policy {
    /// - enter 10 %, any reason for the absence, half a day counts as a day: `EDFacts` file specification
    ///   FS195 (data group 814), chronic absenteeism: "absent 10 % or more of school days", where a day
    ///   counts when the student misses at least half of it.
    /// - `min_days` 20: the default of the EDU data warehouse; states range from 10 (Maine) over more than
    ///   30 (California) to 90 (Rhode Island, K-3).
    /// - leave 9 %: ours, no published source; one point of hysteresis, so that a flag does not come and go
    ///   with each single day around the line.
    fn default() -> Policy {
        Policy { enter: Ratio(1000), leave: Ratio(900), min_days: 20, half_day: HalfDay::Whole }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("enter must be above 0 %")]
    EnterIsZero,
    #[error("leave must not be above enter")]
    LeaveAboveEnter,
    #[error("min_days must be at least 1")]
    NoMinDays,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    enter: Ratio,
    leave: Ratio,
    min_days: u32,
    half_day: HalfDay,
}

impl TryFrom<Fields> for Policy {
    type Error = PolicyError;

    fn try_from(fields: Fields) -> Result<Policy, PolicyError> {
        Policy::new(fields.enter, fields.leave, fields.min_days, fields.half_day)
    }
}

impl From<Policy> for Fields {
    fn from(policy: Policy) -> Fields {
        let Policy { enter, leave, min_days, half_day } = policy;
        Fields { enter, leave, min_days, half_day }
    }
}

/// How a half-day absence counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

/// A share between 0 % and 100 % in parts per 10,000, so that two decimals of a percent are exact.
///
/// Reads and writes as text: `10%`, `7.5 %`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ratio(u32);

impl Ratio {
    /// # Errors
    /// Above 10,000, which is 100 %.
    pub fn from_parts_per_10_000(parts: u32) -> Result<Ratio, RatioError> {
        if parts <= 10_000 { Ok(Ratio(parts)) } else { Err(RatioError::Above100) }
    }

    pub fn parts_per_10_000(self) -> u32 {
        self.0
    }

    /// The number before the percent sign: `10`, `7.5`.
    pub(crate) fn percent(self) -> String {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match hundredths {
            0 => whole.to_string(),
            tenths if tenths % 10 == 0 => format!("{whole}.{}", tenths / 10),
            _ => format!("{whole}.{hundredths:02}"),
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    #[error("expected a percentage such as 10% or 7.5%")]
    NotAPercentage,
    #[error("at most two decimals of a percent are kept")]
    TooFine,
    #[error("a share is at most 100%")]
    Above100,
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Ratio, RatioError> {
        let number = text.trim().strip_suffix('%').ok_or(RatioError::NotAPercentage)?.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if fraction.len() > 2 {
            return Err(RatioError::TooFine);
        }
        let hundredths = digits(fraction)? * if fraction.len() == 1 { 10 } else { 1 };
        let parts = digits(whole)?.checked_mul(100).and_then(|parts| parts.checked_add(hundredths));
        Ratio::from_parts_per_10_000(parts.ok_or(RatioError::Above100)?)
    }
}

/// Digits only: `str::parse` alone would also take a sign.
fn digits(text: &str) -> Result<u32, RatioError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RatioError::NotAPercentage);
    }
    text.parse().map_err(|_| RatioError::Above100)
}

impl TryFrom<String> for Ratio {
    type Error = RatioError;

    fn try_from(text: String) -> Result<Ratio, RatioError> {
        text.parse()
    }
}

impl From<Ratio> for String {
    fn from(ratio: Ratio) -> String {
        ratio.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact() {
        for (text, parts, shown) in [
            ("10%", 1000, "10%"),
            ("7.5 %", 750, "7.5%"),
            (" 9.05%", 905, "9.05%"),
            ("0%", 0, "0%"),
            ("0.01%", 1, "0.01%"),
            ("100%", 10_000, "100%"),
            ("12.50%", 1250, "12.5%"),
        ] {
            let ratio: Ratio = text.parse().expect(text);
            assert_eq!((ratio.parts_per_10_000(), ratio.to_string().as_str()), (parts, shown));
        }
    }

    #[test]
    fn what_is_not_a_percentage_is_refused() {
        for (text, error) in [
            ("10", RatioError::NotAPercentage),
            ("%", RatioError::NotAPercentage),
            ("-1%", RatioError::NotAPercentage),
            ("+1%", RatioError::NotAPercentage),
            ("1.%", RatioError::NotAPercentage),
            (".5%", RatioError::NotAPercentage),
            ("0.1", RatioError::NotAPercentage),
            ("1.234%", RatioError::TooFine),
            ("100.01%", RatioError::Above100),
            ("99999999999%", RatioError::Above100),
        ] {
            assert_eq!(text.parse::<Ratio>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_policy_that_could_flicker_is_refused() {
        let percent = |parts| Ratio::from_parts_per_10_000(parts).expect("below 100 %");
        let new = |enter, leave, days| Policy::new(percent(enter), percent(leave), days, HalfDay::Whole);
        assert_eq!(new(900, 1000, 20), Err(PolicyError::LeaveAboveEnter));
        assert_eq!(new(0, 0, 20), Err(PolicyError::EnterIsZero));
        assert_eq!(new(1000, 900, 0), Err(PolicyError::NoMinDays));
        assert_eq!(new(1000, 900, 20), Ok(Policy::default()));
    }

    /// Certificates on disk carry this hash: it may change only together with the meaning of the policy.
    #[test]
    fn the_policy_hash_is_stable_and_tells_policies_apart() {
        let federal = Policy::default();
        assert_eq!(federal.policy_hash(), "7042465d03bf1a13861f5e4c51ba80b5");
        let changed = [
            Policy { enter: Ratio(1001), ..federal },
            Policy { leave: Ratio(901), ..federal },
            Policy { min_days: 21, ..federal },
            Policy { half_day: HalfDay::Half, ..federal },
        ];
        assert!(changed.iter().all(|policy| policy.policy_hash() != federal.policy_hash()));
    }

    #[test]
    fn serde_keeps_a_policy_and_refuses_a_bad_one() {
        let bytes = postcard::to_stdvec(&Policy::default()).expect("serialises");
        assert_eq!(postcard::from_bytes::<Policy>(&bytes), Ok(Policy::default()));
        let bad = Fields { enter: Ratio(100), leave: Ratio(200), min_days: 1, half_day: HalfDay::Whole };
        let bytes = postcard::to_stdvec(&bad).expect("serialises");
        assert!(postcard::from_bytes::<Policy>(&bytes).is_err());
    }
}
