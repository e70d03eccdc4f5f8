//! Payloads that wait for a person.

use signalbox_store::feed::{Closing, Hold, HoldState, Superseded};
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::stored::{hold, hold_word};

/// What closing a run does to holds; earlier ones are superseded before a new one is opened.
pub(super) async fn close(
    connection: &mut SqliteConnection,
    feed: &str,
    closing: &Closing,
) -> Result<(), sqlx::Error> {
    let over = closing.decided_hold.as_ref();
    match &closing.superseded {
        Superseded::None => {}
        Superseded::All => supersede(connection, feed, None, over.map(|(id, _)| id)).await?,
        Superseded::These(ids) => {
            for id in ids {
                supersede(connection, feed, Some(id), over.map(|(id, _)| id)).await?;
            }
        }
    }
    if let Some((id, state)) = over {
        sqlx::query("UPDATE hold SET state = ? WHERE id = ? AND state = 'approved'")
            .bind(hold_word(*state))
            .bind(id)
            .execute(&mut *connection)
            .await?;
    }
    if let Some(hold) = &closing.hold {
        open(connection, hold).await?;
    }
    Ok(())
}

/// One, or all.
async fn supersede(
    connection: &mut SqliteConnection,
    feed: &str,
    id: Option<&String>,
    but_for: Option<&String>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE hold SET state = 'superseded'
         WHERE feed = ?1 AND (?2 IS NULL OR id = ?2) AND state IN ('waiting', 'approved') AND id IS NOT ?3",
    )
    .bind(feed)
    .bind(id)
    .bind(but_for)
    .execute(connection)
    .await?;
    Ok(())
}

/// Oldest first.
pub(super) async fn in_states(
    executor: impl SqliteExecutor<'_>,
    states: &[HoldState],
) -> Result<Vec<Hold>, sqlx::Error> {
    let words: Vec<_> = states.iter().copied().map(hold_word).collect();
    let words = serde_json::to_string(&words).expect("words always serialise");
    let select = "SELECT * FROM hold WHERE state IN (SELECT value FROM json_each(?)) ORDER BY since_ms, id";
    let rows = sqlx::query(select).bind(words).fetch_all(executor).await?;
    rows.iter().map(hold).collect()
}

pub(super) async fn find(executor: impl SqliteExecutor<'_>, id: &str) -> Result<Option<Hold>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM hold WHERE id = ?").bind(id).fetch_optional(executor).await?;
    row.as_ref().map(hold).transpose()
}

/// `false`: no hold of that id waits.
pub(super) async fn decide(
    executor: impl SqliteExecutor<'_>,
    id: &str,
    state: HoldState,
    by: &str,
    reason: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE hold SET state = ?, decided_by = ?, decided_reason = ? WHERE id = ? AND state = 'waiting'",
    )
    .bind(hold_word(state))
    .bind(by)
    .bind(reason)
    .bind(id)
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn open(connection: &mut SqliteConnection, hold: &Hold) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT OR REPLACE INTO hold
         (id, feed, run, reason, would_end, schools, since_ms, state, decided_by, decided_reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&hold.id)
    .bind(&hold.feed)
    .bind(hold.run as i64)
    .bind(&hold.reason)
    .bind(hold.would_end as i64)
    .bind(&hold.schools)
    .bind(hold.since_ms)
    .bind(hold_word(hold.state))
    .bind(&hold.decided_by)
    .bind(&hold.decided_reason)
    .execute(connection)
    .await?;
    Ok(())
}
