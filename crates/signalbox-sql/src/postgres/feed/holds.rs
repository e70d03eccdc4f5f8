//! Payloads that wait for a person.

use signalbox_store::feed::{Closing, Hold, HoldState, Superseded};
use sqlx::{PgConnection, PgExecutor};

use crate::stored::{hold, hold_word};

/// What closing a run does to holds; earlier ones are superseded before a new one is opened.
pub(super) async fn close(
    connection: &mut PgConnection,
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
        sqlx::query("UPDATE hold SET state = $1 WHERE id = $2 AND state = 'approved'")
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
    connection: &mut PgConnection,
    feed: &str,
    id: Option<&String>,
    but_for: Option<&String>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE hold SET state = 'superseded'
         WHERE feed = $1 AND ($2::text IS NULL OR id = $2) AND state IN ('waiting', 'approved')
           AND id IS DISTINCT FROM $3",
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
    executor: impl PgExecutor<'_>,
    states: &[HoldState],
) -> Result<Vec<Hold>, sqlx::Error> {
    let words: Vec<_> = states.iter().copied().map(hold_word).collect();
    let select = "SELECT * FROM hold WHERE state = ANY($1) ORDER BY since_ms, id";
    let rows = sqlx::query(select).bind(words).fetch_all(executor).await?;
    rows.iter().map(hold).collect()
}

pub(super) async fn find(executor: impl PgExecutor<'_>, id: &str) -> Result<Option<Hold>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM hold WHERE id = $1").bind(id).fetch_optional(executor).await?;
    row.as_ref().map(hold).transpose()
}

/// `false`: no hold of that id waits.
pub(super) async fn decide(
    executor: impl PgExecutor<'_>,
    id: &str,
    state: HoldState,
    by: &str,
    reason: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE hold SET state = $1, decided_by = $2, decided_reason = $3 WHERE id = $4 AND state = 'waiting'",
    )
    .bind(hold_word(state))
    .bind(by)
    .bind(reason)
    .bind(id)
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn open(connection: &mut PgConnection, hold: &Hold) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO hold (id, feed, run, reason, would_end, schools, since_ms, state, decided_by, decided_reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET
             feed = excluded.feed, run = excluded.run, reason = excluded.reason, would_end = excluded.would_end,
             schools = excluded.schools, since_ms = excluded.since_ms, state = excluded.state,
             decided_by = excluded.decided_by, decided_reason = excluded.decided_reason",
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
