//! What tells a row that cannot be used from others in the same place.

/// A hash of the text at fault. Odd: that text is one row's own, and the same again is that row again. Even: it may be any
/// row's (blank, `########`, `#N/A`, `1.0E+03`), as is 0, of a row without such a text.
pub fn mark_of(text: &str) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes()) as u32;
    if is_own(text) { hash | 1 } else { hash & !1 }
}

/// Whether the same mark again is the same row.
pub const fn is_own_mark(mark: u32) -> bool {
    mark & 1 == 1
}

/// Of one digit alone are the ids and dates that stand for none: `0`, `999999`, `0000-00-00`.
fn is_own(text: &str) -> bool {
    let is_written = |c: char| c.is_alphanumeric() || "-_./: ".contains(c);
    let digits =
        text.bytes().filter(u8::is_ascii_digit).fold(0_u16, |seen, digit| seen | 1 << (digit - b'0'));
    let is_power = text.parse::<f64>().is_ok() && text.contains(['e', 'E']);
    digits.count_ones() > 1 && !is_power && text.chars().all(is_written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_and_broken_exports_write_is_nobodys_own() {
        for own in ["9001", "X12", "s-100", "16-9-2021", "16.9.2021 00:00", "0001001"] {
            assert!(is_own_mark(mark_of(own)), "{own}");
        }
        for anybodys in [
            "",
            " ",
            "########",
            "#N/A",
            "1.0E+03",
            "NULL",
            "000000",
            "0/0/0",
            "999999",
            "TEMP1",
            "1E3",
            "\u{FFFD}1012",
        ] {
            assert!(!is_own_mark(mark_of(anybodys)), "{anybodys}");
        }
        assert_ne!(mark_of("9001"), mark_of("9002"));
    }
}
