//! Observations per second on one core: each is applied to its student's registers, then the student is
//! evaluated once. 180 school days, in day order, so that neighbouring observations are different students.
//!
//! `cargo run --release -p signalbox-risk --example throughput`
#![expect(clippy::print_stdout, reason = "printing is what this example does")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use signalbox_risk::{
    Calendar, Category, ChronicAbsence, DateRanges, Enrollment, Fact, Observation, Reference, Registers,
    Rows, evaluate,
};

const SCHOOL_YEAR: u16 = 2027;
const SCHOOL_DAYS: usize = 180;
const SCHOOLS: usize = 100;

/// `exceptions`: 100,000 students and a feed of exceptions, one student in nine has a row on each day.
/// `every_day`: 20,000 students and a row for each on each day.
fn main() -> Result<(), Box<dyn Error>> {
    println!("workload       students  observations  observations/s");
    run("exceptions", Rows::Exceptions, 100_000, 9)?;
    run("every_day", Rows::EveryDay, 20_000, 1)
}

fn run(workload: &str, rows: Rows, students: usize, every: usize) -> Result<(), Box<dyn Error>> {
    let schools: Vec<String> = (0..SCHOOLS).map(|school| (school + 100).to_string()).collect();
    let days: Vec<Date> = (0..SCHOOL_DAYS).map(school_day).collect();
    let reference = reference(rows, &schools, &days)?;
    let policy = ChronicAbsence::default();
    let mut registers = vec![Registers::default(); students];
    for (student, registers) in registers.iter_mut().enumerate() {
        registers.apply(&enrolled(&schools[student % SCHOOLS], days[0]));
    }

    let (mut observations, mut episodes) = (0_u32, 0);
    let started = Instant::now();
    for (at, day) in days.iter().enumerate() {
        for student in (0..students).filter(|student| (student + at).is_multiple_of(every)) {
            let observation = attended(&schools[student % SCHOOLS], *day, category(student, at, 9 / every));
            registers[student].apply(&observation);
            let evaluation = evaluate(&registers[student], &reference, &policy, SCHOOL_YEAR, *day);
            episodes += black_box(evaluation).episodes.len();
            observations += 1;
        }
    }
    let per_s = f64::from(observations) / started.elapsed().as_secs_f64();
    println!("{workload:<13}  {students:>8}  {observations:>12}  {per_s:>14.0}");
    if episodes == 0 { Err("no student was ever above the line".into()) } else { Ok(()) }
}

fn reference(rows: Rows, schools: &[String], days: &[Date]) -> Result<Reference, Box<dyn Error>> {
    let (first, last) = (days[0], days[SCHOOL_DAYS - 1]);
    let calendar = Calendar::new(SCHOOL_YEAR, first, last, days.iter().copied())?;
    let builder = Reference::builder("r1").default_calendar(calendar).attendance_feed("attendance", rows);
    let year = DateRanges::from((first, last));
    let covered =
        schools.iter().fold(builder, |builder, school| builder.covered("attendance", school, &year));
    Ok(covered.build()?)
}

fn enrolled(school: &str, entry: Date) -> Observation<'_> {
    let value = Some(Enrollment { school, entry, exit: None, grade: Some("09") });
    Observation { feed: "sis", revision: 1, fact: Fact::Enrollment { key: "e1", value } }
}

fn attended(school: &str, date: Date, category: Category) -> Observation<'_> {
    let fact = Fact::Attendance { school, date, value: Some(category) };
    Observation { feed: "attendance", revision: 1, fact }
}

/// Students differ: between none and one in `share` of their rows are absences.
fn category(student: usize, at: usize, share: usize) -> Category {
    match (student * 31 + at * 17) % 64 {
        roll if roll < student % 64 / share => Category::AbsentUnexcused,
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
