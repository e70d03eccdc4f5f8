//! Days of attendance as they are stored: two bytes a day, as a rule.
//!
//! A row is a byte for what it says and what else follows, then the days since the row before it, then what differs from that
//! row: school, feed, revision. Numbers are postcard's.

use std::fmt;

use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserializer, Serializer};

use super::AttendanceRow;
use crate::day::Day;
use crate::observation::Category;
use crate::registers::append;

/// The bits for what a row says: 0 if it ended, else one more than the category's place.
const SAYS: u8 = 0x1f;
const OTHER_REVISION: u8 = 0x20;
const OTHER_SCHOOL: u8 = 0x40;
const OTHER_FEED: u8 = 0x80;

const _: () = assert!(Category::ALL.len() < SAYS as usize, "every category has a number");

/// What the first row is compared with.
const BEFORE: AttendanceRow =
    AttendanceRow { school: 0, date: Day::EPOCH, feed: 0, revision: 0, value: None };

pub(super) fn serialize<S: Serializer>(rows: &[AttendanceRow], serializer: S) -> Result<S::Ok, S::Error> {
    let (mut bytes, mut before) = (Vec::with_capacity(2 * rows.len() + 16), &BEFORE);
    for row in rows {
        pack(&mut bytes, before, row);
        before = row;
    }
    serializer.serialize_bytes(&bytes)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<AttendanceRow>, D::Error> {
    deserializer.deserialize_bytes(Rows)
}

fn pack(to: &mut Vec<u8>, before: &AttendanceRow, row: &AttendanceRow) {
    let AttendanceRow { school, date, feed, revision, value } = row;
    let says = value.map_or(0, |category| category as u8 + 1);
    let other = |differs: bool, bit: u8| if differs { bit } else { 0 };
    let others = other(*revision != before.revision, OTHER_REVISION)
        | other(*school != before.school, OTHER_SCHOOL)
        | other(*feed != before.feed, OTHER_FEED);
    to.push(says | others);
    append(to, &(i32::from(*date) - i32::from(before.date)));
    if others & OTHER_SCHOOL != 0 {
        append(to, school);
    }
    if others & OTHER_FEED != 0 {
        append(to, feed);
    }
    if others & OTHER_REVISION != 0 {
        append(to, revision);
    }
}

fn unpack(from: &mut &[u8], before: &AttendanceRow) -> Option<AttendanceRow> {
    let (head, rest) = from.split_first()?;
    *from = rest;
    let says = usize::from(head & SAYS);
    let value = if says == 0 { None } else { Some(*Category::ALL.get(says - 1)?) };
    let date = Day::try_from(i32::from(before.date).checked_add(take(from)?)?).ok()?;
    Some(AttendanceRow {
        school: if head & OTHER_SCHOOL == 0 { before.school } else { take(from)? },
        date,
        feed: if head & OTHER_FEED == 0 { before.feed } else { take(from)? },
        revision: if head & OTHER_REVISION == 0 { before.revision } else { take(from)? },
        value,
    })
}

fn take<T: DeserializeOwned>(from: &mut &[u8]) -> Option<T> {
    let (number, rest) = postcard::take_from_bytes(from).ok()?;
    *from = rest;
    Some(number)
}

struct Rows;

impl Visitor<'_> for Rows {
    type Value = Vec<AttendanceRow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("packed days of attendance")
    }

    fn visit_bytes<E: Error>(self, mut bytes: &[u8]) -> Result<Vec<AttendanceRow>, E> {
        let mut rows = Vec::with_capacity(bytes.len() / 2 + 1);
        while !bytes.is_empty() {
            let before = rows.last().unwrap_or(&BEFORE);
            rows.push(
                unpack(&mut bytes, before).ok_or_else(|| E::custom("a day of attendance is cut short"))?,
            );
        }
        Ok(rows)
    }
}
