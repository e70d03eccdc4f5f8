//! Entries of the outbox.

use signalbox_store::outbox::{Claim, Entry, EntryState};

use super::{StoredRow, known};

pub(crate) fn entry(row: &impl StoredRow) -> Result<Entry, sqlx::Error> {
    let (state, attempts): (String, i32) = (row.column("state")?, row.column("attempts")?);
    let tried_before: i32 = row.column("tried_before")?;
    Ok(Entry {
        seq: row.count("seq")?,
        id: row.column("id")?,
        target: row.column("target")?,
        lane: row.column("lane")?,
        kind: row.column("kind")?,
        flag_id: row.column("flag_id")?,
        body: row.column("body")?,
        created_ms: row.column("created_ms")?,
        part: row.column("part")?,
        state: entry_state(&state)?,
        attempts: attempts as u32,
        next_try_ms: row.column("next_try_ms")?,
        last_error: row.column("last_error")?,
        tried_before: tried_before as u32,
    })
}

/// The claim that was just written into the row.
pub(crate) fn claim(row: &impl StoredRow) -> Result<Claim, sqlx::Error> {
    let entry = entry(row)?;
    Ok(Claim { token: u64::from(entry.attempts), entry })
}

fn entry_state(word: &str) -> Result<EntryState, sqlx::Error> {
    use EntryState::{Bundled, Dead, Delivered, Pending, Superseded, Withheld};
    known(
        &[Pending, Delivered, Dead, Superseded, Withheld, Bundled],
        |state| state.as_str() == word,
        "an outbox entry is in a state that this version does not know",
    )
}
