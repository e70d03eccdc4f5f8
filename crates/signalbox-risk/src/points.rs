//! Grades as numbers.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A grade in hundredths, so that two decimals are exact: 0 to 200.
///
/// In JSON a number, or a text with one; further decimals are refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Points(u16);

/// The highest grade there is: room for extra credit.
const HIGHEST: u16 = 20_000;

impl Points {
    /// # Errors
    /// Above 20,000, which is 200.
    pub fn from_hundredths(hundredths: u16) -> Result<Self, PointsError> {
        if hundredths <= HIGHEST { Ok(Self(hundredths)) } else { Err(PointsError) }
    }

    pub const fn hundredths(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}"),
            rest if rest % 10 == 0 => write!(f, "{whole}.{}", rest / 10),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a grade is a number from 0 to 200 with at most two decimals; write it without a sign, such as 60 or 59.5"
)]
pub struct PointsError;

impl FromStr for Points {
    type Err = PointsError;

    fn from_str(text: &str) -> Result<Self, PointsError> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { text.parse::<u16>().map_err(|_| PointsError) } else { Err(PointsError) }
        };
        let decimals = match decimals.len() {
            1 => digits(decimals)? * 10,
            2 => digits(decimals)?,
            _ => return Err(PointsError),
        };
        let whole = digits(whole)?.checked_mul(100).ok_or(PointsError)?;
        Self::from_hundredths(whole.checked_add(decimals).ok_or(PointsError)?)
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true if self.0.is_multiple_of(100) => serializer.serialize_u16(self.0 / 100),
            true => serializer.serialize_f64(f64::from(self.0) / 100.0),
            false => serializer.serialize_u16(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(Written);
        }
        Self::from_hundredths(u16::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Points {
    fn schema_name() -> Cow<'static, str> {
        "Points".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0, "maximum": 200})
    }
}

/// A grade as people write it.
struct Written;

impl Visitor<'_> for Written {
    type Value = Points;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 200 with at most two decimals")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Points, E> {
        number.to_string().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Points, E> {
        number.to_string().parse().map_err(E::custom)
    }

    /// The shortest text that is this number is what was written.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Points, E> {
        number.to_string().parse().map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Points, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_exact_and_show_what_was_written() {
        for (text, hundredths, shown) in [
            ("60", 6000, "60"),
            ("59.99", 5999, "59.99"),
            ("72.5", 7250, "72.5"),
            ("0.05", 5, "0.05"),
            ("200", 20_000, "200"),
        ] {
            let points: Points = text.parse().expect(text);
            assert_eq!((points.hundredths(), points.to_string().as_str()), (hundredths, shown));
            let bytes = postcard::to_stdvec(&points).expect("serialises");
            assert_eq!(postcard::from_bytes(&bytes), Ok(points));
        }
        for text in ["", "-1", "+1", "200.01", "1.234", "1.", ".5", "1e2", "60 %", "99999999"] {
            assert_eq!(text.parse::<Points>(), Err(PointsError), "{text}");
        }
    }
}
