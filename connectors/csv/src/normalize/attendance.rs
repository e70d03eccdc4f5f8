//! `attendance.daily`: a student's day at a school.

use std::borrow::Cow;

use signalbox_connector::delimited::{Column, DateFormat, Header, Misread, Reader, Row, is_blank};
use signalbox_connector::draft::value_class;
use signalbox_connector::event::Status;
use signalbox_connector::event::rows::{AttendanceCategory, AttendanceRow};
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Claims, Draft, Item, Refusal, Reject, RejectCode};

use super::id::Id;
use super::{Emit, or_map_column, or_set_format};
use crate::config::{AttendanceTable, words};

/// A code up to this long stands in its reject as it is: it is a code, not prose about a student.
const MAX_CODE_CHARS: usize = 12;

pub(super) fn read(
    table: &AttendanceTable,
    reader: &mut Reader<'_>,
    emit: &mut Emit<'_>,
) -> Result<(), Refusal> {
    let rows = Rows::new(table, reader.header()).map_err(or_map_column)?;
    // A caller that breaks has had enough: what was read so far stands.
    let _flow = reader.rows(|row| {
        let draft = match row {
            Ok(row) => rows.draft(&row),
            Err(misread) => rows.of_parts(misread),
        };
        match draft {
            Ok(draft) => emit(Item::Draft(draft)),
            Err(reject) => emit(Item::Reject(reject)),
        }
    })?;
    Ok(())
}

/// The table, found in a header.
struct Rows<'t> {
    student: Id,
    school: Id,
    date: Column,
    date_format: &'t DateFormat,
    /// At least one.
    category: Vec<Column>,
    codes: &'t [(String, AttendanceCategory)],
    blank: Option<AttendanceCategory>,
}

impl<'t> Rows<'t> {
    fn new(table: &'t AttendanceTable, header: &Header) -> Result<Self, Refusal> {
        let mut names = vec![table.student.from.as_str(), &table.school.from, &table.date.from];
        names.extend(table.category.iter().map(String::as_str));
        header.require(&names)?;
        let [student, school, date] =
            header.columns([&table.student.from, &table.school.from, &table.date.from])?;
        let category = table.category.iter().filter_map(|name| header.optional(Some(name)));
        Ok(Self {
            student: Id::new(student, &table.student),
            school: Id::new(school, &table.school),
            date,
            date_format: &table.date.format,
            category: category.collect(),
            codes: &table.codes,
            blank: table.blank,
        })
    }

    fn draft<'r>(&self, row: &Row<'r>) -> Result<Draft<'r>, Reject> {
        self.day(row).map_err(|reject| reject.claiming(self.claims(row)))
    }

    /// A day whose student and date can be read is told of, whatever else is wrong: then it is unknown.
    fn day<'r>(&self, row: &Row<'r>) -> Result<Draft<'r>, Reject> {
        let student = self.student.read(row)?;
        let date = row.date(self.date, self.date_format).map_err(or_set_format)?;
        let (school, no_school) = apart(self.school.read(row));
        let (code, no_code) = apart(self.code(row));
        let category = match (no_school.or(no_code), &code) {
            (None, Some(code)) => self.category(row, code),
            (fault, _) => Err(fault.expect("a code that cannot be read is a fault")),
        };
        let (category, fault) = apart(category);
        let day = Day { student, school, date, category, code };
        Ok(day.draft(row.line(), fault))
    }

    /// The day of a row that cannot be told into its columns, if they can be read: nothing else of it is believed.
    #[cold]
    fn of_parts<'r>(&self, misread: Misread<'r>) -> Result<Draft<'r>, Reject> {
        let claims = misread.parts.as_ref().map(|parts| self.claims(parts)).unwrap_or_default();
        let Claims { student: Some(student), school, date: Some(date) } = claims else {
            return Err(misread.reject.claiming(claims));
        };
        let day = Day { student, school, date, category: None, code: None };
        Ok(day.draft(misread.reject.row.unwrap_or_default(), Some(misread.reject)))
    }

    #[cold]
    fn claims<'r>(&self, row: &Row<'r>) -> Claims<'r> {
        Claims {
            student: self.student.claimed(row),
            school: self.school.claimed(row),
            date: row.date(self.date, self.date_format).ok(),
        }
    }

    fn code<'r>(&self, row: &Row<'r>) -> Result<Code<'r>, Reject> {
        if let [column] = self.category[..] {
            let text = row.line_of(column)?;
            return Ok(Code { is_blank: is_blank(&text), text });
        }
        let cells = self.category.iter().map(|column| row.line_of(*column));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let is_blank = cells.iter().all(|cell| is_blank(cell));
        Ok(Code { is_blank, text: Cow::Owned(cells.join("|")) })
    }

    fn category(&self, row: &Row<'_>, code: &Code<'_>) -> Result<AttendanceCategory, Reject> {
        match self.codes.binary_search_by(|(mapped, _)| mapped.as_str().cmp(&code.text)) {
            Ok(at) => Ok(self.codes[at].1),
            Err(_) if code.is_blank => self.blank.ok_or_else(|| self.missing(row)),
            Err(_) => Err(self.unmapped(row, &code.text)),
        }
    }

    #[cold]
    fn missing(&self, row: &Row<'_>) -> Reject {
        let mut reject = row.missing(self.category[0]);
        reject.help.push_str("; or say under codes.category of this feed what blank means");
        reject
    }

    #[cold]
    fn unmapped(&self, row: &Row<'_>, code: &str) -> Reject {
        let column = self.category[0];
        let (shown, which) = if is_plain(code) {
            (code.to_owned(), format!("\"{code}\""))
        } else {
            let class = value_class(code);
            let which = format!("what \"{}\" says where it looks like \"{class}\"", row.name(column));
            (class, which)
        };
        let help = format!("Map {which} under codes.category of this feed, as one of {}", words());
        let mut reject = row.reject(column, RejectCode::UnmappedCode, code, help);
        reject.value_class = shown;
        reject
    }
}

/// What can be read of a row.
struct Day<'r> {
    student: Cow<'r, str>,
    school: Option<Cow<'r, str>>,
    date: Date,
    /// `None`: it is not known how the day was spent.
    category: Option<AttendanceCategory>,
    code: Option<Code<'r>>,
}

impl<'r> Day<'r> {
    fn draft(self, line: u64, fault: Option<Reject>) -> Draft<'r> {
        let Self { student, school, date, category, code } = self;
        let claims = Claims { student: Some(student), school, date: Some(date) };
        let fault = fault.map(|fault| Box::new(fault.claiming(claims.clone())));
        let day = AttendanceRow {
            school: Cow::default(),
            date: date.into(),
            category: category.unwrap_or(AttendanceCategory::Unknown),
            source_code: code.filter(|code| !code.is_blank).map(|code| code.text),
        };
        let (status, left_out) = (Status::Active, Vec::new());
        Draft { file: None, row: line, status, claims, body: day.into(), fault, left_out }
    }
}

/// What the row writes for a category; several columns joined.
struct Code<'r> {
    text: Cow<'r, str>,
    is_blank: bool,
}

/// A value, or why there is none.
fn apart<T>(value: Result<T, Reject>) -> (Option<T>, Option<Reject>) {
    match value {
        Ok(value) => (Some(value), None),
        Err(reject) => (None, Some(reject)),
    }
}

fn is_plain(code: &str) -> bool {
    code.len() <= MAX_CODE_CHARS
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'|'))
}
