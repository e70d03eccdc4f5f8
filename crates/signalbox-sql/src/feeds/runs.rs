//! Feeds and their runs.

use std::collections::BTreeSet;

use signalbox_store::StoreError;
use signalbox_store::feed::{Closing, Decision, FeedRow, NewRun, Outcome, Run, Unsent};

use super::marks;
use crate::engine::{Connection, values};
use crate::stored::{Column, StoredRow, known};

/// Runs with the names of their feeds, which is how [`run`] reads them.
macro_rules! select_runs {
    ($which:literal) => {
        concat!(
            "SELECT feed.name AS feed_name, run.* FROM run JOIN feed ON feed.id = run.feed WHERE ",
            $which
        )
    };
}

pub(super) async fn feeds(reader: &mut impl Connection) -> Result<Vec<FeedRow>, StoreError> {
    let select = "SELECT name, settings, holder, held_until_ms FROM feed ORDER BY name";
    let mut feeds = reader.rows(select, &values![], feed_row).await?;
    for feed in &mut feeds {
        feed.last_run = last(reader, &feed.feed).await?;
    }
    Ok(feeds)
}

pub(super) async fn feed(reader: &mut impl Connection, feed: &str) -> Result<Option<FeedRow>, StoreError> {
    let select = "SELECT name, settings, holder, held_until_ms FROM feed WHERE name = $1";
    let Some(mut found) = reader.row(select, &values![feed], feed_row).await? else { return Ok(None) };
    found.last_run = last(reader, feed).await?;
    Ok(Some(found))
}

pub(super) async fn settings(reader: &mut impl Connection, feed: &str) -> Result<Option<String>, StoreError> {
    let select = "SELECT settings FROM feed WHERE name = $1";
    let found: Option<Option<String>> =
        reader.row(select, &values![feed], |row| row.column("settings")).await?;
    Ok(found.flatten())
}

pub(super) async fn save_settings(
    connection: &mut impl Connection,
    feed: i64,
    settings: &str,
) -> Result<(), StoreError> {
    let update = "UPDATE feed SET settings = $1 WHERE id = $2";
    connection.execute(update, &values![settings, feed]).await?;
    Ok(())
}

pub(super) async fn unfinished(
    connection: &mut impl Connection,
    feed: i64,
) -> Result<Option<Run>, StoreError> {
    connection.row(select_runs!("run.feed = $1 AND outcome IS NULL"), &values![feed], run).await
}

/// The unfinished run, else a new one.
pub(super) async fn open(
    connection: &mut impl Connection,
    feed: i64,
    name: &str,
    new: NewRun,
) -> Result<Run, StoreError> {
    let insert = "INSERT INTO run (feed, number, payload, name, opened_ms, marks, cause)
         VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM run WHERE feed = $1), $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING
         RETURNING number";
    let marks = marks::to_text(&new.marks);
    let given = values![feed, &new.payload, &new.name, new.opened_ms, &marks, &new.cause];
    if let Some(number) = connection.row(insert, &given, |row| row.count("number")).await? {
        return Ok(new.numbered(name, number));
    }
    // A feed has one open run at most.
    let open = unfinished(connection, feed).await?;
    open.ok_or_else(|| StoreError::Failed("a run is in the way that is not there".into()))
}

/// Writes down what was decided of the open run.
pub(super) async fn gate(
    connection: &mut impl Connection,
    feed: i64,
    decision: &Decision,
) -> Result<(), StoreError> {
    let Decision { run, gated, settings } = decision;
    let update = "UPDATE run SET gated = $1 WHERE feed = $2 AND number = $3 AND outcome IS NULL";
    if connection.execute(update, &values![gated, feed, *run as i64]).await? != 1 {
        return Err(StoreError::not_open(*run));
    }
    if let Some(settings) = settings {
        save_settings(connection, feed, settings).await?;
    }
    Ok(())
}

/// The open run names the rows that were recorded last.
pub(super) async fn name_unsent(
    connection: &mut impl Connection,
    feed: i64,
    unsent: Option<Unsent>,
) -> Result<(), StoreError> {
    let update = "UPDATE run SET unsent = $1 WHERE feed = $2 AND outcome IS NULL";
    let unsent = unsent.map(Unsent::to_bytes);
    connection.execute(update, &values![unsent.as_ref().map(<[u8; _]>::as_slice), feed]).await?;
    Ok(())
}

