//! What becomes of entries that were written before.

use signalbox_store::StoreError;
use signalbox_store::outbox::{Amended, Amendment, WithheldBecause};
use uuid::Uuid;

use crate::engine::{Connection, values};
use crate::stored::Column;

/// Does what is to become of an entry, if it is there, inside the caller's transaction. Who has claimed it has lost it.
pub(super) async fn amend(
    connection: &mut impl Connection,
    Amendment { id, to, at_ms }: Amendment,
) -> Result<(), StoreError> {
    match to {
        Amended::Withheld(because) => withhold(connection, id, because, at_ms).await,
        Amended::ToBeSent { listed_as } => to_be_sent(connection, id, listed_as, at_ms).await,
        Amended::Ended => {
            connection.execute(OVER, &values![id]).await?;
            let update = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL
                 WHERE id = $1
                   AND (state = 'dead' OR state = 'pending' AND part OR state = 'withheld' AND attempts > not_sent)";
            connection.execute(update, &values![id]).await?;
            Ok(())
        }
        Amended::Over { end } => over(connection, id, end, at_ms).await,
    }
}

const OVER: &str = "UPDATE outbox SET is_over = true WHERE id = $1";

async fn withhold(
    connection: &mut impl Connection,
    id: Uuid,
    because: WithheldBecause,
    at_ms: i64,
) -> Result<(), StoreError> {
    take_from_bundle(connection, id, true, at_ms).await?;
    let update = "UPDATE outbox SET held = $2 WHERE id = $1";
    connection.execute(update, &values![id, because.as_str()]).await?;
    let update = "UPDATE outbox
         SET state = 'withheld', next_try_ms = NULL, claimed_until_ms = NULL, last_error = held
         WHERE id = $1 AND state IN ('pending', 'withheld')";
    connection.execute(update, &values![id]).await?;
    Ok(())
}

async fn to_be_sent(
    connection: &mut impl Connection,
    id: Uuid,
    listed_as: &str,
    at_ms: i64,
) -> Result<(), StoreError> {
    let update = "UPDATE outbox SET held = NULL WHERE id = $1";
    connection.execute(update, &values![id]).await?;
    let update = "UPDATE outbox
         SET state = 'pending', next_try_ms = $2, last_error = NULL, tried_before = attempts,
             part = part OR attempts = not_sent, kind = CASE WHEN attempts = not_sent THEN $3 ELSE kind END
         WHERE id = $1 AND state = 'withheld' AND NOT is_over";
    connection.execute(update, &values![id, at_ms, listed_as]).await?;
    Ok(())
}

async fn over(
    connection: &mut impl Connection,
    id: Uuid,
    end: Option<Uuid>,
    at_ms: i64,
) -> Result<(), StoreError> {
    take_from_bundle(connection, id, true, at_ms).await?;
    connection.execute(OVER, &values![id]).await?;
    let end_too = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL, claimed_until_ms = NULL
         WHERE id = $2 AND state = 'pending' AND EXISTS (
             SELECT 1 FROM outbox AS untried
             WHERE untried.id = $1 AND untried.attempts = untried.not_sent
               AND untried.state IN ('pending', 'withheld'))";
    connection.execute(end_too, &values![id, end]).await?;
    let update = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL, claimed_until_ms = NULL
         WHERE id = $1 AND state IN ('pending', 'dead', 'withheld')";
    connection.execute(update, &values![id]).await?;
    Ok(())
}

/// Takes the bundle apart that the part went into, if it waits; `if_tried`: also if it was tried.
pub(super) async fn take_from_bundle(
    connection: &mut impl Connection,
    part: Uuid,
    if_tried: bool,
    at_ms: i64,
) -> Result<(), StoreError> {
    // Of two that come to an entry at once, one to amend it and one to claim it or to make it a part of a bundle, the
    // second waits for the first, and sees what it did.
    let lock = "UPDATE outbox SET is_over = is_over WHERE id = $1";
    connection.execute(lock, &values![part]).await?;
    let select = "SELECT bundled_into FROM outbox WHERE id = $1 AND state = 'bundled'
         AND bundled_into IN (SELECT id FROM outbox WHERE state = 'pending' AND (attempts = not_sent OR $2))";
    let bundle = connection.row(select, &values![part, if_tried], |row| row.column("bundled_into")).await?;
    if let Some(bundle) = bundle {
        take_apart(connection, bundle, at_ms).await?;
    }
    Ok(())
}

/// Lets the parts of a bundle that are not over wait for another from now on. `false`: none does.
pub(super) async fn take_apart(
    connection: &mut impl Connection,
    bundle: Uuid,
    at_ms: i64,
) -> Result<bool, StoreError> {
    // What is left of it goes as another: itself it is not sent again.
    connection.execute(OVER, &values![bundle]).await?;
    let superseded = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL, claimed_until_ms = NULL
         WHERE id = $1 AND state <> 'delivered'";
    connection.execute(superseded, &values![bundle]).await?;
    // Of one that may have been sent it is an attempt: an end that comes meanwhile is told too.
    let tried = "UPDATE outbox SET attempts = attempts + 1
         WHERE state = 'bundled' AND bundled_into = $1 AND NOT is_over
           AND EXISTS (SELECT 1 FROM outbox AS bundle WHERE bundle.id = $1 AND bundle.attempts > bundle.not_sent)";
    connection.execute(tried, &values![bundle]).await?;
    let held = "UPDATE outbox SET state = 'withheld', last_error = held, bundled_into = NULL
         WHERE state = 'bundled' AND bundled_into = $1 AND NOT is_over AND held IS NOT NULL";
    connection.execute(held, &values![bundle]).await?;
    let others = "UPDATE outbox SET state = 'pending', next_try_ms = $2, bundled_into = NULL
         WHERE state = 'bundled' AND bundled_into = $1 AND NOT is_over";
    Ok(connection.execute(others, &values![bundle, at_ms]).await? > 0)
}
