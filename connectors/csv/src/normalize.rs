//! Rows to drafts and rejects.

mod attendance;
mod enrollment;

use std::ops::ControlFlow;

use signalbox_connector::delimited::Reader;
use signalbox_connector::{Contents, Item, ReadSeek, Refusal};

use crate::config::{Feed, Table};

/// What the runtime hears of each row.
type Emit<'e> = dyn FnMut(Item<'_>) -> ControlFlow<()> + 'e;

pub(crate) fn normalize(
    feed: &Feed,
    payload: &mut dyn ReadSeek,
    emit: &mut Emit<'_>,
) -> Result<Contents, Refusal> {
    let mut reader = Reader::open(payload, feed.format, None)?;
    match &feed.table {
        Table::Enrollment(table) => enrollment::read(table, &mut reader, emit)?,
        Table::Attendance(table) => attendance::read(table, &mut reader, emit)?,
    }
    Ok(Contents { extents: vec![feed.extent.clone()] })
}
