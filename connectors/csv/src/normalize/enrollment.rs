//! `roster.enrollment`: a student's enrolment at a school. Each row also says that the school and the student exist.

use std::borrow::Cow;

use signalbox_connector::delimited::{Column, DateFormat, Header, Reader, Row};
use signalbox_connector::draft::{Field, LeftOut, kept};
use signalbox_connector::event::rows::{EnrollmentRow, SchoolRow, StudentRow};
use signalbox_connector::event::{Body, Status};
use signalbox_connector::jiff::Span;
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Claims, Draft, Item, Refusal, Reject, RejectCode};

use super::id::Id;
use super::{Emit, or_map_column, or_set_format};
use crate::config::{DateColumn, EnrollmentTable};

pub(super) fn read(
    table: &EnrollmentTable,
    reader: &mut Reader<'_>,
    emit: &mut Emit<'_>,
) -> Result<(), Refusal> {
    let rows = Rows::new(table, reader.header()).map_err(or_map_column)?;
    // A caller that breaks has had enough: what was read so far stands.
    let _flow = reader.rows(|row| {
        let drafts = match row {
            Ok(row) => rows.drafts(&row),
            Err(misread) => Err(misread.claiming(|parts| rows.claims(parts))),
        };
        match drafts {
            Ok(drafts) => drafts.into_iter().try_for_each(|draft| emit(Item::Draft(draft))),
            Err(reject) => emit(Item::Reject(reject)),
        }
    })?;
    Ok(())
}

/// A date column, found in a header.
struct Dates<'t> {
    column: Option<Column>,
    table: Option<&'t DateColumn>,
}

impl<'t> Dates<'t> {
    fn new(table: Option<&'t DateColumn>, header: &Header) -> Self {
        Self { column: table.and_then(|table| header.optional(Some(&table.from))), table }
    }

    /// The date as it is written; words for none are none.
    fn read(&self, row: &Row<'_>) -> Result<Option<Date>, Reject> {
        let (Some(text), Some(table)) = (row.optional(self.column)?, self.table) else { return Ok(None) };
        if table.none.iter().any(|word| word == text) {
            return Ok(None);
        }
        row.optional_date(self.column, &table.format).map_err(or_set_format)
    }

    /// The last day in that a written date says.
    fn last_day(&self, written: Date) -> Date {
        let exclusive = self.table.is_some_and(|table| table.exclusive);
        if exclusive { written.saturating_sub(Span::new().days(1)) } else { written }
    }
}

/// The table, found in a header.
struct Rows<'t> {
    student: Id,
    school: Id,
    entry: Column,
    entry_format: &'t DateFormat,
    exit: Dates<'t>,
    grade: Option<Column>,
    last_name: Option<Column>,
    first_name: Option<Column>,
    birth_date: Dates<'t>,
}

impl<'t> Rows<'t> {
    fn new(table: &'t EnrollmentTable, header: &Header) -> Result<Self, Refusal> {
        header.require(&table.names())?;
        let [student, school, entry] =
            header.columns([&table.student.from, &table.school.from, &table.entry.from])?;
        Ok(Self {
            student: Id::new(student, &table.student),
            school: Id::new(school, &table.school),
            entry,
            entry_format: &table.entry.format,
            exit: Dates::new(table.exit.as_ref(), header),
            grade: header.optional(table.grade.as_deref()),
            last_name: header.optional(table.last_name.as_deref()),
            first_name: header.optional(table.first_name.as_deref()),
            birth_date: Dates::new(table.birth_date.as_ref(), header),
        })
    }

    fn drafts<'r>(&self, row: &Row<'r>) -> Result<[Draft<'r>; 3], Reject> {
        self.rows(row).map_err(|reject| reject.claiming(self.claims(row)))
    }

    /// Only what names student, school and entry rejects a row; another value that cannot be read is left out.
    fn rows<'r>(&self, row: &Row<'r>) -> Result<[Draft<'r>; 3], Reject> {
        let (id, school) = (self.student.read(row)?, self.school.read(row)?);
        let entry = row.date(self.entry, self.entry_format).map_err(or_set_format)?;
        let (mut of_student, mut of_enrollment) = (Vec::new(), Vec::new());
        let exit = kept(self.exit.read(row), Field::Exit, &mut of_enrollment);
        if exit.is_some_and(|exit| exit < entry) {
            return Err(self.ends_before_it_begins(row)?);
        }
        let exit = exit.map(|exit| self.exit.last_day(exit));
        let student = StudentRow {
            id: id.clone(),
            ids: Vec::new(),
            given_name: kept(row.optional_line(self.first_name), Field::Name, &mut of_student),
            family_name: kept(row.optional_line(self.last_name), Field::Name, &mut of_student),
            birth_date: kept(self.birth_date.read(row), Field::Name, &mut of_student).map(Into::into),
        };
        let grade = kept(row.optional_line(self.grade), Field::Grade, &mut of_enrollment);
        let stands_at = SchoolRow { id: school.clone(), identifier: None, name: None };
        let (entry, exit) = (entry.into(), exit.map(Into::into));
        let enrollment = EnrollmentRow { key: None, school: Cow::default(), entry, exit, grade };
        let claims = Claims { student: Some(id), school: Some(school), date: None };
        let enrollment = draft(row, enrollment, claiming(of_enrollment, &claims));
        Ok([
            draft(row, stands_at, Vec::new()),
            draft(row, student, claiming(of_student, &claims)),
            Draft { claims, ..enrollment },
        ])
    }

    #[cold]
    fn claims<'r>(&self, row: &Row<'r>) -> Claims<'r> {
        Claims { student: self.student.claimed(row), school: self.school.claimed(row), date: None }
    }

    #[cold]
    fn ends_before_it_begins(&self, row: &Row<'_>) -> Result<Reject, Reject> {
        let exit = self.exit.column.expect("only a column that is there has a date");
        let (first, last) = (row.name(self.entry), row.name(exit));
        let help =
            format!("\"{last}\" lies before \"{first}\": mend one of them in the tool that wrote the file");
        Ok(row.reject(exit, RejectCode::InvalidRange, row.text(exit)?, help))
    }
}

fn draft<'r>(row: &Row<'r>, body: impl Into<Body<'r>>, left_out: Vec<LeftOut>) -> Draft<'r> {
    let (row, status, claims, body) = (row.line(), Status::Active, Claims::default(), body.into());
    Draft { file: None, row, status, claims, body, fault: None, left_out }
}

fn claiming(left_out: Vec<LeftOut>, claims: &Claims<'_>) -> Vec<LeftOut> {
    left_out.into_iter().map(|one| LeftOut { why: one.why.claiming(claims.clone()), ..one }).collect()
}

impl EnrollmentTable {
    /// The names of all mapped columns.
    fn names(&self) -> Vec<&str> {
        let dates = [Some(&self.entry), self.exit.as_ref(), self.birth_date.as_ref()];
        let others = [self.grade.as_deref(), self.last_name.as_deref(), self.first_name.as_deref()];
        let mut names = vec![self.student.from.as_str(), self.school.from.as_str()];
        names.extend(dates.into_iter().flatten().map(|date| date.from.as_str()));
        names.extend(others.into_iter().flatten());
        names
    }
}
