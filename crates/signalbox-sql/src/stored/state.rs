//! States and positions.

use signalbox_store::state::{Position, StateRow};

use super::StoredRow;

pub(crate) fn state_row(row: &impl StoredRow) -> Result<StateRow, sqlx::Error> {
    let state: Vec<u8> = row.column("state")?;
    Ok(StateRow { subject: row.column("subject")?, state: state.into(), due_ms: row.column("due_ms")? })
}

/// (topic, next, last_id)
pub(crate) type PositionColumns = (String, i64, Option<String>);

pub(crate) fn position((topic, next, last_id): PositionColumns) -> Position {
    Position { topic, next: next as u64, last_id }
}
