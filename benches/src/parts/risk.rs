//! The rules on decoded observations, in the time of one core, whoever else uses the machine. A feed of exceptions in day order, so that neighbouring observations
//! are different students; one student in nine has a row on each of 180 school days.

use std::fs;
use std::hint::black_box;

use anyhow::{Context, ensure};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use signalbox_risk::{
    Calendar, Category, ChronicAbsence, DateRanges, Enrollment, Fact, Observation, Reference, Registers,
    Rows, evaluate,
};

use super::Done;

const SCHOOL_YEAR: u16 = 2027;
const SCHOOL_DAYS: usize = 180;
const SCHOOLS: usize = 100;
const ONE_IN: usize = 9;

/// Applies every observation and, if `evaluating`, evaluates its student after it.
pub(super) fn run(students: u32, evaluating: bool) -> anyhow::Result<Done> {
    let schools: Vec<String> = (0..SCHOOLS).map(|school| (school + 100).to_string()).collect();
    let days: Vec<Date> = (0..SCHOOL_DAYS).map(school_day).collect();
    let reference = reference(&schools, &days)?;
    let policy = ChronicAbsence::default();
    let mut registers = vec![Registers::default(); students as usize];
    for (student, registers) in registers.iter_mut().enumerate() {
        registers.apply(&enrolled(&schools[student % SCHOOLS], days[0]));
    }
    let (mut items, mut episodes) = (0, 0);
    let started = on_core_s()?;
    for (at, day) in days.iter().enumerate() {
        for student in (0..registers.len()).filter(|student| (student + at).is_multiple_of(ONE_IN)) {
            let observation = attended(&schools[student % SCHOOLS], *day, category(student, at));
            registers[student].apply(&observation);
            if evaluating {
                let evaluation = evaluate(&registers[student], &reference, &policy, SCHOOL_YEAR, *day);
                episodes += black_box(evaluation).episodes.len();
            }
            items += 1;
        }
    }
    let seconds = on_core_s()? - started;
    black_box(registers);
    ensure!(!evaluating || episodes > 0, "no student was ever above the line");
    Ok(Done { items, seconds })
}

/// How long the calling process's first thread has been on a core.
fn on_core_s() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split(' ').next().context("it has three fields")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

fn reference(schools: &[String], days: &[Date]) -> anyhow::Result<Reference> {
    let (first, last) = (days[0], days[SCHOOL_DAYS - 1]);
    let calendar = Calendar::new(SCHOOL_YEAR, first, last, days.iter().copied())?;
    let mut builder = Reference::builder("r1").default_calendar(calendar);
    builder = builder.enrollment_feed("sis").attendance_feed("attendance", Rows::Exceptions);
    let year = DateRanges::from((first, last));
    for school in schools {
        builder = builder.covered("attendance", school, &year);
    }
    Ok(builder.build()?)
}

fn enrolled(school: &str, entry: Date) -> Observation<'_> {
    let value = Some(Enrollment { school, entry, exit: None, grade: Some("09") });
    Observation { feed: "sis", revision: 1, fact: Fact::Enrollment { key: "e1", value } }
}

fn attended(school: &str, date: Date, category: Category) -> Observation<'_> {
    let fact = Fact::Attendance { school, date, value: Some(category) };
    Observation { feed: "attendance", revision: 1, fact }
}

/// Students differ: between none and all of their rows are absences.
fn category(student: usize, at: usize) -> Category {
    match (student * 31 + at * 17) % 64 {
        roll if roll < student % 64 => Category::AbsentUnexcused,
        60 => Category::AbsentHalfDay,
        61 => Category::Unknown,
        62..64 => Category::Tardy,
        _ => Category::Present,
    }
}

/// Weekdays from Monday 2026-08-24.
fn school_day(number: usize) -> Date {
    date(2026, 8, 24) + ((number / 5 * 7 + number % 5) as i64).days()
}
