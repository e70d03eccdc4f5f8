//! `roster.enrollment`: a student's enrolment at a school. Each row also says that the school and the student exist.

use std::borrow::Cow;

use signalbox_connector::delimited::{Column, DateFormat, Header, Reader, Row};
use signalbox_connector::event::Status;
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Draft, Item, Record, Refusal, Reject, RejectCode};

use super::{Emit, or_map_column, or_set_format};
use crate::config::{DateColumn, EnrollmentTable};

pub(super) fn read(
    table: &EnrollmentTable,
    reader: &mut Reader<'_>,
    emit: &mut Emit<'_>,
) -> Result<(), Refusal> {
    let rows = Rows::new(table, reader.header()).map_err(or_map_column)?;
    // A caller that breaks has had enough: what was read so far stands.
    let _flow =
        reader.rows(|row| match row.and_then(|row| rows.records(&row).map(|records| (row, records))) {
            Ok((row, records)) => {
                records.into_iter().try_for_each(|record| emit(Item::Draft(draft(&row, record))))
            }
            Err(reject) => emit(Item::Reject(reject)),
        })?;
    Ok(())
}

fn draft<'r>(row: &Row<'r>, record: Record<'r>) -> Draft<'r> {
    Draft { file: None, row: row.line(), status: Status::Active, record, fault: None, left_out: Vec::new() }
}

/// A date column, found in a header.
struct Dates<'t> {
    column: Option<Column>,
    format: &'t DateFormat,
}

impl<'t> Dates<'t> {
    fn new(column: Option<&'t DateColumn>, header: &Header) -> Self {
        match column {
            Some(DateColumn { from, format }) => Self { column: header.optional(Some(from)), format },
            None => Self { column: None, format: &DateFormat::ISO },
        }
    }

    fn read(&self, row: &Row<'_>) -> Result<Option<Date>, Reject> {
        row.optional_date(self.column, self.format).map_err(or_set_format)
    }
}

/// The table, found in a header.
struct Rows<'t> {
    student: Column,
    school: Column,
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
        let [student, school, entry] = header.columns([&table.student, &table.school, &table.entry.from])?;
        Ok(Self {
            student,
            school,
            entry,
            entry_format: &table.entry.format,
            exit: Dates::new(table.exit.as_ref(), header),
            grade: header.optional(table.grade.as_deref()),
            last_name: header.optional(table.last_name.as_deref()),
            first_name: header.optional(table.first_name.as_deref()),
            birth_date: Dates::new(table.birth_date.as_ref(), header),
        })
    }

    fn records<'r>(&self, row: &Row<'r>) -> Result<[Record<'r>; 3], Reject> {
        let student = Cow::Borrowed(row.id(self.student)?);
        let school = Cow::Borrowed(row.id(self.school)?);
        let entry = row.date(self.entry, self.entry_format).map_err(or_set_format)?;
        let exit = self.exit.read(row)?;
        if let (Some(column), Some(exit)) = (self.exit.column, exit)
            && exit < entry
        {
            return Err(self.ends_before_it_begins(row, column)?);
        }
        let given_name = row.optional(self.first_name)?.map(Cow::Borrowed);
        let family_name = row.optional(self.last_name)?.map(Cow::Borrowed);
        let birth_date = self.birth_date.read(row)?;
        let grade = row.optional(self.grade)?.map(Cow::Borrowed);
        Ok([
            Record::School { id: school.clone(), identifier: None, name: None },
            Record::Student { id: student.clone(), ids: Vec::new(), given_name, family_name, birth_date },
            Record::Enrollment { key: None, student, school, entry, exit, grade },
        ])
    }

    #[cold]
    fn ends_before_it_begins(&self, row: &Row<'_>, exit: Column) -> Result<Reject, Reject> {
        let (first, last) = (row.name(self.entry), row.name(exit));
        let help =
            format!("\"{last}\" lies before \"{first}\": mend one of them in the tool that wrote the file");
        Ok(row.reject(exit, RejectCode::InvalidRange, row.text(exit)?, help))
    }
}

impl EnrollmentTable {
    /// The names of all mapped columns.
    fn names(&self) -> Vec<&str> {
        let dates = [Some(&self.entry), self.exit.as_ref(), self.birth_date.as_ref()];
        let others = [self.grade.as_deref(), self.last_name.as_deref(), self.first_name.as_deref()];
        let mut names = vec![self.student.as_str(), self.school.as_str()];
        names.extend(dates.into_iter().flatten().map(|date| date.from.as_str()));
        names.extend(others.into_iter().flatten());
        names
    }
}
