//! The outbox, in the file of the states.

use std::collections::BTreeSet;

use async_trait::async_trait;
use signalbox_store::outbox::{
    Again, Bundle, Claim, Entry, NewEntry, Settled, TO_LOG, Tally, WithheldBecause,
};
use signalbox_store::{Outbox, StoreError};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::SqliteState;
use super::refusal::refusal;
use super::statement::{of_list, of_rows};
use crate::engine::slices;
use crate::retention;
use crate::stored::{LISTED, TALLIES, claim, entry, limit, tallies};

#[async_trait]
impl Outbox for SqliteState {
    async fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        let mut claims = take(&mut transaction, target, now_ms, hold_ms, max).await.map_err(refusal)?;
        // SQLite returns updated rows in no promised order.
        claims.sort_by_key(|claim| claim.entry.seq);
        transaction.commit().await.map_err(refusal)?;
        Ok(claims)
    }

    async fn settle_all(
        &self,
        claims: &[Claim],
        how: Settled,
        error: Option<&str>,
    ) -> Result<usize, StoreError> {
        let (state, next_try_ms) = how.leaves();
        let mut transaction = self.db.write().await.map_err(refusal)?;
        let mut settled = 0;
        for claim in claims {
            let done = sqlx::query(
                "UPDATE outbox SET state = ?, next_try_ms = ?, last_error = ?, tried_before = tried_before + ?,
                        claimed_until_ms = NULL
                 WHERE id = ? AND attempts = ? AND claimed_until_ms IS NOT NULL",
            )
            .bind(state.as_str())
            .bind(next_try_ms)
            .bind(error)
            .bind(how.uncounted())
            .bind(claim.entry.id)
            .bind(claim.token as i64)
            .execute(&mut *transaction)
            .await
            .map_err(refusal)?;
            settled += done.rows_affected() as usize;
        }
        transaction.commit().await.map_err(refusal)?;
        Ok(settled)
    }

    async fn release_claims(&self) -> Result<(), StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        // The beginning of time, not null: until another takes the entry, its claim may still settle it.
        sqlx::query(
            "UPDATE outbox SET claimed_until_ms = ? WHERE state = 'pending' AND claimed_until_ms > ?",
        )
        .bind(i64::MIN)
        .bind(i64::MIN)
        .execute(&mut *transaction)
        .await
        .map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }

    async fn parts(&self, target: &str) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM outbox WHERE state = 'pending' AND part = 1 AND target = ? ORDER BY seq",
        )
        .bind(target)
        .fetch_all(&mut *self.db.reader().await.map_err(refusal)?)
        .await
        .map_err(refusal)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(refusal)
    }

    async fn resend(&self, which: Again<'_>, now_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        let (id, target) = match which {
            Again::Entry(id) => (Some(id), None),
            Again::Target(target) => (None, Some(target)),
        };
        let done = sqlx::query(
            "UPDATE outbox SET state = 'pending', next_try_ms = ?1, tried_before = attempts
             WHERE part = 0 AND target <> ?2
               AND (id = ?3 AND state IN ('pending', 'delivered', 'dead')
                    OR target = ?4 AND state IN ('pending', 'dead'))",
        )
        .bind(now_ms)
        .bind(TO_LOG)
        .bind(id)
        .bind(target)
        .execute(&mut *transaction)
        .await
        .map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
        Ok(done.rows_affected())
    }

    async fn hasten(&self, target: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        sqlx::query(
            "UPDATE outbox SET next_try_ms = ?1 WHERE state = 'pending' AND target = ?2 AND next_try_ms > ?1",
        )
        .bind(now_ms)
        .bind(target)
        .execute(&mut *transaction)
        .await
        .map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }

    async fn bundle(&self, bundles: &[Bundle]) -> Result<bool, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        for Bundle { parts, into } in bundles {
            if !bundle(&mut transaction, parts, into).await.map_err(refusal)? {
                return Ok(false);
            }
        }
        transaction.commit().await.map_err(refusal)?;
        Ok(true)
    }

    async fn prune(&self, before_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        sqlx::query(retention::SETTLED).bind(before_ms).execute(&mut *transaction).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }

    async fn waiting(&self, target: &str, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM outbox WHERE state = 'pending' AND target = $1 AND seq > $2 ORDER BY seq LIMIT $3 + 0",
        )
        .bind(target)
        .bind(i64::try_from(after_seq).unwrap_or(i64::MAX))
        .bind(limit(max))
        .fetch_all(&mut *self.reader().await?)
        .await
        .map_err(refusal)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(refusal)
    }

    async fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        let mut reader = self.reader().await?;
        let all = sqlx::query_as(TALLIES).fetch_all(&mut *reader).await.map_err(refusal)?;
        let listed = sqlx::query_as(LISTED).fetch_all(&mut *reader).await.map_err(refusal)?;
        tallies(all, listed).map_err(refusal)
    }

    async fn entries(&self, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query("SELECT * FROM outbox WHERE seq > ? ORDER BY seq LIMIT ? + 0")
            .bind(i64::try_from(after_seq).unwrap_or(i64::MAX))
            .bind(limit(max))
            .fetch_all(&mut *self.db.reader().await.map_err(refusal)?)
            .await
            .map_err(refusal)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(refusal)
    }
}

