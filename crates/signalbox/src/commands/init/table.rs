//! What a CSV file seems to be, from its header and its first rows.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::Date;
use signalbox_event::data::AttendanceCategory;

use super::written::{self, Written};

/// A file that can be mapped.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) kind: Kind,
    /// Where it is not UTF-8, and not separated by commas.
    pub(super) encoding: Option<&'static str>,
    pub(super) delimiter: Option<&'static str>,
    /// (key under `columns:`, column's name, `strptime` format of a date that is not ISO 8601).
    pub(super) columns: Vec<Mapped>,
    /// Attendance: each code and what it probably means.
    pub(super) codes: Vec<(String, Option<AttendanceCategory>)>,
    /// Earliest and latest school day or entry date.
    pub(super) dates: Option<(Date, Date)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Enrollment,
    Attendance,
}

#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) key: &'static str,
    pub(super) column: String,
    pub(super) format: Option<&'static str>,
    /// Words in it for no date.
    pub(super) none: Vec<&'static str>,
}

/// What databases write where there is no date.
const NO_DATES: [&str; 5] = ["0/0/0", "00/00/0000", "0000-00-00", "12/31/9999", "9999-12-31"];

/// A column with more different values holds no codes.
const MOST_CODES: usize = 30;

/// Names that columns go by, without case and punctuation; the likelier first.
const NAMES: &[(&str, &[&str])] = &[
    (
        "student",
        &[
            "studentnumber",
            "studentid",
            "studentuniqueid",
            "studentlocalid",
            "localid",
            "stuid",
            "permid",
            "student",
        ],
    ),
    ("school", &["schoolid", "schoolnumber", "schoolcode", "buildingid", "campusid", "siteid", "school"]),
    ("date", &["attdate", "attendancedate", "absencedate", "eventdate", "calendardate", "date"]),
    (
        "category",
        &[
            "attcode",
            "attendancecode",
            "absencecode",
            "attendanceeventcategory",
            "attendancestatus",
            "code",
            "category",
        ],
    ),
    ("entry", &["entrydate", "enrollmentdate", "enrolldate", "startdate", "begindate", "admissiondate"]),
    ("exit", &["exitdate", "withdrawaldate", "withdrawdate", "leavedate", "exitwithdrawdate", "enddate"]),
    ("last_name", &["lastname", "familyname", "surname", "lastsurname"]),
    ("first_name", &["firstname", "givenname"]),
    ("birth_date", &["dob", "birthdate", "dateofbirth"]),
    ("grade", &["grade", "gradelevel"]),
];

const ENROLLMENT: &[&str] =
    &["student", "last_name", "first_name", "birth_date", "school", "grade", "entry", "exit"];
const ATTENDANCE: &[&str] = &["student", "school", "date", "category"];
const DATES: &[&str] = &["date", "entry", "exit", "birth_date"];

/// Formats in use, the likelier in the United States first.
const FORMATS: &[&str] =
    &["%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%m-%d-%Y", "%d.%m.%Y", "%Y%m%d", "%m/%d/%y"];

const MEANINGS: &[(AttendanceCategory, &[&str])] = &[
    (AttendanceCategory::Present, &["p", "present"]),
    (AttendanceCategory::PresentRemote, &["r", "remote", "presentremote"]),
    (AttendanceCategory::Tardy, &["t", "tar", "tardy", "l", "late"]),
    (AttendanceCategory::EarlyDeparture, &["ed", "earlydeparture", "earlydismissal"]),
    (AttendanceCategory::AbsentExcused, &["e", "ex", "exc", "ae", "excused", "excusedabsence"]),
    (
        AttendanceCategory::AbsentUnexcused,
        &["a", "u", "au", "ua", "une", "unx", "unexcused", "unexcusedabsence"],
    ),
    (AttendanceCategory::AbsentHalfDay, &["h", "hd", "half", "halfday"]),
];

/// Looks at a file; `Err` says why nothing can be done with it.
pub(super) fn look(path: &Path) -> Result<Table, String> {
    let Written { encoding, delimiter, header, rows, kind: (kind, keys) } = written::read(path)?;
    let values = |key: &str| {
        let at = column(&header, key).expect("asked for mapped columns only");
        rows.iter()
            .filter_map(move |row| row.get(at))
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    };
    let main_date = if kind == Kind::Attendance { "date" } else { "entry" };
    let columns: Vec<Mapped> = keys
        .iter()
        .filter_map(|key| {
            let at = column(&header, key)?;
            // A column without a value yet is written as its neighbour is.
            let like = if values(key).next().is_none() { main_date } else { key };
            let is_date = DATES.contains(key);
            let dates = values(like).filter(|value| !NO_DATES.contains(value));
            let format = if is_date { format_of(dates) } else { None };
            let none =
                NO_DATES.into_iter().filter(|none| *key == "exit" && values(key).any(|value| value == *none));
            Some(Mapped { key, column: header[at].clone(), format, none: none.collect() })
        })
        .collect();
    let format = columns.iter().find(|mapped| mapped.key == main_date).and_then(|mapped| mapped.format);
    let dates = span(values(main_date).filter_map(|value| parse(value, format.unwrap_or(FORMATS[0]))));
    let codes = if kind == Kind::Attendance { codes(values("category")) } else { Vec::new() };
    Ok(Table { kind, encoding, delimiter, columns, codes, dates })
}

/// What the header's columns make of the file, and which keys they may be mapped to.
pub(super) fn kind(header: &[String]) -> Option<(Kind, &'static [&'static str])> {
    let has = |keys: &[&str]| keys.iter().all(|key| column(header, key).is_some());
    if has(ATTENDANCE) {
        Some((Kind::Attendance, ATTENDANCE))
    } else if has(&["student", "school", "entry"]) {
        Some((Kind::Enrollment, ENROLLMENT))
    } else {
        None
    }
}

/// Which column of the header a key probably means.
fn column(header: &[String], key: &str) -> Option<usize> {
    let (_, names) = NAMES.iter().find(|(known, _)| *known == key)?;
    names.iter().find_map(|name| header.iter().position(|column| letters(column) == *name))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The format that fits every value; `None` when that is ISO 8601, or when none fits.
fn format_of<'a>(values: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let mut fitting: Vec<&'static str> = FORMATS.to_vec();
    for value in values {
        fitting.retain(|format| parse(value, format).is_some());
    }
    fitting.first().copied().filter(|format| *format != FORMATS[0])
}

fn parse(value: &str, format: &str) -> Option<Date> {
    Date::strptime(format, value).ok().filter(|date| date.year() > 1900)
}

fn span(dates: impl Iterator<Item = Date>) -> Option<(Date, Date)> {
    dates.fold(None, |span, date| match span {
        None => Some((date, date)),
        Some((first, last)) => Some((date.min(first), date.max(last))),
    })
}

fn codes<'a>(values: impl Iterator<Item = &'a str>) -> Vec<(String, Option<AttendanceCategory>)> {
    let mut codes = BTreeSet::new();
    for value in values {
        codes.insert(value);
        if codes.len() > MOST_CODES {
            return Vec::new();
        }
    }
    codes.into_iter().map(|code| (code.to_owned(), meaning(code))).collect()
}

fn meaning(code: &str) -> Option<AttendanceCategory> {
    let code = letters(code);
    MEANINGS.iter().find(|(_, codes)| codes.contains(&code.as_str())).map(|(category, _)| *category)
}
