//! Entries of the outbox.

use std::collections::BTreeMap;

use signalbox_store::outbox::{Claim, Entry, EntryState, Tally};

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

/// (target, state, count)
pub(crate) type TallyColumns = (String, String, i64);

/// Entries as they stand; the same for both databases.
pub(crate) const TALLIES: &str =
    "SELECT target, state, count(*) FROM outbox GROUP BY target, state ORDER BY target, state";

/// Of those that were withheld, the ones of which a list told since.
pub(crate) const LISTED: &str = "SELECT target, state, count(*) FROM outbox AS alert
     WHERE state = 'withheld' AND NOT part AND EXISTS (
         SELECT 1 FROM outbox AS listed
         WHERE listed.part AND listed.flag_id = alert.flag_id AND listed.target = alert.target)
     GROUP BY target, state ORDER BY target, state";

/// What was withheld and listed is superseded.
pub(crate) fn tallies(all: Vec<TallyColumns>, listed: Vec<TallyColumns>) -> Result<Vec<Tally>, sqlx::Error> {
    let mut counts: BTreeMap<(String, EntryState), i64> = BTreeMap::new();
    for (target, word, count) in all {
        *counts.entry((target, entry_state(&word)?)).or_default() += count;
    }
    for (target, _, count) in listed {
        *counts.entry((target.clone(), EntryState::Withheld)).or_default() -= count;
        *counts.entry((target, EntryState::Superseded)).or_default() += count;
    }
    let tally = |((target, state), count)| Tally { target, state, count: count as u64 };
    Ok(counts.into_iter().filter(|(_, count)| *count > 0).map(tally).collect())
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
