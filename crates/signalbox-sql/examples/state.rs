//! How fast states are kept here: `cargo run --release -p signalbox-sql --example state [students]`.
//!
//! Each batch loads 2,000 students in no order of their keys, and commits them: state, due date and position.

use std::error::Error;
use std::time::Instant;

use signalbox_sql::sqlite::SqliteState;
use signalbox_store::StateStore;
use signalbox_store::state::{Advance, Batch, Lease, Position, StateRow, Subject};

const STUDENTS: u64 = 100_000;
const BATCH: usize = 2_000;
const STATE_BYTES: usize = 536;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example speaks to a person")]
async fn main() -> Result<(), Box<dyn Error>> {
    let students = std::env::args().nth(1).map_or(Ok(STUDENTS), |students| students.parse())?;
    let dir = tempfile::tempdir()?;
    let store = SqliteState::open(&dir.path().join("state.db")).await?;
    let lease = store.acquire("risk@1", 0).await?;
    let subjects: Vec<Subject> = (0..students).map(subject).collect();
    let mut at = 0;
    for round in ["first", "second", "third"] {
        let begun = Instant::now();
        for batch in subjects.chunks(BATCH) {
            store.load(&lease, batch).await?;
        }
        let loaded = begun.elapsed();
        let begun = Instant::now();
        for batch in subjects.chunks(BATCH) {
            commit(&store, &lease, batch, &mut at).await?;
        }
        let rate = |time: std::time::Duration| students as f64 / time.as_secs_f64();
        println!(
            "{round:<6} load {:>9.0} states/s, commit {:>9.0} states/s",
            rate(loaded),
            rate(begun.elapsed())
        );
    }
    Ok(())
}

async fn commit(
    store: &SqliteState,
    lease: &Lease,
    subjects: &[Subject],
    at: &mut u64,
) -> Result<(), Box<dyn Error>> {
    let from = *at;
    *at += subjects.len() as u64;
    let to = Position { topic: "attendance".into(), next: *at, last_id: None };
    let states = subjects
        .iter()
        .map(|subject| StateRow {
            subject: subject.clone(),
            state: vec![*at as u8; STATE_BYTES].into(),
            due_ms: Some(1_700_000_000_000),
        })
        .collect();
    let batch = Batch { advances: vec![Advance { from, to }], states, ..Batch::default() };
    Ok(store.commit(lease, &batch).await?)
}

/// Keys as a hash would give them: neighbours in a batch are no neighbours in the table.
fn subject(number: u64) -> Subject {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [mixed.to_be_bytes(), number.to_be_bytes()].concat()
}
