//! The district that is loaded: a roster of record and a year's attendance by exception, both CSV.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

use crate::random::Random;

/// Attendance rows of each student: seventeen absences and tardies make a bad year, and a file of 1.7 M rows of a
/// hundred thousand students.
pub(crate) const ROWS_EACH: u32 = 17;

pub(crate) const DISTRICT: &str = "bench";
pub(crate) const SCHOOLS: u32 = 100;
/// A Monday.
pub(crate) const FIRST_DAY: Date = date(2021, 8, 23);
const LAST_DAY: Date = date(2022, 5, 27);
const CODES: [char; 4] = ['A', 'E', 'T', 'H'];

/// The evening after the last school day: the whole year is covered.
pub(crate) const NOW: &str = "2022-05-28T01:00:00Z";

const FEEDS: &str = r#"district: {id: bench, timezone: America/Chicago, secret: "SECRET[env.SIGNALBOX_SECRET]"}
data_dir: ./var
calendars: [{schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27}]
feeds:
  - name: enrollment
    roster_of_record: true
    csv: {path: "./drop/enrollment*.csv", entity: roster.enrollment, covers: school_year, absent_rows: end,
          columns: {student: Student_Number, last_name: Last_Name, first_name: First_Name, school: School_ID, grade: Grade,
                    entry: {from: Entry_Date, format: "%m/%d/%Y"}}}
  - name: attendance
    mode: history
    csv: {path: "./drop/attendance*.csv", entity: attendance.daily, rows: exceptions, covers: school_year, absent_rows: end,
          columns: {student: Student_Number, school: School_ID, date: {from: Att_Date, format: "%m/%d/%Y"}, category: Att_Code},
          codes: {category: {A: absent_unexcused, E: absent_excused, T: tardy, H: absent_half_day}}}
"#;

const RISK: &str = "risk: {packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}\n";

/// Two more domains, and the rules that hear them.
const BESIDE: &str = r#"  - name: grades
    csv: {path: "./drop/grades*.csv", entity: gradebook.course_grade, covers: school_year, absent_rows: end,
          columns: {student: Student, school: School, class: Class, term: Term, kind: Kind, grade: Grade},
          codes: {kind: {P: posted}}}
  - name: incidents
    csv: {path: "./drop/incidents*.csv", entity: behavior.incident, covers: school_year, absent_rows: end,
          columns: {incident: Incident, student: Student, school: School, date: {from: Date, format: "%m/%d/%Y"}, category: Level},
          codes: {category: {M: major}}}
risk:
  rules:
    - {rule: chronic-absence, min_days: 20, enter: 10%, leave: 9%}
    - {rule: course-failure, kind: posted, below: 60}
    - {rule: behavior, categories: [major], at_least: 4, within: {school_days: 45}}
"#;

/// A district's folder.
#[derive(Debug)]
pub(crate) struct District {
    folder: PathBuf,
    students: u32,
    /// `None`: the hub is embedded.
    pub(crate) database_url: Option<String>,
}

#[derive(Clone, Copy)]
struct Row {
    student: u32,
    day: u16,
    code: u8,
}

impl District {
    pub(crate) fn new(folder: PathBuf, students: u32) -> io::Result<Self> {
        fs::create_dir_all(folder.join("drop"))?;
        fs::write(folder.join("signalbox.yaml"), format!("{FEEDS}{RISK}"))?;
        Ok(Self { folder, students, database_url: None })
    }

    /// With feeds of grades and incidents, and their rules.
    pub(crate) fn with_all_domains(folder: PathBuf, students: u32) -> io::Result<Self> {
        let district = Self::new(folder, students)?;
        fs::write(district.config(), format!("{FEEDS}{BESIDE}"))?;
        Ok(district)
    }

    /// Of a hub on servers, whose sections of the configuration these are.
    pub(crate) fn on(folder: PathBuf, students: u32, sections: &str, url: String) -> io::Result<Self> {
        let district = Self { database_url: Some(url), ..Self::new(folder, students)? };
        fs::write(district.config(), format!("{FEEDS}{RISK}{sections}"))?;
        Ok(district)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("signalbox.yaml")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.join("var")
    }

