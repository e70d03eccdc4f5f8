//! The two files of a night: rows that know what they say, and how they are written.

use super::district::{SCHOOLS, Student, Truth, is_absence};
use crate::drops;

/// In a cell: a byte that is no UTF-8.
pub(super) const BAD_BYTE: char = '\u{E000}';

const ATTENDANCE: [&str; 5] = ["Student_Number", "School_ID", "Att_Date", "Att_Code", "Teacher"];
const ENROLLMENT: [&str; 7] =
    ["Student_Number", "Last_Name", "First_Name", "DOB", "School_ID", "Entry_Date", "Exit_Date"];

/// What can still be read of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reads {
    /// All that counts.
    Fully,
    /// Attendance: student, school and day, but not the code.
    NotTheCode,
    /// Attendance: student, day and code, but not the school.
    NotTheSchool,
    /// Nothing is said; it may be the row that seems to be missing. `kind` names the fault.
    Not { claims: Claims, kind: &'static str },
    /// Enrolment: it is about another student.
    OfAnother,
}

/// Whom an unusable row can be about, as far as that can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claims {
    pub(super) student: Option<usize>,
    pub(super) school: Option<usize>,
    pub(super) day: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) cells: Vec<String>,
    /// The student, a place in [`Truth::students`]; `None`: a footer and the like.
    pub(super) student: Option<usize>,
    pub(super) school: usize,
    /// Attendance: the school day.
    pub(super) day: usize,
    pub(super) reads: Reads,
    /// Enrolment: first and last school day. Attendance: unused.
    pub(super) window: (usize, Option<usize>),
}

impl Line {
    /// Attendance: whether the row says absent.
    pub(super) fn is_absence(&self) -> bool {
        self.cells.get(3).and_then(|code| code.chars().next()).is_some_and(is_absence)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf8Mark,
    Utf16LeMark,
    Utf16BeMark,
    Utf16NoMark,
    Windows1252,
}

/// How the rows are written.
#[derive(Debug, Clone)]
pub(super) struct Style {
    pub(super) encoding: Encoding,
    pub(super) delimiter: &'static str,
    pub(super) line_end: &'static str,
    /// The places of the columns in the file.
    pub(super) order: Vec<usize>,
    pub(super) lower_header: bool,
    pub(super) header_ends_in: &'static str,
    pub(super) rows_end_in: &'static str,
    /// Whole bytes in place of everything.
    pub(super) instead: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub(super) struct Export {
    header: &'static [&'static str],
    pub(super) lines: Vec<Line>,
    pub(super) style: Style,
}

impl Export {
    pub(super) fn attendance(truth: &Truth) -> Self {
        let line = |((student, day), code): (&(usize, usize), &char)| {
            let who = &truth.students[*student];
            let date = drops::us(drops::day(*day));
            let teacher = if student % 7 == 0 { "Nu\u{f1}ez" } else { "Smith" };
            let cells = [&who.id, SCHOOLS[who.school], &date, &code.to_string(), teacher].map(str::to_owned);
            Line { day: *day, ..of(*student, who, cells.to_vec()) }
        };
        Self::new(&ATTENDANCE, truth.codes.iter().map(line).collect())
    }

    pub(super) fn roster(truth: &Truth) -> Self {
        let line = |(at, who): (usize, &Student)| {
            let last = format!("Quillfeather{}", if at % 5 == 0 { "\u{e9}" } else { "" });
            let entry = drops::us(drops::day(who.entry));
            let exit = who.exit.map(|day| drops::us(drops::day(day))).unwrap_or_default();
            let birth = format!("3/{}/2007", at % 28 + 1);
            let first = format!("Zebedee{at}");
            let cells = [&who.id, &last, &first, &birth, SCHOOLS[who.school], &entry, &exit];
            of(at, who, cells.map(str::to_owned).to_vec())
        };
        Self::new(&ENROLLMENT, truth.students.iter().enumerate().map(line).collect())
    }

    fn new(header: &'static [&'static str], lines: Vec<Line>) -> Self {
        let style = Style {
            encoding: Encoding::Utf8,
            delimiter: ",",
            line_end: "\r\n",
            order: (0..header.len()).collect(),
            lower_header: false,
            header_ends_in: "",
            rows_end_in: "",
            instead: None,
        };
        Self { header, lines, style }
    }

    pub(super) fn is_attendance(&self) -> bool {
        self.header.len() == ATTENDANCE.len()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let style = &self.style;
        if let Some(text) = style.instead {
            return text.as_bytes().to_vec();
        }
        let row = |cells: &[String], end: &str| {
            let cells: Vec<&str> = style.order.iter().map(|at| cells[*at].as_str()).collect();
            cells.join(style.delimiter) + end + style.line_end
        };
        let header: Vec<String> = self.header.iter().map(|name| self.name(name)).collect();
        let mut text = row(&header, style.header_ends_in);
        for line in &self.lines {
            let whole = line.cells.len() == self.header.len();
            text += &if whole { row(&line.cells, style.rows_end_in) } else { line.cells.join(",") + "\r\n" };
        }
        encoded(&text, style.encoding)
    }

    /// Of a row with a comma too many, what stands before that; of one that is cut, the first cell: whether the second is whole,
    /// nobody knows.
    pub(super) fn tell_what_stands_in_its_place(&mut self) {
        let (is_attendance, order) = (self.is_attendance(), &self.style.order);
        let place = |column: usize| order.iter().position(|at| *at == column);
        let before_comma = |column: usize| place(column) <= place(2);
        let school = if is_attendance { 1 } else { 4 };
        for line in &mut self.lines {
            let Reads::Not { kind, .. } = line.reads else { continue };
            let (has_student, has_school) = match kind {
                "comma too many" => (before_comma(0), before_comma(school)),
                "cut in the middle" => (order[0] == 0, false),
                _ => continue,
            };
            line.reads = match (has_student, has_school, kind) {
                (true, true, "comma too many") if is_attendance => Reads::NotTheCode,
                (true, false, "comma too many") if is_attendance => Reads::NotTheSchool,
                (true, ..) => {
                    let school = Some(line.school).filter(|_| has_school);
                    Reads::Not { claims: Claims { student: line.student, school, day: None }, kind }
                }
                (false, ..) => continue,
            };
        }
    }

    fn name(&self, name: &str) -> String {
        if self.style.lower_header { name.to_lowercase() } else { name.to_owned() }
    }
}

fn of(at: usize, who: &Student, cells: Vec<String>) -> Line {
    let window = (who.entry, who.exit);
    Line { cells, student: Some(at), school: who.school, day: 0, reads: Reads::Fully, window }
}

fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    match encoding {
        Encoding::Utf8 => narrow(text, |c| c.to_string().into_bytes()),
        Encoding::Utf8Mark => narrow(&format!("\u{feff}{text}"), |c| c.to_string().into_bytes()),
        Encoding::Windows1252 => narrow(text, |c| vec![u8::try_from(u32::from(c)).expect("Latin 1")]),
        Encoding::Utf16NoMark => wide(u16::to_le_bytes),
        Encoding::Utf16LeMark => [vec![0xFF, 0xFE], wide(u16::to_le_bytes)].concat(),
        Encoding::Utf16BeMark => [vec![0xFE, 0xFF], wide(u16::to_be_bytes)].concat(),
    }
}

fn narrow(text: &str, bytes: impl Fn(char) -> Vec<u8>) -> Vec<u8> {
    text.chars().flat_map(|c| if c == BAD_BYTE { vec![0xFF] } else { bytes(c) }).collect()
}
