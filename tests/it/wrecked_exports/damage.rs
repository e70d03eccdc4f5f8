//! What can be wrong with one row, and what can still be read of it.

use super::export::{BAD_BYTE, Claims, Line, Reads};
use crate::drops;

/// A way to spoil a row of attendance.
pub(super) const OF_ATTENDANCE: &[&str] = &[
    "date as D-M-YYYY",
    "date as YYYY-MM-DD",
    "year with two digits",
    "date as an Excel number",
    "date blank",
    "date on a Saturday",
    "date ahead",
    "id with one zero more",
    "id without its zero",
    "id ends in .0",
    "id as 1.001E+03",
    "id of nobody",
    "id blank",
    "code blank",
    "code without a meaning",
    "code in bad bytes",
    "school blank",
    "school of nobody",
    "quote not closed",
    "comma too many",
    "stands twice and disagrees",
];

/// A way to spoil a row of enrolment.
pub(super) const OF_ROSTER: &[&str] = &[
    "date as D-M-YYYY",
    "date as an Excel number",
    "date blank",
    "id of nobody",
    "id blank",
    "school blank",
    "quote not closed",
    "comma too many",
    "name in bad bytes",
    "birth date 0/0/0",
    "birth date blank",
];

/// A way to spoil each row of a file.
pub(super) const OF_ALL_DATES: &[&str] =
    &["date as an Excel number", "date as D/M/YYYY", "date as YYYY-MM-DD", "date as D-M-YYYY"];

/// Spoils a row of attendance. Some ways give a second row.
pub(super) fn spoil_attendance(line: &mut Line, kind: &'static str) -> Option<Line> {
    let (student, school) = (line.student, Some(line.school));
    let known = Claims { student, school, day: Some(line.day) };
    match kind {
        "code blank" => said(line, 3, String::new(), Reads::NotTheCode),
        "code without a meaning" => said(line, 3, "Q".to_owned(), Reads::NotTheCode),
        "code in bad bytes" => said(line, 3, format!("A{BAD_BYTE}"), Reads::NotTheCode),
        "school blank" => said(line, 1, String::new(), Reads::NotTheSchool),
        "school of nobody" => said(line, 1, "999".to_owned(), Reads::NotTheSchool),
        "stands twice and disagrees" => {
            let mut other = line.clone();
            (if other.is_absence() { "T" } else { "A" }).clone_into(&mut other.cells[3]);
            return Some(other);
        }
        "date on a Saturday" | "date ahead" => {
            let claims = Claims { student, school: None, day: None };
            said(line, 2, date_as(kind, line.day), Reads::Not { claims, kind });
        }
        _ if kind.starts_with("date") || kind.starts_with("year") => {
            let cell = date_as(kind, line.day);
            said(line, 2, cell, Reads::Not { claims: Claims { day: None, ..known }, kind });
        }
        _ if kind.starts_with("id") => {
            let (cell, would_be_one) = id_as(kind, &line.cells[0]);
            let student = student.filter(|_| would_be_one);
            said(line, 0, cell, Reads::Not { claims: Claims { student, ..known }, kind });
        }
        _ => split_wrong(line, kind),
    }
    None
}

/// Spoils a row of enrolment.
pub(super) fn spoil_enrollment(line: &mut Line, kind: &'static str) {
    let (student, school) = (line.student, Some(line.school));
    let not = |student, school| Reads::Not { claims: Claims { student, school, day: None }, kind };
    match kind {
        "id of nobody" => said(line, 0, format!("7{}", &line.cells[0]), Reads::OfAnother),
        "id blank" => said(line, 0, String::new(), not(None, school)),
        "school blank" => said(line, 4, String::new(), not(student, None)),
        // Only what is required rejects a row.
        "name in bad bytes" => said(line, 1, format!("Quillfeather{BAD_BYTE}"), Reads::Fully),
        "birth date 0/0/0" => said(line, 3, "0/0/0".to_owned(), Reads::Fully),
        "birth date blank" => said(line, 3, String::new(), Reads::Fully),
        _ if kind.starts_with("date") => {
            let cell = date_as(kind, line.window.0);
            said(line, 5, cell, not(student, school));
        }
        _ => split_wrong(line, kind),
    }
}

fn said(line: &mut Line, cell: usize, text: String, reads: Reads) {
    line.cells[cell] = text;
    line.reads = reads;
}

/// Whether the row reads well, on a day that counts nowhere: that it is missing on its own day nobody can know.
pub(super) fn counts_nowhere(kind: &str) -> bool {
    ["date on a Saturday", "date ahead"].contains(&kind)
}

/// The row cannot be told into its columns. What of it stands in its place depends on how the file is written.
fn split_wrong(line: &mut Line, kind: &'static str) {
    let cell = match kind {
        "quote not closed" => format!("\"{}", line.cells[2]),
        "comma too many" => format!("{}, Jr", line.cells[2]),
        other => panic!("no way to spoil a row: {other}"),
    };
    said(line, 2, cell, Reads::Not { claims: Claims::default(), kind });
}

fn date_as(kind: &str, day: usize) -> String {
    let date = drops::day(day);
    let (y, m, d) = (date.year(), date.month(), date.day());
    match kind {
        "date as D-M-YYYY" => format!("{d}-{m}-{y}"),
        "date as D/M/YYYY" => format!("{d}/{m}/{y}"),
        "date as YYYY-MM-DD" => date.to_string(),
        "year with two digits" => format!("{m}/{d}/{}", y % 100),
        // Excel counts from 1899-12-30; this is 2021-08-23.
        "date as an Excel number" => {
            let days = (date - drops::day(1)).get_days();
            (44_431 + days).to_string()
        }
        "date blank" => String::new(),
        "date on a Saturday" => {
            drops::us(date.nth_weekday(-1, jiff::civil::Weekday::Saturday).expect("a week before"))
        }
        "date ahead" => drops::us(drops::day(day + 90)),
        other => panic!("no way to write a date: {other}"),
    }
}

/// The id so written, and whether it would be the student's but for its shape.
pub(super) fn id_as(kind: &str, id: &str) -> (String, bool) {
    match kind {
        "id with one zero more" => (format!("0{id}"), true),
        "id without its zero" => (id.trim_start_matches('0').to_owned(), true),
        "id ends in .0" => (format!("{id}.0"), true),
        "id as 1.001E+03" => {
            let digits = id.trim_start_matches('0');
            (format!("{}.{}E+03", &digits[..1], &digits[1..]), false)
        }
        "id of nobody" => (format!("9{id}"), false),
        "id blank" => (String::new(), false),
        other => panic!("no way to write an id: {other}"),
    }
}
