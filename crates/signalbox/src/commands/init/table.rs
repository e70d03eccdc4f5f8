//! What a file seems to be, from its header and its first rows.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::Date;
use signalbox_connector::Entity;
use signalbox_connector::delimited::is_blank;
use signalbox_event::rows::{Column, Holds, Unread};

use super::codes::{self, Code};
use super::dates::{Dates, Values, words_for_none};
use super::written::{self, How, Written};

/// A file that can be mapped, or nearly.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) entity: Entity,
    pub(super) how: How,
    pub(super) header: Vec<String>,
    /// In the order of the entity's columns.
    pub(super) columns: Vec<Mapped>,
    /// Why it cannot be a feed as it is; none: it can.
    pub(super) lacks: Vec<Lack>,
    /// The days that rows are about, or enrolments begin on.
    pub(super) days: BTreeSet<Date>,
}

/// A column of the entity, and the file's that seems to hold it.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) column: &'static Column,
    pub(super) from: String,
    /// Of a date.
    pub(super) dates: Option<Dates>,
    /// Words in a last day for none.
    pub(super) none: Vec<&'static str>,
    pub(super) codes: Vec<Code>,
}

/// What a feed cannot be without.
#[derive(Debug)]
pub(super) enum Lack {
    /// No column seems to hold it.
    Column(&'static Column),
    /// The dates of the file's column of this name are not understood.
    Dates(String),
    /// The file's column of this name holds something else than codes.
    Codes(String),
    /// No code of the file's column of this name is usual: every row would be rejected.
    Meanings(String),
}

/// Looks at a file; `Err` says why nothing can be done with it.
pub(super) fn look(path: &Path, name: &str) -> Result<Table, String> {
    let Written { how, header, fit, rows } = written::read(path, name)?;
    let cells = Cells { columns: fit.found().map(|(column, _)| column).collect(), rows };
    let dates = cells.dates();
    let mut lacks: Vec<Lack> = fit.missing().map(Lack::Column).collect();
    let mut columns = Vec::new();
    for (at, (column, place)) in fit.found().enumerate() {
        let from = header.get(place).cloned().unwrap_or_default();
        // Without its words for none nobody would be known to stay.
        let none = if column.holds == Holds::LastDay { words_for_none(cells.of(at)) } else { Vec::new() };
        let mut mapped = Mapped { column, from, dates: dates[at], none, codes: Vec::new() };
        if let Holds::Word(words) | Holds::Code(words) = column.holds {
            match codes::codes(cells.of(at), words) {
                Some(codes) => mapped.codes = codes,
                None => lacks.push(Lack::Codes(mapped.from.clone())),
            }
        }
        lacks.extend(mapped.lack());
        columns.push(mapped);
    }
    let days = cells.days(&dates);
    Ok(Table { entity: fit.entity, how, header, columns, lacks, days })
}

impl Table {
    pub(super) fn is_complete(&self) -> bool {
        self.lacks.is_empty()
    }

    /// The columns of the entity that no column of the file seems to hold.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let missing = self.lacks.iter().filter_map(|lack| match lack {
            Lack::Column(column) => Some(column.name),
            _ => None,
        });
        missing.collect()
    }

    /// The file's columns that seem to hold nothing that is asked for.
    pub(super) fn unused(&self) -> Vec<&str> {
        let names = self.header.iter().map(String::as_str).filter(|name| !is_blank(name));
        names.filter(|name| self.columns.iter().all(|mapped| mapped.from != *name)).collect()
    }

    /// Why it cannot be a feed as it is.
    pub(super) fn why_not(&self) -> String {
        let missing: Vec<String> =
            self.missing().iter().map(|name| format!("the {}", name.replace('_', " "))).collect();
        let no_column = format!("no column seems to hold {}", missing.join(" and "));
        let others = self.lacks.iter().filter_map(Lack::of_values);
        let all = (!missing.is_empty()).then_some(no_column).into_iter().chain(others);
        all.collect::<Vec<_>>().join(", and ")
    }
}

impl Mapped {
    /// What would make every row of a feed useless, or keep everybody enrolled.
    fn lack(&self) -> Option<Lack> {
        let Column { required, holds, unread, .. } = *self.column;
        let known = self.codes.iter().any(|code| code.word.is_some());
        if self.dates == Some(Dates::NotUnderstood) && (required || holds == Holds::LastDay) {
            return Some(Lack::Dates(self.from.clone()));
        }
        let is_useless = required && unread == Unread::Rejects && !self.codes.is_empty() && !known;
        is_useless.then(|| Lack::Meanings(self.from.clone()))
    }
}

impl Lack {
    fn of_values(&self) -> Option<String> {
        match self {
            Self::Column(_) => None,
            Self::Dates(from) => {
                Some(format!("the dates in \"{from}\" are in no format that is known, or in several"))
            }
            Self::Codes(from) => Some(format!("\"{from}\" holds too much to be codes")),
            Self::Meanings(from) => Some(format!("what the codes in \"{from}\" mean is not known")),
        }
    }
}

/// The cells of the columns that were found.
struct Cells {
    columns: Vec<&'static Column>,
    rows: Vec<Vec<String>>,
}

impl Cells {
    fn of(&self, at: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(at)).map(|cell| cell.trim())
    }

    fn values(&self, at: usize) -> Values<'_> {
        Values::new(self.of(at).filter(|value| !is_blank(value)))
    }

    /// The date that a row is about, or begins with.
    fn main_date(&self) -> Option<usize> {
        self.columns.iter().position(|column| column.required && column.holds.is_date())
    }

    /// How the columns of dates are written; one without a date yet as the main one is.
    fn dates(&self) -> Vec<Option<Dates>> {
        let dates = (0..self.columns.len()).filter(|at| self.columns[*at].holds.is_date());
        let of_file: Vec<Values<'_>> = dates.map(|at| self.values(at)).collect();
        let dates = |at: usize| self.values(at).dates(&of_file);
        let main = self.main_date().map_or(Dates::NoneYet, dates);
        let column = |at: usize| {
            self.columns[at].holds.is_date().then(|| match dates(at) {
                Dates::NoneYet if main != Dates::NotUnderstood => main,
                own => own,
            })
        };
        (0..self.columns.len()).map(column).collect()
    }

    fn days(&self, dates: &[Option<Dates>]) -> BTreeSet<Date> {
        let main = self.main_date().and_then(|at| Some((at, dates[at]?)));
        main.map(|(at, dates)| self.values(at).days(dates)).unwrap_or_default()
    }
}
