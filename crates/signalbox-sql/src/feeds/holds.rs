//! Payloads that wait for a person.

use signalbox_store::StoreError;
use signalbox_store::feed::HoldState::{Approved, Done, Refused, Superseded, Waiting};
use signalbox_store::feed::{Closing, Hold, HoldState, Superseded as Supersedes};

use crate::engine::{Connection, Value, values};
use crate::stored::{StoredRow, known};

const STATES: [HoldState; 5] = [Waiting, Approved, Refused, Superseded, Done];

/// What closing a run does to holds; earlier ones are superseded before a new one is opened.
pub(super) async fn close(
    connection: &mut impl Connection,
    feed: &str,
    closing: &Closing,
) -> Result<(), StoreError> {
    let over = closing.decided_hold.as_ref();
    let but_for = over.map(|(id, _)| id.as_str());
    match &closing.superseded {
        Supersedes::None => {}
        Supersedes::All => supersede(connection, feed, None, but_for).await?,
        Supersedes::These(ids) => {
            for id in ids {
                supersede(connection, feed, Some(id), but_for).await?;
            }
        }
    }
    if let Some((id, state)) = over {
        let update = "UPDATE hold SET state = $1 WHERE id = $2 AND state = 'approved'";
        connection.execute(update, &values![word(*state), id]).await?;
    }
    if let Some(hold) = &closing.hold {
        open(connection, hold).await?;
    }
    Ok(())
}

/// One, or all.
async fn supersede(
    connection: &mut impl Connection,
    feed: &str,
    id: Option<&str>,
    but_for: Option<&str>,
) -> Result<(), StoreError> {
    let update = "UPDATE hold SET state = 'superseded'
         WHERE feed = $1 AND ($2 IS NULL OR id = $2) AND state IN ('waiting', 'approved')
           AND id IS DISTINCT FROM $3";
    connection.execute(update, &values![feed, id, but_for]).await?;
    Ok(())
}

async fn open(connection: &mut impl Connection, hold: &Hold) -> Result<(), StoreError> {
    let insert =
        "INSERT INTO hold (id, feed, run, reason, would_end, schools, since_ms, state, decided_by, decided_reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET
             feed = excluded.feed, run = excluded.run, reason = excluded.reason, would_end = excluded.would_end,
             schools = excluded.schools, since_ms = excluded.since_ms, state = excluded.state,
             decided_by = excluded.decided_by, decided_reason = excluded.decided_reason";
    let given = values![
        &hold.id,
        &hold.feed,
        hold.run as i64,
        &hold.reason,
        hold.would_end as i64,
        &hold.schools,
        hold.since_ms,
        word(hold.state),
        &hold.decided_by,
        &hold.decided_reason,
    ];
    connection.execute(insert, &given).await?;
    Ok(())
}

/// Oldest first.
pub(super) async fn in_states(
    reader: &mut impl Connection,
    states: &[HoldState],
) -> Result<Vec<Hold>, StoreError> {
    let select = "SELECT * FROM hold WHERE state IN ($1, $2, $3, $4, $5) ORDER BY since_ms, id";
    let wanted = STATES.map(|state| Value::from(states.contains(&state).then_some(word(state))));
    reader.rows(select, &wanted, hold).await
}

pub(super) async fn find(reader: &mut impl Connection, id: &str) -> Result<Option<Hold>, StoreError> {
    reader.row("SELECT * FROM hold WHERE id = $1", &values![id], hold).await
}

/// `false`: no hold of that id waits.
pub(super) async fn decide(
    connection: &mut impl Connection,
    id: &str,
    state: HoldState,
    by: &str,
    reason: &str,
) -> Result<bool, StoreError> {
    let update = "UPDATE hold SET state = $1, decided_by = $2, decided_reason = $3 WHERE id = $4 AND state = 'waiting'";
    Ok(connection.execute(update, &values![word(state), by, reason, id]).await? == 1)
}

fn hold(row: &impl StoredRow) -> Result<Hold, sqlx::Error> {
    let state: String = row.column("state")?;
    let unknown = "a hold is in a state that this version does not know";
    Ok(Hold {
        id: row.column("id")?,
        feed: row.column("feed")?,
        run: row.count("run")?,
        reason: row.column("reason")?,
        would_end: row.count("would_end")?,
        schools: row.column("schools")?,
        since_ms: row.column("since_ms")?,
        state: known(&STATES, |one| word(one) == state, unknown)?,
        decided_by: row.column("decided_by")?,
        decided_reason: row.column("decided_reason")?,
    })
}

fn word(state: HoldState) -> &'static str {
    match state {
        Waiting => "waiting",
        Approved => "approved",
        Refused => "refused",
        Superseded => "superseded",
        Done => "done",
    }
}
