//! What a person sends once more, but for what is over.

use signalbox_store::StoreError;
use signalbox_store::outbox::{Again, TO_LOG};
use uuid::Uuid;

use super::amending::take_apart;
use crate::engine::{Connection, values};
use crate::stored::Column;

/// How many it made due.
pub(super) async fn resend(
    connection: &mut impl Connection,
    which: Again<'_>,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let (id, target) = match which {
        Again::Entry(id) => (Some(id), None),
        Again::Target(target) => (None, Some(target)),
    };
    let made_anew = make_anew(connection, id, target).await?;
    let update = "UPDATE outbox SET state = 'pending', next_try_ms = $1, tried_before = attempts
         WHERE NOT part AND (NOT is_over OR state = 'pending') AND target <> $2
           AND (id = $3 AND state IN ('pending', 'delivered', 'dead')
                OR target = $4 AND state IN ('pending', 'dead'))
           AND NOT (state = 'delivered'
                AND id IN (SELECT bundled_into FROM outbox WHERE state = 'bundled' AND is_over))";
    Ok(made_anew + connection.execute(update, &values![now_ms, TO_LOG, id, target]).await?)
}

/// Takes the bundles meant apart of which a part is over, unless they wait. How many had others.
async fn make_anew(
    connection: &mut impl Connection,
    id: Option<Uuid>,
    target: Option<&str>,
) -> Result<u64, StoreError> {
    let select = "SELECT DISTINCT bundled_into FROM outbox
         WHERE state = 'bundled' AND is_over AND bundled_into IN (
             SELECT id FROM outbox
             WHERE id = $1 AND state IN ('delivered', 'dead') OR target = $2 AND state = 'dead')";
    let bundles = connection.rows(select, &values![id, target], |row| row.column("bundled_into")).await?;
    let mut made_anew = 0;
    for bundle in bundles {
        made_anew += u64::from(take_apart(connection, bundle).await?);
    }
    Ok(made_anew)
}
