//! Rows to drafts and rejects.

mod attendance;
mod enrollment;
mod id;

use std::ops::ControlFlow;

use signalbox_connector::delimited::Reader;
use signalbox_connector::{Contents, Item, ReadSeek, Refusal, Reject, RejectCode};

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

/// The mend that only a mapped feed has: another format.
fn or_set_format(mut reject: Reject) -> Reject {
    if reject.code == RejectCode::InvalidDate {
        reject.help.push_str("; or set that column's format in this feed");
    }
    reject
}

/// The mend that only a mapped feed has: another column.
fn or_map_column(mut refusal: Refusal) -> Refusal {
    if refusal.code == RejectCode::MissingColumn {
        refusal.help.push_str("; or change columns in this feed to what the header has");
    }
    refusal
}