/// Claims what is ready of the target's [`Front`](signalbox_store::outbox::Front), whose order the condition on what
/// is `earlier` says in SQL. In no promised order.
async fn take(
    connection: &mut SqliteConnection,
    target: &str,
    now_ms: i64,
    hold_ms: i64,
    max: usize,
) -> Result<Vec<Claim>, sqlx::Error> {
    let rows = sqlx::query(
        "UPDATE outbox SET attempts = attempts + 1, claimed_until_ms = ?
         WHERE seq IN (
             SELECT seq FROM outbox AS own
             WHERE state = 'pending' AND part = 0 AND target = ? AND next_try_ms <= ?
               AND coalesce(claimed_until_ms <= ?, true)
               AND NOT EXISTS (
                   SELECT 1 FROM outbox AS earlier
                   WHERE earlier.state = 'pending' AND earlier.part = 0 AND earlier.target = own.target
                     AND earlier.lane IN (own.lane, own.target) AND earlier.seq < own.seq)
             ORDER BY seq LIMIT ? + 0)
         RETURNING *",
    )
    .bind(now_ms.saturating_add(hold_ms))
    .bind(target)
    .bind(now_ms)
    .bind(now_ms)
    .bind(limit(max))
    .fetch_all(connection)
    .await?;
    rows.iter().map(claim).collect()
}

/// Adds entries in this order, inside the caller's transaction. An entry whose id is there changes nothing.
pub(super) async fn add(connection: &mut SqliteConnection, entries: &[NewEntry]) -> Result<(), sqlx::Error> {
    // An entry that takes another back must see what stands before it, so it is a statement of its own.
    for run in entries.chunk_by(|one, next| one.cancels.is_none() && next.cancels.is_none()) {
        if let [NewEntry { cancels: Some(cancelled), .. }] = run {
            add_withdrawal(connection, &run[0], cancelled).await?;
            continue;
        }
        for slice in slices(run) {
            insert(connection, slice).await?;
        }
    }
    Ok(())
}

async fn insert(connection: &mut SqliteConnection, entries: &[NewEntry]) -> Result<u64, sqlx::Error> {
    let insert = "INSERT INTO outbox
         (id, target, lane, kind, flag_id, body, created_ms, part, state, next_try_ms, last_error) VALUES";
    let mut query = of_rows(insert, entries.len(), 11, "ON CONFLICT DO NOTHING");
    for entry in entries {
        query = query
            .bind(entry.id)
            .bind(&entry.target)
            .bind(&entry.lane)
            .bind(&entry.kind)
            .bind(entry.flag_id)
            .bind(entry.body.as_slice())
            .bind(entry.created_ms)
            .bind(entry.part)
            .bind(entry.first_state().as_str())
            .bind(entry.withheld.is_none().then_some(entry.created_ms))
            .bind(entry.withheld.map(WithheldBecause::as_str));
    }
    Ok(query.execute(connection).await?.rows_affected())
}

async fn add_withdrawal(
    connection: &mut SqliteConnection,
    entry: &NewEntry,
    cancelled: &Uuid,
) -> Result<(), sqlx::Error> {
    let is_new = insert(connection, std::slice::from_ref(entry)).await? == 1;
    // An entry cannot take itself back.
    if is_new && *cancelled != entry.id && take_back(connection, cancelled).await? {
        supersede(connection, &entry.id).await?;
    }
    Ok(())
}

/// Supersedes an entry that nobody attempted. `false`: it is not there, settled, withheld or attempted.
async fn take_back(connection: &mut SqliteConnection, id: &Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE outbox SET state = 'superseded', next_try_ms = NULL
         WHERE id = ? AND state = 'pending' AND attempts = 0",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn supersede(connection: &mut SqliteConnection, id: &Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE outbox SET state = 'superseded', next_try_ms = NULL WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// `false`: something is in the way, and the transaction is to be rolled back.
async fn bundle(
    connection: &mut SqliteConnection,
    parts: &[Uuid],
    into: &NewEntry,
) -> Result<bool, sqlx::Error> {
    let parts: Vec<&Uuid> = parts.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut bundled = 0;
    for slice in slices(&parts) {
        let update = "UPDATE outbox SET state = 'bundled', next_try_ms = NULL
             WHERE state = 'pending' AND part = 1 AND id IN";
        let mut query = of_list(update, slice.len(), "");
        for id in slice {
            query = query.bind(*id);
        }
        bundled += query.execute(&mut *connection).await?.rows_affected();
    }
    if bundled != parts.len() as u64 || is_there(connection, &into.id).await? {
        return Ok(false);
    }
    add(connection, std::slice::from_ref(into)).await?;
    Ok(true)
}

async fn is_there(connection: &mut SqliteConnection, id: &Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM outbox WHERE id = ?)")
        .bind(id)
        .fetch_one(connection)
        .await
}
