//! Shares.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share between 0 % and 100 % in parts per 10,000, so that two decimals of a percent are exact.
///
/// Reads and writes as text: `10%`, `7.5 %`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Ratio(u32);

impl Ratio {
    pub(crate) const ZERO: Self = Self(0);

    /// At most 10,000.
    pub(crate) const fn of(parts_per_10_000: u32) -> Self {
        Self(parts_per_10_000)
    }

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
    #[error("expected a percentage; write it with its sign, such as 10% or 7.5%")]
    NotAPercentage,
    #[error("at most two decimals of a percent are kept; write two, such as 7.25%")]
    TooFine,
    #[error("a share is at most 100%; write a lower one, such as 10%")]
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
}