/// Ends the open run and moves the feed's marks, unless the run was abandoned.
pub(super) async fn close(
    connection: &mut impl Connection,
    feed: i64,
    number: u64,
    closing: &Closing,
) -> Result<(), StoreError> {
    let update = "UPDATE run SET outcome = $1, summary = $2, unsent = NULL
         WHERE feed = $3 AND number = $4 AND outcome IS NULL
         RETURNING marks";
    let given = values![word(closing.outcome), &closing.summary, feed, number as i64];
    let moved = connection.row(update, &given, |row| marks::from_text(&text(row, "marks")?)).await?;
    let moved = moved.ok_or_else(|| StoreError::not_open(number))?;
    if closing.outcome != Outcome::Abandoned {
        for mark in &moved {
            marks::moves(connection, feed, mark).await?;
        }
    }
    if let Some(settings) = &closing.settings {
        save_settings(connection, feed, settings).await?;
    }
    Ok(())
}

pub(super) async fn find(
    reader: &mut impl Connection,
    feed: &str,
    number: u64,
) -> Result<Option<Run>, StoreError> {
    let select = select_runs!("feed.name = $1 AND number = $2");
    reader.row(select, &values![feed, number as i64], run).await
}

/// The last that is over.
async fn last(reader: &mut impl Connection, feed: &str) -> Result<Option<Run>, StoreError> {
    let select = select_runs!("feed.name = $1 AND outcome IS NOT NULL ORDER BY number DESC LIMIT 1");
    reader.row(select, &values![feed], run).await
}

pub(super) async fn last_usable(reader: &mut impl Connection, feed: &str) -> Result<Option<Run>, StoreError> {
    let select = select_runs!(
        "feed.name = $1 AND payload <> '' AND outcome IN ('accepted', 'held')
           AND NOT (outcome = 'held' AND EXISTS (
               SELECT 1 FROM hold WHERE hold.feed = feed.name AND hold.run = number AND state = 'refused'))
         ORDER BY number DESC LIMIT 1"
    );
    reader.row(select, &values![feed], run).await
}

/// What runs were opened for.
pub(super) async fn payloads(reader: &mut impl Connection) -> Result<BTreeSet<String>, StoreError> {
    let select = "SELECT DISTINCT payload FROM run WHERE payload <> ''";
    Ok(reader.rows(select, &values![], |row| row.column("payload")).await?.into_iter().collect())
}

/// Without its last run.
fn feed_row(row: &impl StoredRow) -> Result<FeedRow, sqlx::Error> {
    Ok(FeedRow {
        feed: row.column("name")?,
        holder: row.column("holder")?,
        held_until_ms: row.column("held_until_ms")?,
        settings: row.column("settings")?,
        last_run: None,
    })
}

fn run(row: &impl StoredRow) -> Result<Run, sqlx::Error> {
    let outcome: Option<String> = row.column("outcome")?;
    let unsent: Option<Vec<u8>> = row.column("unsent")?;
    Ok(Run {
        feed: row.column("feed_name")?,
        number: row.count("number")?,
        payload: row.column("payload")?,
        name: row.column("name")?,
        opened_ms: row.column("opened_ms")?,
        marks: marks::from_text(&text(row, "marks")?)?,
        cause: row.column("cause")?,
        gated: row.column("gated")?,
        unsent: unsent.as_deref().map(unsent_of).transpose()?,
        outcome: outcome.as_deref().map(outcome_of).transpose()?,
        summary: row.column("summary")?,
    })
}

fn text(row: &impl StoredRow, name: &'static str) -> Result<String, sqlx::Error> {
    row.column(name)
}

fn unsent_of(bytes: &[u8]) -> Result<Unsent, sqlx::Error> {
    Unsent::from_bytes(bytes).ok_or_else(|| sqlx::Error::Decode("a run names rows in another way".into()))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "accepted",
        Outcome::Held => "held",
        Outcome::Refused => "refused",
        Outcome::Abandoned => "abandoned",
    }
}

fn outcome_of(stored: &str) -> Result<Outcome, sqlx::Error> {
    use Outcome::{Abandoned, Accepted, Held, Refused};
    known(
        &[Accepted, Held, Refused, Abandoned],
        |outcome| word(outcome) == stored,
        "a run has an outcome that this version does not know",
    )
}
