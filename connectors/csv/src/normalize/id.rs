//! Ids as a feed writes them.

use std::borrow::Cow;

use signalbox_connector::Reject;
use signalbox_connector::delimited::{Column, Row};

use crate::config::IdColumn;

/// A column of ids, found in a header.
pub(super) struct Id {
    column: Column,
    width: usize,
}

impl Id {
    pub(super) fn new(column: Column, table: &IdColumn) -> Self {
        Self { column, width: table.width }
    }

    /// The id; a number that is too short with the zeros that it lost.
    #[inline]
    pub(super) fn read<'r>(&self, row: &Row<'r>) -> Result<Cow<'r, str>, Reject> {
        let id = row.id(self.column)?;
        if id.len() < self.width && id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Cow::Owned(format!("{id:0>width$}", width = self.width)));
        }
        Ok(Cow::Borrowed(id))
    }

    /// The id, if it can be read.
    pub(super) fn claimed<'r>(&self, row: &Row<'r>) -> Option<Cow<'r, str>> {
        self.read(row).ok()
    }
}
