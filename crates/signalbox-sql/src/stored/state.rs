//! States and positions.

use signalbox_store::state::{Position, StateRow};

/// (subject, state, due_ms)
pub(crate) type StateColumns = (Vec<u8>, Vec<u8>, Option<i64>);

pub(crate) fn state_row((subject, state, due_ms): StateColumns) -> StateRow {
    StateRow { subject, state: state.into(), due_ms }
}

/// (topic, next, last_id)
pub(crate) type PositionColumns = (String, i64, Option<String>);

pub(crate) fn position((topic, next, last_id): PositionColumns) -> Position {
    Position { topic, next: next as u64, last_id }
}