    pub(crate) fn attendance_rows(&self) -> u64 {
        u64::from(self.students) * u64::from(ROWS_EACH)
    }

    /// The file of `seed`, once it was dropped.
    pub(crate) fn attendance_file(&self, seed: u64) -> PathBuf {
        self.folder.join("drop").join(attendance_name(seed))
    }

    /// Drops the roster.
    pub(crate) fn enroll(&self) -> io::Result<()> {
        drop_file(&self.folder, "enrollment.csv", |out| {
            writeln!(out, "Student_Number,Last_Name,First_Name,School_ID,Grade,Entry_Date")?;
            (0..self.students).try_for_each(|student| {
                let (id, school, grade) = (id(student), school(student), student % 13);
                writeln!(out, "{id},Family{student},Given{student},{school},{grade:02},08/23/2021")
            })
        })
    }

    /// Drops the year's attendance: always the same rows but for the codes of the first `changed`, in an order of
    /// `seed`'s own.
    pub(crate) fn attend(&self, seed: u64, changed: usize) -> io::Result<()> {
        let days = school_days();
        let mut rows = rows(self.students, days.len());
        for row in rows.iter_mut().take(changed) {
            row.code = (row.code + 1) % CODES.len() as u8;
        }
        Random::new(seed).shuffle(&mut rows);
        drop_file(&self.folder, &attendance_name(seed), |out| {
            writeln!(out, "Student_Number,School_ID,Att_Date,Att_Code")?;
            rows.iter().try_for_each(|row| {
                let (id, school) = (id(row.student), school(row.student));
                let code = CODES[usize::from(row.code)];
                writeln!(out, "{id},{school},{},{code}", days[usize::from(row.day)])
            })
        })
    }
}

fn attendance_name(seed: u64) -> String {
    format!("attendance-{seed:03}.csv")
}

fn id(student: u32) -> u32 {
    1_000_000 + student
}

fn school(student: u32) -> u32 {
    100 + student % SCHOOLS
}

/// Each student's rows, on days of their own.
fn rows(students: u32, days: usize) -> Vec<Row> {
    let mut rows = Vec::with_capacity(students as usize * ROWS_EACH as usize);
    let mut days: Vec<u16> = (0..days as u16).collect();
    let mut random = Random::new(0);
    for student in 0..students {
        for at in 0..ROWS_EACH as usize {
            let other = at + random.below((days.len() - at) as u64) as usize;
            days.swap(at, other);
            rows.push(Row { student, day: days[at], code: random.below(CODES.len() as u64) as u8 });
        }
    }
    rows
}

/// The weekdays of the school year, as the file writes them.
fn school_days() -> Vec<String> {
    let is_weekday = |day: &Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let days = FIRST_DAY.series(1.day()).take_while(|day| *day <= LAST_DAY).filter(is_weekday);
    days.map(|day| day.strftime("%m/%d/%Y").to_string()).collect()
}

/// Writes a file beside the drop folder and moves it there when it is whole.
fn drop_file(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let half = folder.join("half-written");
    let mut out = BufWriter::new(File::create(&half)?);
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(half, folder.join("drop").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seeds_drop_the_same_rows_in_another_order() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let district = District::new(folder.path().to_owned(), 50).expect("writes");
        let text = |seed| {
            district.attend(seed, 0).expect("writes");
            fs::read_to_string(district.attendance_file(seed)).expect("reads")
        };
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let (one, two) = (text(1), text(2));
        assert_ne!(one, two);
        assert_eq!(sorted(&one), sorted(&two));
        assert_eq!(one, text(1), "a seed gives the same file each time");
        let mut keys: Vec<_> = one.lines().skip(1).map(|line| &line[..line.len() - 2]).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len() as u64, district.attendance_rows(), "no student has a day twice");
    }
}
