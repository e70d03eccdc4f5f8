//! The files that a student information system drops.
//!
//! Student 1001 goes to school 100, student 2001 to school 200 and so on: the first digit says it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

/// A row of attendance: student, school day (1 is the first of the year), code.
pub(crate) type Row = (u32, usize, &'static str);

/// The `n`-th school day of the default calendar, from 1.
pub(crate) fn day(n: usize) -> Date {
    days()[n - 1]
}

/// Every school day of the default calendar.
pub(crate) fn days() -> &'static [Date] {
    static DAYS: LazyLock<Vec<Date>> = LazyLock::new(|| {
        date(2021, 8, 23)
            .series(1.day())
            .take_while(|day| *day <= date(2022, 5, 27))
            .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
            .filter(|day| *day != date(2021, 9, 6))
            .filter(|day| !(date(2021, 12, 18)..=date(2022, 1, 3)).contains(day))
            .collect()
    });
    &DAYS
}

/// The school of a student by its first digit.
pub(crate) fn school(student: u32) -> u32 {
    let mut first = student;
    while first >= 10 {
        first /= 10;
    }
    first * 100
}

/// American style, as most exports write it.
pub(crate) fn us(day: Date) -> String {
    format!("{}/{}/{}", day.month(), day.day(), day.year())
}

pub(crate) const ATTENDANCE_HEADER: &str = "Student_Number,School_ID,Att_Date,Att_Code";
pub(crate) const ENROLLMENT_HEADER: &str =
    "Student_Number,Last_Name,First_Name,DOB,School_ID,Entry_Date,Exit_Date";

/// One line of attendance, without its line end.
pub(crate) fn line((student, n, code): &Row) -> String {
    format!("{student},{},{},{code}", school(*student), us(day(*n)))
}

/// An attendance export with CRLF.
pub(crate) fn attendance(rows: &[Row]) -> String {
    let lines: Vec<String> = rows.iter().map(line).collect();
    csv(ATTENDANCE_HEADER, &lines)
}

/// An enrolment export: everybody since the first day of school.
pub(crate) fn enrollment(students: &[u32]) -> String {
    let lines: Vec<String> = students
        .iter()
        .map(|id| {
            format!("{id},Quillfeather{id},Zebedee{id},2007-03-0{},{},8/23/2021,", id % 9 + 1, school(*id))
        })
        .collect();
    csv(ENROLLMENT_HEADER, &lines)
}

pub(crate) fn csv(header: &str, lines: &[String]) -> String {
    let mut text = format!("{header}\r\n");
    for line in lines {
        write!(text, "{line}\r\n").expect("writing to a string cannot fail");
    }
    text
}

/// The student whose only row, tardy, says how far school 100 has been recorded.
pub(crate) const CLERK: u32 = 1000;

/// School 100 has been recorded through school day `n`.
pub(crate) fn through(n: usize) -> Row {
    (CLERK, n, "T")
}

#[test]
fn school_days_skip_weekends_and_closed_days() {
    assert_eq!((day(1), day(5), day(6)), (date(2021, 8, 23), date(2021, 8, 27), date(2021, 8, 30)));
    assert_eq!(day(11), date(2021, 9, 7), "Labor Day is closed");
    assert_eq!(days().len(), 188);
}
