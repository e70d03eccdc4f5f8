//! How entries come into the outbox.

use std::collections::BTreeSet;

use signalbox_store::StoreError;
use signalbox_store::outbox::{Amended, Amendment, NewEntry, WithheldBecause};
use uuid::Uuid;

use super::OutboxEngine;
use super::amending::{amend, take_from_bundle};
use crate::engine::{Connection, values};

/// Adds entries in this order, inside the caller's transaction. An entry whose id is there changes nothing.
pub(crate) async fn add<E: OutboxEngine>(
    connection: &mut E::Connection,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    E::keep_order(connection, entries).await?;
    // An entry that takes another back must see what stands before it, so it is a statement of its own.
    for run in entries.chunk_by(|one, next| one.cancels.is_none() && next.cancels.is_none()) {
        match run {
            [entry @ NewEntry { cancels: Some(cancelled), .. }] => {
                add_withdrawal(connection, entry, *cancelled).await?;
            }
            run => drop(insert(connection, run).await?),
        }
    }
    Ok(())
}

/// `false`: something is in the way, and the transaction is to be rolled back.
pub(super) async fn bundle<E: OutboxEngine>(
    connection: &mut E::Connection,
    parts: &[Uuid],
    into: &NewEntry,
) -> Result<bool, StoreError> {
    // Before the rows, in the order in which a batch takes them.
    E::keep_order(connection, std::slice::from_ref(into)).await?;
    let parts: Vec<Uuid> = parts.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let bundled = E::bundle_parts(connection, &parts, into.id).await?;
    if bundled != parts.len() as u64 {
        return Ok(false);
    }
    if is_whole_again(connection, into).await? {
        return Ok(true);
    }
    if is_there(connection, into.id).await? {
        return Ok(false);
    }
    add::<E>(connection, std::slice::from_ref(into)).await?;
    Ok(true)
}

/// Whether the bundle was there, of the same parts, and taken apart: it is the same. If it arrived after all, nothing is to be
/// sent.
async fn is_whole_again(connection: &mut impl Connection, bundle: &NewEntry) -> Result<bool, StoreError> {
    let waits =
        "UPDATE outbox SET is_over = false, state = 'pending', next_try_ms = $2, tried_before = attempts
         WHERE id = $1 AND is_over AND state = 'superseded'";
    let arrived = "UPDATE outbox SET is_over = false WHERE id = $1 AND is_over AND state = 'delivered'";
    let changed = connection.execute(waits, &values![bundle.id, bundle.created_ms]).await?
        + connection.execute(arrived, &values![bundle.id]).await?;
    Ok(changed == 1)
}

/// How many were not there.
async fn insert(connection: &mut impl Connection, entries: &[NewEntry]) -> Result<u64, StoreError> {
    let insert = "INSERT INTO outbox
         (id, target, lane, kind, flag_id, body, created_ms, part, state, next_try_ms, last_error) VALUES";
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            values![
                entry.id,
                &entry.target,
                &entry.lane,
                &entry.kind,
                entry.flag_id,
                entry.body.as_slice(),
                entry.created_ms,
                entry.part,
                entry.first_state().as_str(),
                entry.withheld.is_none().then_some(entry.created_ms),
                entry.withheld.map(WithheldBecause::as_str),
            ]
        })
        .collect();
    connection.execute_rows(insert, &rows, "ON CONFLICT DO NOTHING").await
}

async fn add_withdrawal(
    connection: &mut impl Connection,
    entry: &NewEntry,
    cancelled: Uuid,
) -> Result<(), StoreError> {
    let is_new = insert(connection, std::slice::from_ref(entry)).await? == 1;
    // An entry cannot take itself back.
    if !is_new || cancelled == entry.id {
        return Ok(());
    }
    take_from_bundle(connection, cancelled, false).await?;
    if is_untouched(connection, cancelled, entry.withheld.is_none()).await? {
        for id in [cancelled, entry.id] {
            amend(connection, Amendment { id, to: Amended::Over { end: None } }).await?;
        }
        return Ok(());
    }
    amend(connection, Amendment { id: cancelled, to: Amended::Ended }).await
}

/// Whether nobody attempted the entry, nor will. `is_sent`: its withdrawal is to be sent.
async fn is_untouched(connection: &mut impl Connection, id: Uuid, is_sent: bool) -> Result<bool, StoreError> {
    // Of two that look at once, one waits: whoever claims it meanwhile has attempted it.
    let lock = "UPDATE outbox SET is_over = true
         WHERE id = $1 AND attempts = 0 AND (state = 'pending' OR state = 'withheld' AND $2)";
    Ok(connection.execute(lock, &values![id, is_sent]).await? == 1)
}

async fn is_there(connection: &mut impl Connection, id: Uuid) -> Result<bool, StoreError> {
    let select = "SELECT id FROM outbox WHERE id = $1";
    Ok(connection.row(select, &values![id], |_| Ok(())).await?.is_some())
}
