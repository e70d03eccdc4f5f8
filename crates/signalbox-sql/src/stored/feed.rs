//! What feeds keep: runs, holds, ids, rejects and the ledger's pages.

use signalbox_store::feed::{
    CrosswalkRow, FeedRow, Hold, HoldState, Named, Outcome, Reject, RejectGroup, RejectPlace, Run, Unsent,
};

use super::{StoredRow, known};
use crate::mark;
use crate::page::Page;

pub(crate) fn feed_row(
    feed: &str,
    row: &impl StoredRow,
    last_run: Option<Run>,
) -> Result<FeedRow, sqlx::Error> {
    Ok(FeedRow {
        feed: feed.to_owned(),
        holder: row.column("holder")?,
        held_until_ms: row.column("held_until_ms")?,
        settings: row.column("settings")?,
        last_run,
    })
}

pub(crate) fn run(row: &impl StoredRow) -> Result<Run, sqlx::Error> {
    let outcome: Option<String> = row.column("outcome")?;
    let unsent: Option<Vec<u8>> = row.column("unsent")?;
    let marks: String = row.column("marks")?;
    Ok(Run {
        feed: row.column("feed_name")?,
        number: row.count("number")?,
        payload: row.column("payload")?,
        name: row.column("name")?,
        opened_ms: row.column("opened_ms")?,
        marks: mark::from_text(&marks)?,
        cause: row.column("cause")?,
        gated: row.column("gated")?,
        unsent: unsent.as_deref().map(unsent_of).transpose()?,
        outcome: outcome.as_deref().map(outcome_of).transpose()?,
        summary: row.column("summary")?,
    })
}

fn unsent_of(bytes: &[u8]) -> Result<Unsent, sqlx::Error> {
    Unsent::from_bytes(bytes).ok_or_else(|| sqlx::Error::Decode("a run names rows in another way".into()))
}

pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "accepted",
        Outcome::Held => "held",
        Outcome::Refused => "refused",
        Outcome::Abandoned => "abandoned",
    }
}

fn outcome_of(word: &str) -> Result<Outcome, sqlx::Error> {
    use Outcome::{Abandoned, Accepted, Held, Refused};
    known(
        &[Accepted, Held, Refused, Abandoned],
        |outcome| outcome_word(outcome) == word,
        "a run has an outcome that this version does not know",
    )
}

pub(crate) fn hold(row: &impl StoredRow) -> Result<Hold, sqlx::Error> {
    let state: String = row.column("state")?;
    Ok(Hold {
        id: row.column("id")?,
        feed: row.column("feed")?,
        run: row.count("run")?,
        reason: row.column("reason")?,
        would_end: row.count("would_end")?,
        schools: row.column("schools")?,
        since_ms: row.column("since_ms")?,
        state: hold_state(&state)?,
        decided_by: row.column("decided_by")?,
        decided_reason: row.column("decided_reason")?,
    })
}

pub(crate) fn hold_word(state: HoldState) -> &'static str {
    match state {
        HoldState::Waiting => "waiting",
        HoldState::Approved => "approved",
        HoldState::Refused => "refused",
        HoldState::Superseded => "superseded",
        HoldState::Done => "done",
    }
}

fn hold_state(word: &str) -> Result<HoldState, sqlx::Error> {
    use HoldState::{Approved, Done, Refused, Superseded, Waiting};
    known(
        &[Waiting, Approved, Refused, Superseded, Done],
        |state| hold_word(state) == word,
        "a hold is in a state that this version does not know",
    )
}

pub(crate) fn crosswalk_row(row: &impl StoredRow) -> Result<CrosswalkRow, sqlx::Error> {
    Ok(CrosswalkRow {
        what: named(row.column("what")?)?,
        id_type: row.column("id_type")?,
        id: row.column("id")?,
        target: row.column("target")?,
        first: row.column("is_first")?,
    })
}

/// In the order of [`Named`], which the crosswalk is paged by.
pub(crate) fn named_number(what: Named) -> i16 {
    match what {
        Named::Student => 0,
        Named::School => 1,
    }
}

fn named(number: i16) -> Result<Named, sqlx::Error> {
    known(
        &[Named::Student, Named::School],
        |what| named_number(what) == number,
        "a crosswalk row names something that this version does not know",
    )
}

pub(crate) fn group(row: &impl StoredRow) -> Result<RejectGroup, sqlx::Error> {
    Ok(RejectGroup {
        feed: row.column("feed")?,
        code: row.column("code")?,
        value_class: row.column("value_class")?,
        count: row.count("count")?,
        first: place(row, ["first_file", "first_row", "first_column"])?,
        help: row.column("help")?,
    })
}

pub(crate) fn reject(row: &impl StoredRow) -> Result<Reject, sqlx::Error> {
    Ok(Reject {
        feed: row.column("feed")?,
        code: row.column("code")?,
        value_class: row.column("value_class")?,
        place: place(row, ["file", "row", "column_name"])?,
        help: row.column("help")?,
    })
}

fn place(row: &impl StoredRow, [file, line, column]: [&'static str; 3]) -> Result<RejectPlace, sqlx::Error> {
    let line: Option<i64> = row.column(line)?;
    Ok(RejectPlace {
        file: row.column(file)?,
        row: line.map(|line| line as u64),
        column: row.column(column)?,
    })
}

pub(crate) fn page(row: &impl StoredRow) -> Result<Page, sqlx::Error> {
    let from_key: Vec<u8> = row.column("from_key")?;
    let from_key = from_key
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a ledger page begins at something that is no key".into()))?;
    Ok(Page { from_key, body: row.column("body")? })
}
