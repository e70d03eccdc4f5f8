//! What a person sends once more. Nobody is told of a flag after its end.

use signalbox_store::StoreError;
use signalbox_store::outbox::{Again, TO_LOG};
use uuid::Uuid;

use crate::engine::{Connection, values};
use crate::stored::Column;

/// Its target was told that its flag is over, or is to be told. Never null, so that it can be denied.
macro_rules! over {
    () => {
        "flag_id IS NOT NULL AND (flag_id, target) IN (SELECT flag_id, target FROM outbox
            WHERE kind IN ('risk.flag.cleared', 'risk.flag.withdrawn')
              AND state NOT IN ('superseded', 'withheld') AND flag_id IS NOT NULL)"
    };
}

/// How many it made due.
pub(super) async fn resend(
    connection: &mut impl Connection,
    which: Again<'_>,
    now_ms: i64,
) -> Result<u64, StoreError> {
    supersede_given_up(connection).await?;
    let (id, target) = match which {
        Again::Entry(id) => (Some(id), None),
        Again::Target(target) => (None, Some(target)),
    };
    let made_anew = unbundle(connection, id, target, now_ms).await?;
    let update = concat!(
        "UPDATE outbox SET state = 'pending', next_try_ms = $1, tried_before = attempts
         WHERE NOT part AND target <> $2
           AND (id = $3 AND state IN ('pending', 'delivered', 'dead')
                OR target = $4 AND state IN ('pending', 'dead'))
           AND NOT (kind = 'risk.flag.raised' AND ",
        over!(),
        ")"
    );
    Ok(made_anew + connection.execute(update, &values![now_ms, TO_LOG, id, target]).await?)
}

/// Supersedes what raises a flag that is over and was given up.
pub(super) async fn supersede_given_up(connection: &mut impl Connection) -> Result<(), StoreError> {
    let update = concat!(
        "UPDATE outbox SET state = 'superseded', next_try_ms = NULL
         WHERE kind = 'risk.flag.raised' AND state = 'dead' AND ",
        over!()
    );
    connection.execute(update, &values![]).await?;
    Ok(())
}

/// Supersedes the bundles meant, unless they wait, that tell of a flag that is over. Their other parts wait for another
/// bundle. How many had others.
async fn unbundle(
    connection: &mut impl Connection,
    id: Option<Uuid>,
    target: Option<&str>,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let select = concat!(
        "SELECT DISTINCT bundled_into FROM outbox WHERE state = 'bundled' AND bundled_into IN (
             SELECT id FROM outbox
             WHERE id = $1 AND state IN ('delivered', 'dead') OR target = $2 AND state = 'dead') AND ",
        over!()
    );
    let bundles = connection.rows(select, &values![id, target], |row| row.column("bundled_into")).await?;
    let mut made_anew = 0;
    for bundle in bundles {
        made_anew += u64::from(take_apart(connection, bundle, now_ms).await?);
    }
    Ok(made_anew)
}

/// Whether any part waits for another bundle.
async fn take_apart(connection: &mut impl Connection, bundle: Uuid, now_ms: i64) -> Result<bool, StoreError> {
    let superseded = "UPDATE outbox SET state = 'superseded', next_try_ms = NULL WHERE id = $1";
    connection.execute(superseded, &values![bundle]).await?;
    let over = concat!(
        "UPDATE outbox SET state = 'superseded' WHERE state = 'bundled' AND bundled_into = $1 AND ",
        over!()
    );
    connection.execute(over, &values![bundle]).await?;
    // An attempt: the bundle may have been told, so an end that comes meanwhile is told too.
    let others =
        "UPDATE outbox SET state = 'pending', next_try_ms = $2, attempts = attempts + 1, bundled_into = NULL
         WHERE state = 'bundled' AND bundled_into = $1";
    Ok(connection.execute(others, &values![bundle, now_ms]).await? > 0)
}
