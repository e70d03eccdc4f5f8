//! One student and one small district for tests, told in numbered school days.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::{
    Calendar, Category, ChronicAbsence, DateRanges, Enrollment, Evaluation, Fact, Judging, Observation,
    Reference, ReferenceBuilder, Registers, RegistersError, Rows, evaluate,
};

pub(crate) const YEAR: u16 = 2027;

/// The school day with that number, from 1: weekdays from Monday 2026-08-24.
pub(crate) fn day(number: i64) -> Date {
    let (weeks, days) = ((number - 1).div_euclid(5), (number - 1).rem_euclid(5));
    date(2026, 8, 24) + weeks.weeks() + days.days()
}

/// 180 school days.
pub(crate) fn calendar() -> Calendar {
    Calendar::new(YEAR, date(2026, 8, 1), day(180), (1..=180).map(day)).expect("a sound calendar")
}

/// Schools 100 and 200, one exceptions feed "att" that covers both for the first `covered` school days.
pub(crate) fn reference(covered: i64) -> Reference {
    build(with_feeds(&[("att", Rows::Exceptions)], covered))
}

pub(crate) fn with_feeds(feeds: &[(&str, Rows)], covered: i64) -> ReferenceBuilder {
    let ranges = DateRanges::from((date(2026, 8, 1), day(covered)));
    feeds.iter().fold(Reference::builder("r1").default_calendar(calendar()), |builder, (feed, rows)| {
        let builder = builder.attendance_feed(*feed, *rows);
        builder.covered(*feed, "100", &ranges).covered(*feed, "200", &ranges)
    })
}

pub(crate) fn build(builder: ReferenceBuilder) -> Reference {
    builder.build().expect("sound reference")
}

/// The sections that registers are stored in, with their digests.
pub(crate) fn bytes(registers: &Registers) -> Vec<(u8, u128, Vec<u8>)> {
    let section = |tag: &u8| {
        let mut bytes = Vec::new();
        registers.write_section(*tag, &mut bytes).map(|digest| (*tag, digest, bytes))
    };
    Registers::TAGS.iter().filter_map(section).collect()
}

pub(crate) fn read_back(sections: &[(u8, u128, Vec<u8>)]) -> Result<Registers, RegistersError> {
    let mut registers = Registers::default();
    for (tag, digest, bytes) in sections {
        assert!(registers.take_section(*tag, *digest, bytes)?, "a section that is known");
    }
    Ok(registers)
}

/// One student, told in school days.
#[derive(Debug, Clone, Default)]
pub(crate) struct Student {
    pub(crate) registers: Registers,
    revision: u64,
}

impl Student {
    /// Enrolled at school 100 from the first day, without end.
    pub(crate) fn new() -> Student {
        Student::default().enrolled("100", 1, None)
    }

    pub(crate) fn enrolled(self, school: &str, entry: i64, exit: Option<i64>) -> Student {
        let (entry, exit) = (day(entry), exit.map(day));
        let value = Some(Enrollment { school, entry, exit, grade: None });
        let key = format!("{school}-{entry}");
        self.tell("sis", Fact::Enrollment { key: &key, value })
    }

    pub(crate) fn row(self, school: &str, number: i64, value: Option<Category>) -> Student {
        self.row_of("att", school, number, value)
    }

    pub(crate) fn row_of(self, feed: &str, school: &str, number: i64, value: Option<Category>) -> Student {
        self.tell(feed, Fact::Attendance { school, date: day(number), value })
    }

    pub(crate) fn absent(self, days: impl IntoIterator<Item = i64>) -> Student {
        days.into_iter()
            .fold(self, |student, number| student.row("100", number, Some(Category::AbsentUnexcused)))
    }

    pub(crate) fn tell(mut self, feed: &str, fact: Fact<'_>) -> Student {
        self.revision += 1;
        self.registers.apply(&Observation { feed, revision: self.revision, fact });
        self
    }

    /// What is asked about on that school day.
    pub(crate) fn on<'a>(&'a self, reference: &'a Reference, as_of: i64) -> Judging<'a> {
        Judging { registers: &self.registers, reference, school_year: YEAR, as_of: day(as_of) }
    }

    pub(crate) fn evaluate(&self, reference: &Reference, as_of: i64) -> Evaluation {
        evaluate(&self.registers, reference, &ChronicAbsence::default(), YEAR, day(as_of))
    }
}
