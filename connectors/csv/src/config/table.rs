//! Which of a file's columns holds what, in the order of the entity's columns.

use std::collections::BTreeMap;

use signalbox_connector::Entity;
use signalbox_connector::delimited::DateFormat;
use signalbox_connector::event::rows::{self, Holds};
use signalbox_connector::jiff::tz::TimeZone;

use super::codes::Meanings;
use super::{Column, Columns, Pad};

/// Which column holds what.
#[derive(Debug)]
pub(crate) struct Table {
    /// In the order of the entity's columns; `None`: not mapped.
    pub(crate) columns: Vec<Option<TableColumn>>,
}

/// A column of the entity, with where and how a file writes it.
#[derive(Debug)]
pub(crate) struct TableColumn {
    pub(crate) column: &'static rows::Column,
    /// Its names in the header, at least one; several are joined.
    pub(crate) from: Vec<String>,
    pub(crate) format: DateFormat,
    /// Words for no date.
    pub(crate) none: Vec<String>,
    /// Whether the date is the first day out.
    pub(crate) exclusive: bool,
    /// Digits that an id has; 0: as it is written.
    pub(crate) width: usize,
    pub(crate) meanings: Meanings,
}

impl Table {
    /// The columns of an entity, which were checked to be there.
    pub(super) fn new(
        entity: Entity,
        mut columns: Columns,
        pad: &Pad,
        mut meanings: BTreeMap<&'static str, Meanings>,
    ) -> Self {
        let columns = entity.columns().iter().map(|column| {
            let Column { from, format, none, exclusive } = columns.take(column.name)?;
            let (format, width) = (format.unwrap_or(DateFormat::ISO), pad.width(column.holds));
            let meanings = meanings.remove(column.name).unwrap_or_default();
            Some(TableColumn { column, from, format, none, exclusive, width, meanings })
        });
        Self { columns: columns.collect() }
    }

    /// The column that holds this, if one is mapped, and where it stands.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &TableColumn)> {
        let mapped = self.columns.iter().enumerate();
        mapped
            .filter_map(|(at, column)| Some((at, column.as_ref()?)))
            .find(|(_, one)| one.column.name == name)
    }

    /// Reads moments as days of this zone; whether there are any.
    pub(super) fn set_zone(&mut self, zone: &TimeZone) -> bool {
        let mut names_moments = false;
        let columns = self.columns.iter_mut().flatten();
        for column in columns.filter(|column| column.format.names_a_moment()) {
            column.format = column.format.clone().in_zone(zone);
            names_moments = true;
        }
        names_moments
    }
}

impl Pad {
    fn width(&self, holds: Holds) -> usize {
        let digits = match holds {
            Holds::Student => self.student,
            Holds::School => self.school,
            _ => None,
        };
        digits.map_or(0, |digits| usize::from(digits.get()))
    }
}
