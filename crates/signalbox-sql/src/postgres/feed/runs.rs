//! Feeds and their runs.

use signalbox_store::feed::{FeedRow, Mark, NewRun, Outcome, Run, Unsent};
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};

use crate::mark;
use crate::stored::{feed_row, outcome_word, run};

pub(super) async fn feeds(reader: &mut PgConnection) -> Result<Vec<FeedRow>, sqlx::Error> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM feed ORDER BY name").fetch_all(&mut *reader).await?;
    let mut rows = Vec::with_capacity(names.len());
    for name in names {
        rows.extend(feed(reader, &name).await?);
    }
    Ok(rows)
}

pub(super) async fn feed(reader: &mut PgConnection, feed: &str) -> Result<Option<FeedRow>, sqlx::Error> {
    let found = sqlx::query("SELECT settings, holder, held_until_ms FROM feed WHERE name = $1")
        .bind(feed)
        .fetch_optional(&mut *reader)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let last_run = select("feed.name = $1 AND outcome IS NOT NULL ORDER BY number DESC LIMIT 1")
        .bind(feed)
        .fetch_optional(reader)
        .await?;
    let last_run = last_run.as_ref().map(run).transpose()?;
    feed_row(feed, &found, last_run).map(Some)
}

pub(super) async fn settings(
    executor: impl PgExecutor<'_>,
    feed: &str,
) -> Result<Option<String>, sqlx::Error> {
    let found: Option<Option<String>> = sqlx::query_scalar("SELECT settings FROM feed WHERE name = $1")
        .bind(feed)
        .fetch_optional(executor)
        .await?;
    Ok(found.flatten())
}

pub(super) async fn save_settings(
    executor: impl PgExecutor<'_>,
    feed: i32,
    settings: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE feed SET settings = $1 WHERE id = $2")
        .bind(settings)
        .bind(feed)
        .execute(executor)
        .await?;
    Ok(())
}

pub(super) async fn unfinished(executor: impl PgExecutor<'_>, feed: i32) -> Result<Option<Run>, sqlx::Error> {
    let found = select("run.feed = $1 AND outcome IS NULL").bind(feed).fetch_optional(executor).await?;
    found.as_ref().map(run).transpose()
}

/// The unfinished run, else a new one.
pub(super) async fn open(
    connection: &mut PgConnection,
    feed: i32,
    name: &str,
    new: NewRun,
) -> Result<Run, sqlx::Error> {
    let opened: Option<i64> = sqlx::query_scalar(
        "INSERT INTO run (feed, number, payload, name, opened_ms, marks, cause)
         VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM run WHERE feed = $1), $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING
         RETURNING number",
    )
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
    executor: impl PgExecutor<'_>,
    feed: i32,
    number: u64,
    gated: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE run SET gated = $1 WHERE feed = $2 AND number = $3 AND outcome IS NULL")
        .bind(gated)
        .bind(feed)
        .bind(number as i64)
        .execute(executor)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The open run names the rows that were recorded last.
pub(super) async fn names_unsent(
    executor: impl PgExecutor<'_>,
    feed: i32,
    unsent: Option<Unsent>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE run SET unsent = $1 WHERE feed = $2 AND outcome IS NULL")
        .bind(unsent.map(|unsent| unsent.to_bytes().to_vec()))
        .bind(feed)
        .execute(executor)
        .await?;
    Ok(())
}

/// Ends a run and moves the feed's marks, unless the run was abandoned. `false`: the run is not the open one.
pub(super) async fn close(
    connection: &mut PgConnection,
    feed: i32,
    number: u64,
    outcome: Outcome,
    summary: &str,
) -> Result<bool, sqlx::Error> {
    let closed: Option<String> = sqlx::query_scalar(
        "UPDATE run SET outcome = $1, summary = $2, unsent = NULL WHERE feed = $3 AND number = $4 AND outcome IS NULL
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

async fn move_mark(connection: &mut PgConnection, feed: i32, moved: &Mark) -> Result<(), sqlx::Error> {
    let Mark { name, value } = moved;
    let moving = match value {
        Some(value) => sqlx::query(mark::SET).bind(feed).bind(name).bind(value),
        None => sqlx::query(mark::FORGET).bind(feed).bind(name),
    };
    moving.execute(connection).await?;
    Ok(())
}

pub(super) async fn find(
    executor: impl PgExecutor<'_>,
    feed: &str,
    number: u64,
) -> Result<Option<Run>, sqlx::Error> {
    let found = select("feed.name = $1 AND number = $2")
        .bind(feed)
        .bind(number as i64)
        .fetch_optional(executor)
        .await?;
    found.as_ref().map(run).transpose()
}

pub(super) async fn last_usable(
    executor: impl PgExecutor<'_>,
    feed: &str,
) -> Result<Option<Run>, sqlx::Error> {
    let found = select(
        "feed.name = $1 AND payload <> '' AND outcome IN ('accepted', 'held')
           AND NOT (outcome = 'held' AND EXISTS (
               SELECT 1 FROM hold WHERE hold.feed = feed.name AND hold.run = number AND state = 'refused'))
         ORDER BY number DESC LIMIT 1",
    )
    .bind(feed)
    .fetch_optional(executor)
    .await?;
    found.as_ref().map(run).transpose()
}

type Select = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn select(which: &'static str) -> Select {
    let all = "SELECT feed.name AS feed_name, run.* FROM run JOIN feed ON feed.id = run.feed WHERE";
    // Both halves are written in this file: no value ever becomes part of a statement.
    sqlx::query(AssertSqlSafe(format!("{all} {which}")))
}
