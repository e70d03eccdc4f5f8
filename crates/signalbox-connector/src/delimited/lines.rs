//! Line ends and quotes in a record's raw bytes.

pub(super) fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Line ends as people count them: LF, CRLF and CR are one each.
pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    let mut after_cr = false;
    let mut count = 0;
    for &byte in bytes {
        if byte == b'\r' || (byte == b'\n' && !after_cr) {
            count += 1;
        }
        after_cr = byte == b'\r';
    }
    count
}

/// Whether `value` is rows between two stray quotes: a line of it but the first begins with fields like those `before` it, or
/// its first line ends with fields like those `after` it; as many, with numbers of the same shape where those have numbers.
/// A line of prose is no row.
pub(super) fn looks_like_rows(before: &[&[u8]], value: &[u8], after: &[&[u8]], delimiter: u8) -> bool {
    let mut lines = value
        .split(|byte| is_line_end(*byte))
        .map(|line| -> Vec<&[u8]> { line.split(|byte| *byte == delimiter).collect() });
    let first = lines.next().unwrap_or_default();
    is_like(first.get(1..).unwrap_or_default(), after) && first.len() == after.len() + 1
        || lines.any(|line| line.len() > before.len() && is_like(&line, before))
}

/// Whether these fields have numbers of the shapes that those have, which have some.
fn is_like(these: &[&[u8]], those: &[&[u8]]) -> bool {
    let has_digits = |field: &&[u8]| field.iter().any(u8::is_ascii_digit);
    let mut numbers = these.iter().zip(those).filter(|(_, other)| has_digits(other));
    those.iter().any(has_digits) && numbers.all(|(one, other)| shape(one) == shape(other))
}

/// `9/16/2026` as `0/0/0`, `S-100` as `a-0`: what a column's values have in common.
fn shape(field: &[u8]) -> Vec<u8> {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => b'0',
        byte if byte.is_ascii_alphabetic() || !byte.is_ascii() => b'a',
        byte => byte,
    };
    let mut shape: Vec<u8> = field.trim_ascii().iter().map(|byte| class(*byte)).collect();
    shape.dedup();
    shape
}

/// Whether each quote opens a field, closes it, or is escaped inside one (RFC 4180).
pub(super) fn is_well_quoted(record: &[u8], delimiter: u8) -> bool {
    #[derive(PartialEq)]
    enum At {
        FieldStart,
        Bare,
        Quoted,
        Quote,
    }
    let mut at = At::FieldStart;
    for &byte in record {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::Quote,
            (At::FieldStart | At::Quote, b'"') | (At::Quoted, _) => At::Quoted,
            (_, byte) if byte == delimiter => At::FieldStart,
            (At::Quote, _) => return false,
            _ => At::Bare,
        };
    }
    at != At::Quoted
}
