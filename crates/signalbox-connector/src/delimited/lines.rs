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
