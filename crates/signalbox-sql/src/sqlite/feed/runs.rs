//! Feeds and their runs.

use signalbox_store::feed::{FeedRow, Mark, NewRun, Outcome, Run};
use sqlx::{AssertSqlSafe, SqliteConnection, SqliteExecutor};

use crate::mark;
use crate::stored::{feed_row, outcome_word, run};

pub(super) async fn feeds(reader: &mut SqliteConnection) -> Result<Vec<FeedRow>, sqlx::Error> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM feed ORDER BY name").fetch_all(&mut *reader).await?;
    let mut rows = Vec::with_capacity(names.len());
    for name in names {
        rows.extend(feed(reader, &name).await?);
    }
    Ok(rows)
}

pub(super) async fn feed(reader: &mut SqliteConnection, feed: &str) -> Result<Option<FeedRow>, sqlx::Error> {
    let found = sqlx::query("SELECT settings, holder, held_until_ms FROM feed WHERE name = ?")
        .bind(feed)
        .fetch_optional(&mut *reader)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let last_run = select("feed.name = ? AND outcome IS NOT NULL ORDER BY number DESC LIMIT 1")
        .bind(feed)
        .fetch_optional(reader)
        .await?;
    let last_run = last_run.as_ref().map(run).transpose()?;
    feed_row(feed, &found, last_run).map(Some)
}

pub(super) async fn settings(
    executor: impl SqliteExecutor<'_>,
    feed: &str,
) -> Result<Option<String>, sqlx::Error> {
    let found: Option<Option<String>> = sqlx::query_scalar("SELECT settings FROM feed WHERE name = ?")
        .bind(feed)
        .fetch_optional(executor)
        .await?;
    Ok(found.flatten())
}

pub(super) async fn save_settings(
    executor: impl SqliteExecutor<'_>,
    feed: i64,
    settings: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE feed SET settings = ? WHERE id = ?")
        .bind(settings)
        .bind(feed)
        .execute(executor)
        .await?;
    Ok(())
}

pub(super) async fn unfinished(
    executor: impl SqliteExecutor<'_>,
    feed: i64,
) -> Result<Option<Run>, sqlx::Error> {
    let found = select("run.feed = ? AND outcome IS NULL").bind(feed).fetch_optional(executor).await?;
    found.as_ref().map(run).transpose()
}

/// The unfinished run, else a new one.
pub(super) async fn open(
    connection: &mut SqliteConnection,
    feed: i64,
    name: &str,
    new: NewRun,
) -> Result<Run, sqlx::Error> {
    let opened: Option<i64> = sqlx::query_scalar(
        "INSERT INTO run (feed, number, payload, name, opened_ms, marks, cause)
         VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM run WHERE feed = ?), ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING
         RETURNING number",
    )
    .bind(feed)
    .bind(feed)
    .bind(&new.payload)
    .bind(&new.name)
    .bind(new.opened_ms)
    .bind(mark::to_text(&new.marks))
    .bind(&new.cause)
    .fetch_optional(&mut *connection)
    .await?;
    match opened {
        Some(number) => Ok(new.numbered(name, number as u64)),
        // A feed has one open run at most.
        None => unfinished(connection, feed).await?.ok_or(sqlx::Error::RowNotFound),
    }
}

/// `false`: the run is not the open one.
pub(super) async fn gate(
    executor: impl SqliteExecutor<'_>,
    feed: i64,
    number: u64,
    gated: &str,
    settings: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE run SET gated = ?1 WHERE feed = ?2 AND number = ?3 AND outcome IS NULL;
         UPDATE feed SET settings = coalesce(?4, settings) WHERE id = ?2",
    )
    .bind(gated)
    .bind(feed)
    .bind(number as i64)
    .bind(settings)
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 2)
}

/// The open run names the rows that were recorded last.
/// Ends a run and moves the feed's marks, unless the run was abandoned. `false`: the run is not the open one.
pub(super) async fn close(
    connection: &mut SqliteConnection,
    feed: i64,
    number: u64,
    outcome: Outcome,
    summary: &str,
) -> Result<bool, sqlx::Error> {
    let closed: Option<String> = sqlx::query_scalar(
        "UPDATE run SET outcome = ?, summary = ?, unsent = NULL WHERE feed = ? AND number = ? AND outcome IS NULL
         RETURNING marks",
    )
    .bind(outcome_word(outcome))
    .bind(summary)
    .bind(feed)
    .bind(number as i64)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(marks) = &closed else { return Ok(false) };
    if outcome != Outcome::Abandoned {
        for moved in mark::from_text(marks)? {
            move_mark(&mut *connection, feed, &moved).await?;
        }
    }
    Ok(true)
}

async fn move_mark(connection: &mut SqliteConnection, feed: i64, moved: &Mark) -> Result<(), sqlx::Error> {
    let Mark { name, value } = moved;
    let moving = match value {
        Some(value) => sqlx::query(mark::SET).bind(feed).bind(name).bind(value),
        None => sqlx::query(mark::FORGET).bind(feed).bind(name),
    };
    moving.execute(connection).await?;
    Ok(())
}

pub(super) async fn find(
    executor: impl SqliteExecutor<'_>,
    feed: &str,
    number: u64,
) -> Result<Option<Run>, sqlx::Error> {
    let found = select("feed.name = ? AND number = ?")
        .bind(feed)
        .bind(number as i64)
        .fetch_optional(executor)
        .await?;
    found.as_ref().map(run).transpose()
}

pub(super) async fn last_usable(
    executor: impl SqliteExecutor<'_>,
    feed: &str,
) -> Result<Option<Run>, sqlx::Error> {
    let found = select(
        "feed.name = ? AND payload <> '' AND outcome IN ('accepted', 'held')
           AND NOT (outcome = 'held' AND EXISTS (
               SELECT 1 FROM hold WHERE hold.feed = feed.name AND hold.run = number AND state = 'refused'))
         ORDER BY number DESC LIMIT 1",
    )
    .bind(feed)
    .fetch_optional(executor)
    .await?;
    found.as_ref().map(run).transpose()
}

type Select = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn select(which: &'static str) -> Select {
    let all = "SELECT feed.name AS feed_name, run.* FROM run JOIN feed ON feed.id = run.feed WHERE";
    // Both halves are written in this file: no value ever becomes part of a statement.
    sqlx::query(AssertSqlSafe(format!("{all} {which}")))
}
