//! Parts of natural keys.

use std::fmt::Write as _;

use super::Day;

/// An id as a part of a key: one that holds what parts are joined with makes no other key's beginning.
pub fn push_part(to: &mut String, id: &str) {
    if id.contains(['|', '\\']) {
        to.push_str(&id.replace('\\', r"\\").replace('|', r"\|"));
    } else {
        to.push_str(id);
    }
}

/// A day as a part of a key, behind others.
pub fn push_day(to: &mut String, day: Day) {
    let (year, month, day) = day.parts();
    if (1000..=9999).contains(&year) {
        // What `write!` does, several times faster: this runs once or twice for every row.
        let digit = |number: i16, unit: i16| char::from(b'0' + (number / unit % 10) as u8);
        let (month, day) = (i16::from(month), i16::from(day));
        to.extend(['|', digit(year, 1000), digit(year, 100), digit(year, 10), digit(year, 1)]);
        to.extend(['-', digit(month, 10), digit(month, 1), '-', digit(day, 10), digit(day, 1)]);
    } else {
        write!(to, "|{year:04}-{month:02}-{day:02}").expect("writing to a string cannot fail");
    }
}
