//! What stands in a row of the outbox.

use std::collections::BTreeMap;

use signalbox_store::outbox::{Claim, Entry, EntryState, Tally};

use crate::stored::{StoredRow, known};

pub(super) fn entry_row(row: &impl StoredRow) -> Result<Entry, sqlx::Error> {
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

pub(super) fn tally_row(row: &impl StoredRow) -> Result<Tally, sqlx::Error> {
    let state: String = row.column("state")?;
    Ok(Tally { target: row.column("target")?, state: entry_state(&state)?, count: row.count("count")? })
}

/// What was withheld and listed is superseded.
pub(super) fn tallies(as_they_stand: Vec<Tally>, listed: Vec<Tally>) -> Vec<Tally> {
    let mut counts: BTreeMap<(String, EntryState), i64> = BTreeMap::new();
    for Tally { target, state, count } in as_they_stand {
        *counts.entry((target, state)).or_default() += count as i64;
    }
    for Tally { target, count, .. } in listed {
        *counts.entry((target.clone(), EntryState::Withheld)).or_default() -= count as i64;
        *counts.entry((target, EntryState::Superseded)).or_default() += count as i64;
    }
    let tally = |((target, state), count)| Tally { target, state, count: count as u64 };
    counts.into_iter().filter(|(_, count)| *count > 0).map(tally).collect()
}

/// The claim that was just written into the row.
pub(crate) fn claim_row(row: &impl StoredRow) -> Result<Claim, sqlx::Error> {
    let entry = entry_row(row)?;
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
