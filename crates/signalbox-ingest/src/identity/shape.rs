//! Ids that would be known but for how they are written.

use serde::{Deserialize, Serialize};

/// Why an id may not be found, and with that the mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hint {
    /// `6.001E+03`: a spreadsheet wrote it.
    Exponent,
    /// `1009.0`
    Decimal,
    /// Spaces or quotes around it.
    Quotes,
    /// Other zeros at its beginning.
    Zeros,
    /// Other capitals.
    Case,
    /// The roster has it, of another type than the feed names students by.
    OtherType,
}

impl Hint {
    /// `is_known`: one student has an id of this shape.
    pub(super) fn of(id: &str, is_known: bool) -> Option<Self> {
        if is_exponent(id) {
            return Some(Self::Exponent);
        }
        if !is_known {
            return None;
        }
        let bare = without_quotes(id);
        Some(if bare.len() != id.len() {
            Self::Quotes
        } else if without_decimals(bare).len() != bare.len() {
            Self::Decimal
        } else if bare.starts_with('0') || bare.bytes().all(|byte| byte.is_ascii_digit()) {
            Self::Zeros
        } else {
            Self::Case
        })
    }

    /// The stable word for scripts.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Exponent => "id_exponent",
            Self::Decimal => "id_decimal",
            Self::Quotes => "id_quotes",
            Self::Zeros => "leading_zeros",
            Self::Case => "id_case",
            Self::OtherType => "id_other_type",
        }
    }

    /// The mend, in plain words.
    pub(crate) const fn mend(self) -> &'static str {
        match self {
            Self::Exponent => {
                "not found: a spreadsheet shortened the id (as in 6.001E+03): export the id as text"
            }
            Self::Decimal => {
                "not found: the id ends in .0 where the roster's does not: export the id as text"
            }
            Self::Quotes => "not found: spaces or quotes stand around the id: export the id without them",
            Self::Zeros => {
                "not found: the id differs from a known one in leading zeros: export the id as text, or set `pad` in this feed"
            }
            Self::OtherType => {
                "not found: the roster has this id, of another type than `ids` names in this feed: put `ids: {student: …}` right"
            }
            Self::Case => {
                "not found: the id differs from a known one in capitals: export it as the roster has it"
            }
        }
    }
}

/// The id without what tools add and take away.
pub(super) fn shape_of(id: &str) -> Box<str> {
    let bare = without_decimals(without_quotes(id)).trim_start_matches('0');
    bare.to_lowercase().into()
}

fn without_quotes(id: &str) -> &str {
    id.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '=' | '`' | '’'))
}

/// Without a fraction of zeros.
fn without_decimals(id: &str) -> &str {
    match id.split_once('.') {
        Some((whole, fraction))
            if !whole.is_empty() && !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => id,
    }
}

/// A number as a spreadsheet shortens it.
fn is_exponent(id: &str) -> bool {
    let Some((mantissa, exponent)) = id.split_once(['E', 'e']) else { return false };
    let digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    exponent.starts_with('+') && digits(mantissa) && digits(&exponent[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_its_hint() {
        for (id, hint) in [
            ("6.001E+03", Some(Hint::Exponent)),
            ("1009.0", Some(Hint::Decimal)),
            ("'1009", Some(Hint::Quotes)),
            (" 1009", Some(Hint::Quotes)),
            ("001009", Some(Hint::Zeros)),
            ("1009", Some(Hint::Zeros)),
            ("s1009", Some(Hint::Case)),
        ] {
            assert_eq!(Hint::of(id, true), hint, "{id}");
        }
        assert_eq!(Hint::of("1009.0", false), None, "nobody has an id like this");
        assert_eq!(Hint::of("6.001E+03", false), Some(Hint::Exponent));
    }

    #[test]
    fn one_shape_for_every_way_to_write_an_id() {
        for id in ["1009", "01009", "1009.0", "1009.00", " 1009", "'1009", "\"1009\"", "=\"1009\""] {
            assert_eq!(&*shape_of(id), "1009", "{id}");
        }
        assert_eq!(shape_of("AB-7"), shape_of("ab-7"));
        assert_ne!(shape_of("1009.5"), shape_of("1009"));
    }
}
