//! How entries come into the outbox.

use std::collections::BTreeSet;

use signalbox_store::StoreError;
use signalbox_store::outbox::{Amended, Amendment, EndOf, NewEntry, WithheldBecause};
use uuid::Uuid;

use super::OutboxEngine;
use super::amending::{amend, take_from_bundle};
use crate::engine::{Connection, values};

/// Adds entries in this order, inside the caller's transaction. An entry whose id is there changes nothing.
pub(super) async fn add<E: OutboxEngine>(
    connection: &mut E::Connection,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    E::keep_order(connection, entries).await?;
    // An entry that tells of another's end must see what stands before it, so it is a statement of its own.
    for run in entries.chunk_by(|one, next| one.end_of.is_none() && next.end_of.is_none()) {
        match run {
            [entry @ NewEntry { end_of: Some(ended), .. }] => add_end(connection, entry, *ended).await?,
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

async fn add_end(connection: &mut impl Connection, entry: &NewEntry, ended: EndOf) -> Result<(), StoreError> {
    let is_new = insert(connection, std::slice::from_ref(entry)).await? == 1;
    // An entry cannot be its own end.
    if !is_new || ended.id == entry.id {
        return Ok(());
    }
    let at_ms = entry.created_ms;
    take_from_bundle(connection, ended.id, false, at_ms).await?;
    if meets(connection, ended, entry.withheld.is_none()).await? {
        for id in [ended.id, entry.id] {
            amend(connection, Amendment { id, to: Amended::Over { end: None }, at_ms }).await?;
        }
        return Ok(());
    }
    amend(connection, Amendment { id: ended.id, to: Amended::Ended, at_ms }).await
}

/// Whether nobody was sent the entry, nor will be. `is_sent`: its end is to be sent.
async fn meets(
    connection: &mut impl Connection,
    EndOf { id, takes_back }: EndOf,
    is_sent: bool,
) -> Result<bool, StoreError> {
    let mark = "UPDATE outbox SET is_over = true
         WHERE id = $1 AND attempts = not_sent
           AND (state = 'pending' AND (part OR $2) OR state = 'withheld' AND $3 OR state = 'dead'
                OR state = 'bundled' AND bundled_into IN (
                    SELECT id FROM outbox WHERE state = 'dead' AND attempts = not_sent))";
    Ok(connection.execute(mark, &values![id, takes_back, is_sent]).await? == 1)
}

async fn is_there(connection: &mut impl Connection, id: Uuid) -> Result<bool, StoreError> {
    let select = "SELECT id FROM outbox WHERE id = $1";
    Ok(connection.row(select, &values![id], |_| Ok(())).await?.is_some())
}
