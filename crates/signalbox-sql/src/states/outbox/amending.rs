//! What becomes of entries that were written before.

use signalbox_store::StoreError;
use signalbox_store::outbox::{Amended, Amendment};
use uuid::Uuid;

use crate::engine::{Connection, values};
use crate::stored::Column;

/// Does what is to become of an entry, if it is there, inside the caller's transaction. Who has claimed it has lost it.
pub(crate) async fn amend(
    connection: &mut impl Connection,
    Amendment { id, to }: Amendment,
) -> Result<(), StoreError> {
    match to {
        Amended::Withheld(because) => {
            take_from_bundle(connection, id).await?;
            let update = "UPDATE outbox
                 SET state = 'withheld', next_try_ms = NULL, claimed_until_ms = NULL, last_error = $2
                 WHERE id = $1 AND state IN ('pending', 'dead')";
            connection.execute(update, &values![id, because.as_str()]).await?;
        }
        Amended::ToBeSent { at_ms } => {
            let update = "UPDATE outbox
                 SET state = 'pending', next_try_ms = $2, last_error = NULL, tried_before = attempts
                 WHERE id = $1 AND state = 'withheld' AND NOT is_over";
            connection.execute(update, &values![id, at_ms]).await?;
        }
        Amended::Ended => {
            connection.execute("UPDATE outbox SET is_over = true WHERE id = $1", &values![id]).await?;
            let update = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL
                 WHERE id = $1 AND (state = 'dead' OR state = 'pending' AND part OR state = 'withheld' AND attempts > 0)";
            connection.execute(update, &values![id]).await?;
        }
        Amended::Over => {
            take_from_bundle(connection, id).await?;
            connection.execute("UPDATE outbox SET is_over = true WHERE id = $1", &values![id]).await?;
            let update = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL, claimed_until_ms = NULL
                 WHERE id = $1 AND state IN ('pending', 'dead', 'withheld')";
            connection.execute(update, &values![id]).await?;
        }
    }
    Ok(())
}

/// Takes the bundle apart that the part went into, unless it was sent.
async fn take_from_bundle(connection: &mut impl Connection, part: Uuid) -> Result<(), StoreError> {
    let select = "SELECT bundled_into FROM outbox WHERE id = $1 AND state = 'bundled'
         AND bundled_into IN (SELECT id FROM outbox WHERE state IN ('pending', 'dead'))";
    if let Some(bundle) = connection.row(select, &values![part], |row| row.column("bundled_into")).await? {
        take_apart(connection, bundle).await?;
    }
    Ok(())
}

/// Lets the parts of a bundle that are not over wait for another. `false`: all are.
pub(super) async fn take_apart(connection: &mut impl Connection, bundle: Uuid) -> Result<bool, StoreError> {
    let superseded = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL, claimed_until_ms = NULL
         WHERE id = $1 AND state <> 'delivered'";
    connection.execute(superseded, &values![bundle]).await?;
    // An attempt: the bundle may have been sent, so an end that comes meanwhile is told too.
    let others = "UPDATE outbox
         SET state = 'pending', next_try_ms = created_ms, attempts = attempts + 1, bundled_into = NULL
         WHERE state = 'bundled' AND bundled_into = $1 AND NOT is_over";
    Ok(connection.execute(others, &values![bundle]).await? > 0)
}
