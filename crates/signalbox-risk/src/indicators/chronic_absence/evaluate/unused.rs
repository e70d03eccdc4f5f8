//! What people ask beside the answer: rows that count nowhere, and how many school days are left.

use jiff::civil::Date;

use super::union::count_once;
use super::{Stint, stints};
use crate::day::Day;
use crate::observation::Category;
use crate::reference::Reference;
use crate::registers::Registers;
use crate::registers::days::{AttendanceRow, Days};

/// Live attendance rows that count nowhere: of a school at which the student is not enrolled that day, on a day without
/// school, outside coverage, later than `as_of`, or of a feed that is no attendance feed.
pub fn unused_rows(registers: &Registers, reference: &Reference, school_year: u16, as_of: Date) -> u32 {
    let registers = &registers.days;
    let desk = Desk { registers, reference, school_year, as_of: Day::of(as_of) };
    let stints = stints(registers, reference);
    let is_unused = |row: &&AttendanceRow| {
        row.value.is_some_and(|category| category != Category::Doubtful) && !desk.counts(row, &stints)
    };
    registers.attendance.iter().filter(is_unused).count() as u32
}

/// Dates after `date` on which a school of enrolment holds school, in that school year.
pub fn school_days_after(registers: &Registers, reference: &Reference, school_year: u16, date: Date) -> u32 {
    let (registers, after) = (&registers.days, Day::of(date));
    let mut days = Vec::new();
    for Stint { school, from, to } in stints(registers, reference) {
        let Some(year) = reference.school_year(registers.schools.get(school), school_year) else { continue };
        let left = year.days(year.span(from, to)).iter().map(|day| day.day);
        days.extend(left.filter(|day| *day > after));
    }
    count_once(days)
}

/// Whether the student is enrolled anywhere on `date`.
pub(crate) fn is_enrolled_on(registers: &Registers, reference: &Reference, date: Date) -> bool {
    let day = Day::of(date);
    stints(&registers.days, reference).iter().any(|stint| stint.contains(day))
}

struct Desk<'a> {
    registers: &'a Days,
    reference: &'a Reference,
    school_year: u16,
    as_of: Day,
}

impl Desk<'_> {
    /// A row without a school counts at every school of enrolment.
    fn counts(&self, row: &AttendanceRow, stints: &[Stint]) -> bool {
        let is_everywhere = self.registers.schools.get(row.school).is_empty();
        let mut here = stints.iter().filter(|stint| is_everywhere || stint.school == row.school);
        row.date <= self.as_of
            && self.reference.rank(self.registers.feeds.get(row.feed)).is_some()
            && here.any(|stint| stint.contains(row.date) && self.is_expected(stint.school, row.date))
    }

    fn is_expected(&self, school: u32, day: Day) -> bool {
        let school = self.registers.schools.get(school);
        let year = self.reference.school_year(school, self.school_year);
        year.and_then(|year| year.ruling(year.position(day)?)).is_some()
    }
}
