//! A column of the entity, found in a header, and its values.

use std::borrow::Cow;

use signalbox_connector::delimited::{Column, Header, Row};
use signalbox_connector::event::rows::{Cell, Cells, Grade, HIGHEST_GRADE, Holds, Unread};
use signalbox_connector::jiff::Span;
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Reject, RejectCode};

use crate::config::{Table, TableColumn};

pub(super) struct Field<'t> {
    /// Which of the entity's columns it is.
    pub(super) at: usize,
    pub(super) table: &'t TableColumn,
    pub(super) column: Column,
    /// All that are joined; none where one column holds it.
    pub(super) joined: Vec<Column>,
    /// The date that this one may not lie before.
    not_before: Option<First>,
}

/// A date, as another column holds it.
#[derive(Clone, Copy)]
struct First {
    at: usize,
    column: Column,
}

impl<'t> Field<'t> {
    /// Those of a table that are mapped, whose names are all in the header.
    pub(super) fn all(table: &'t Table, header: &Header) -> Vec<Self> {
        let mapped = table.columns.iter().enumerate();
        mapped.filter_map(|(at, column)| Some(Self::new(at, column.as_ref()?, table, header))).collect()
    }

    fn new(at: usize, column: &'t TableColumn, table: &Table, header: &Header) -> Self {
        let first = column.column.not_before.and_then(|name| {
            let (at, first) = table.find(name)?;
            Some(First { at, column: *places(first, header).first()? })
        });
        let mut joined = places(column, header);
        let place = *joined.first().expect("all names are in the header");
        if joined.len() == 1 {
            joined.clear();
        }
        Self { at, table: column, column: place, joined, not_before: first }
    }

    /// The entity's name of it.
    pub(super) fn name(&self) -> &'static str {
        self.table.column.name
    }

    /// What becomes of a row of which it cannot be read.
    pub(super) fn unread_means(&self) -> Unread {
        self.table.column.unread
    }

    /// Whether a fault in it leaves no row.
    pub(super) fn rejects(&self, fault: &Reject) -> bool {
        self.unread_means() == Unread::Rejects || fault.code == RejectCode::InvalidRange
    }

    /// The value. `before` are those of the columns that stand before it.
    #[inline]
    pub(super) fn read<'r>(&self, row: &Row<'r>, before: &Cells<'r>) -> Result<Cell<'r>, Reject> {
        match self.table.column.holds {
            Holds::Student | Holds::School | Holds::Id => self.id(row),
            Holds::Day | Holds::Date | Holds::DateOrNone | Holds::LastDay => self.date(row, before),
            Holds::Text => self.value(row, row.optional_line(Some(self.column))?.map(Cell::Text)),
            Holds::Grade => self.grade(row),
            Holds::Word(words) | Holds::Code(words) => self.word(row, words),
        }
    }

    /// What stands for a value that cannot be read: of a word, the code.
    pub(super) fn unread<'r>(&self, row: &Row<'r>) -> Cell<'r> {
        let is_word = matches!(self.table.column.holds, Holds::Word(_) | Holds::Code(_));
        let code = if is_word { self.code(row).ok() } else { None };
        code.map_or(Cell::Unread, |code| Cell::Word(None, code.written()))
    }

    /// A value that is not there is a fault where every row has one.
    #[inline]
    pub(super) fn value<'r>(&self, row: &Row<'r>, value: Option<Cell<'r>>) -> Result<Cell<'r>, Reject> {
        match value {
            Some(cell) => Ok(cell),
            None if self.table.column.required => Err(row.missing(self.column)),
            None => Ok(Cell::Blank),
        }
    }

    /// The id; a number that is too short with the zeros that it lost.
    #[inline]
    fn id<'r>(&self, row: &Row<'r>) -> Result<Cell<'r>, Reject> {
        let width = self.table.width;
        let padded = |id: &'r str| {
            if id.len() < width && id.bytes().all(|byte| byte.is_ascii_digit()) {
                return Cell::Text(Cow::Owned(format!("{id:0>width$}")));
            }
            Cell::Text(Cow::Borrowed(id))
        };
        self.value(row, row.optional_id(Some(self.column))?.map(padded))
    }

    /// The date; words for none are none.
    #[inline]
    fn date<'r>(&self, row: &Row<'r>, before: &Cells<'r>) -> Result<Cell<'r>, Reject> {
        let TableColumn { column, format, none, .. } = self.table;
        if column.required && none.is_empty() && self.not_before.is_none() {
            return row.date(self.column, format).map(Cell::Date).map_err(or_set_format);
        }
        if let Some(text) = row.optional(Some(self.column))?
            && none.iter().any(|word| word == text)
        {
            return self.value(row, None);
        }
        let date = row.optional_date(Some(self.column), format).map_err(or_set_format)?;
        let day = date.map(|date| self.day(row, date, before)).transpose()?;
        self.value(row, day.map(Cell::Date))
    }

    /// The day that a written date means, which may not lie before another.
    fn day(&self, row: &Row<'_>, written: Date, before: &Cells<'_>) -> Result<Date, Reject> {
        if let Some(First { at, column }) = self.not_before
            && matches!(before[at], Cell::Date(first) if written < first)
        {
            return Err(self.ends_before_it_begins(row, row.name(column)));
        }
        let exclusive = self.table.exclusive;
        Ok(if exclusive { written.saturating_sub(Span::new().days(1)) } else { written })
    }

    #[cold]
    fn ends_before_it_begins(&self, row: &Row<'_>, first: &str) -> Reject {
        let last = row.name(self.column);
        let help =
            format!("\"{last}\" lies before \"{first}\": mend one of them in the tool that wrote the file");
        let written = row.text(self.column).unwrap_or_default();
        row.reject(self.column, RejectCode::InvalidRange, written, help)
    }

    #[inline]
    fn grade<'r>(&self, row: &Row<'r>) -> Result<Cell<'r>, Reject> {
        let grade = row.optional_line(Some(self.column))?;
        if let Some(text) = &grade
            && Grade::parse(Cow::Borrowed(text)).is_err()
        {
            return Err(self.no_grade(row, text));
        }
        self.value(row, grade.map(Cell::Text))
    }

    #[cold]
    fn no_grade(&self, row: &Row<'_>, text: &str) -> Reject {
        let name = row.name(self.column);
        let help = format!(
            "Write \"{name}\" as a number from 0 to {HIGHEST_GRADE}, with a point before its decimals (59.99), or as a \
             letter (B+); leave it blank where there is none yet"
        );
        row.reject(self.column, RejectCode::InvalidGrade, text, help)
    }
}

/// Where a column's names stand.
fn places(column: &TableColumn, header: &Header) -> Vec<Column> {
    column.from.iter().filter_map(|name| header.optional(Some(name))).collect()
}

/// The mend that only a mapped feed has: another format.
#[cold]
fn or_set_format(mut reject: Reject) -> Reject {
    if reject.code == RejectCode::InvalidDate {
        reject.help.push_str("; or set that column's format in this feed");
    }
    reject
}
