//! `attendance.daily`: a student's day at a school.

use std::borrow::Cow;

use signalbox_connector::delimited::{Column, DateFormat, Header, Reader, Row};
use signalbox_connector::draft::value_class;
use signalbox_connector::event::Status;
use signalbox_connector::event::data::AttendanceCategory;
use signalbox_connector::{Draft, Item, Record, Refusal, Reject, RejectCode};

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
    let _flow = reader.rows(|row| match row.and_then(|row| rows.draft(&row)) {
        Ok(draft) => emit(Item::Draft(draft)),
        Err(reject) => emit(Item::Reject(reject)),
    })?;
    Ok(())
}

/// The table, found in a header.
struct Rows<'t> {
    student: Column,
    school: Column,
    date: Column,
    date_format: &'t DateFormat,
    category: Column,
    codes: &'t [(String, AttendanceCategory)],
}

impl<'t> Rows<'t> {
    fn new(table: &'t AttendanceTable, header: &Header) -> Result<Self, Refusal> {
        let [student, school, date, category] =
            header.columns([&table.student, &table.school, &table.date.from, &table.category])?;
        Ok(Self { student, school, date, date_format: &table.date.format, category, codes: &table.codes })
    }

    fn draft<'r>(&self, row: &Row<'r>) -> Result<Draft<'r>, Reject> {
        let student = row.id(self.student)?;
        let school = row.id(self.school)?;
        let date = row.date(self.date, self.date_format).map_err(or_set_format)?;
        let code = row.text(self.category)?;
        if code.is_empty() {
            return Err(row.missing(self.category));
        }
        let (category, fault) = match self.codes.binary_search_by(|(mapped, _)| mapped.as_str().cmp(code)) {
            Ok(at) => (self.codes[at].1, None),
            Err(_) => (AttendanceCategory::Unknown, Some(self.unmapped(row, code))),
        };
        let record = Record::Attendance {
            student: Cow::Borrowed(student),
            school: Some(Cow::Borrowed(school)),
            date,
            category,
            source_code: Some(Cow::Borrowed(code)),
        };
        Ok(Draft { file: None, row: row.line(), status: Status::Active, record, fault, left_out: Vec::new() })
    }

    #[cold]
    fn unmapped(&self, row: &Row<'_>, code: &str) -> Reject {
        let (shown, which) = if is_plain(code) {
            (code.to_owned(), format!("\"{code}\""))
        } else {
            let class = value_class(code);
            let which = format!("what \"{}\" says where it looks like \"{class}\"", row.name(self.category));
            (class, which)
        };
        let help = format!("Map {which} under codes.category of this feed, as one of {}", words());
        let mut reject = row.reject(self.category, RejectCode::UnmappedCode, code, help);
        reject.value_class = shown;
        reject
    }
}

fn is_plain(code: &str) -> bool {
    code.len() <= MAX_CODE_CHARS
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
