//! Batches that move a position and write a state, and entries that go with them.

use signalbox_store::outbox::NewEntry;
use signalbox_store::state::{Advance, Batch, Position, StateRow};
use uuid::Uuid;

/// One step on: a state of its own and an entry, both named after `at`.
pub(crate) fn step(at: u64) -> Batch {
    let to = Position { topic: "topic".into(), next: at + 1, last_id: None };
    let state = StateRow { subject: at.to_be_bytes().to_vec(), state: vec![1].into(), due_ms: None };
    let entry = NewEntry { id: Uuid::from_u128(u128::from(at) + 10_000), ..entry(0) };
    Batch {
        advances: vec![Advance { from: at, to }],
        states: vec![state],
        outbox: vec![entry],
        ..Batch::default()
    }
}

/// A position moved on, and a state that says where to.
pub(crate) fn moved(from: u64, to: u64) -> Batch {
    let state = StateRow { subject: b"a".to_vec(), state: vec![to as u8].into(), due_ms: None };
    let to = Position { topic: "topic".into(), next: to, last_id: None };
    Batch { advances: vec![Advance { from, to }], states: vec![state], ..Batch::default() }
}

pub(crate) fn entry(id: u128) -> NewEntry {
    NewEntry {
        id: Uuid::from_u128(id),
        target: "log".into(),
        lane: "a".into(),
        kind: "risk.flag.raised".into(),
        flag_id: None,
        body: vec![1],
        created_ms: 0,
        withheld: None,
        part: false,
        end_of: None,
    }
}
