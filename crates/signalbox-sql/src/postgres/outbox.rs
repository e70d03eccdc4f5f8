//! The outbox, in the schema of the states. `claims`: who may try what.

mod claims;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use signalbox_store::outbox::{
    Again, Bundle, Claim, Entry, NewEntry, Settled, TO_LOG, Tally, WithheldBecause,
};
use signalbox_store::{Outbox, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::PgState;
use super::refusal::{commit, commit_refusal, refusal};
use super::statement::{ROWS_AT_ONCE, column};
use crate::retention;
use crate::stored::{LISTED, TALLIES, entry, limit, tallies};

#[async_trait]
impl Outbox for PgState {
    async fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(refusal)?;
        claims::alone(&mut transaction, target).await.map_err(refusal)?;
        let mut claims =
            claims::take(&mut transaction, target, now_ms, hold_ms, max).await.map_err(refusal)?;
        commit(transaction).await?;
        // Updated rows come back in no promised order.
        claims.sort_by_key(|claim| claim.entry.seq);
        Ok(claims)
    }

    async fn settle_all(
        &self,
        claims: &[Claim],
        how: Settled,
        error: Option<&str>,
    ) -> Result<usize, StoreError> {
        let (state, next_try_ms) = how.leaves();
        let mut connection = self.pool.acquire().await.map_err(refusal)?;
        let done = sqlx::query(
            "UPDATE outbox SET state = $1, next_try_ms = $2, last_error = $5, tried_before = tried_before + $6,
                    claimed_until_ms = NULL
             FROM unnest($3::uuid[], $4::integer[]) AS claim (entry, token)
             WHERE id = entry AND attempts = token AND claimed_until_ms IS NOT NULL",
        )
        .bind(state.as_str())
        .bind(next_try_ms)
        .bind(claims.iter().map(|claim| claim.entry.id).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| claim.token as i32).collect::<Vec<_>>())
        .bind(error)
        .bind(how.uncounted() as i32)
        .execute(&mut *connection)
        .await
        .map_err(commit_refusal)?;
        Ok(done.rows_affected() as usize)
    }

    async fn release_claims(&self) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await.map_err(refusal)?;
        // The beginning of time, not null: until another takes the entry, its claim may still settle it.
        sqlx::query(
            "UPDATE outbox SET claimed_until_ms = $1 WHERE state = 'pending' AND claimed_until_ms > $1",
        )
        .bind(i64::MIN)
        .execute(&mut *connection)
        .await
        .map_err(commit_refusal)?;
        Ok(())
    }

    async fn parts(&self, target: &str) -> Result<Vec<Entry>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM outbox WHERE state = 'pending' AND part AND target = $1 ORDER BY seq")
                .bind(target)
                .fetch_all(&self.pool)
                .await
                .map_err(refusal)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(refusal)
    }

    async fn resend(&self, which: Again<'_>, now_ms: i64) -> Result<u64, StoreError> {
        let (id, target) = match which {
            Again::Entry(id) => (Some(id), None),
            Again::Target(target) => (None, Some(target)),
        };
        let done = sqlx::query(
            "UPDATE outbox SET state = 'pending', next_try_ms = $1, tried_before = attempts
             WHERE NOT part AND target <> $2
               AND (id = $3 AND state IN ('pending', 'delivered', 'dead')
                    OR target = $4 AND state IN ('pending', 'dead'))",
        )
        .bind(now_ms)
        .bind(TO_LOG)
        .bind(id)
        .bind(target)
        .execute(&self.pool)
        .await
        .map_err(commit_refusal)?;
        Ok(done.rows_affected())
    }

    async fn hasten(&self, target: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbox SET next_try_ms = $1 WHERE state = 'pending' AND target = $2 AND next_try_ms > $1",
        )
        .bind(now_ms)
        .bind(target)
        .execute(&self.pool)
        .await
        .map_err(commit_refusal)?;
        Ok(())
    }

    async fn bundle(&self, bundles: &[Bundle]) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(refusal)?;
        for Bundle { parts, into } in bundles {
            if !bundle(&mut transaction, parts, into).await.map_err(refusal)? {
                transaction.rollback().await.map_err(refusal)?;
                return Ok(false);
            }
        }
        commit(transaction).await?;
        Ok(true)
    }

    async fn prune(&self, before_ms: i64) -> Result<(), StoreError> {
        let pruned = sqlx::query(retention::SETTLED).bind(before_ms).execute(&self.pool).await;
        pruned.map(|_| ()).map_err(commit_refusal)
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
        let rows = sqlx::query("SELECT * FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(i64::try_from(after_seq).unwrap_or(i64::MAX))
            .bind(limit(max))
            .fetch_all(&self.pool)
            .await
            .map_err(refusal)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(refusal)
    }
}

/// Adds entries in this order, inside the caller's transaction. An entry whose id is there changes nothing.
pub(super) async fn add(connection: &mut PgConnection, entries: &[NewEntry]) -> Result<(), sqlx::Error> {
    keep_order(connection, entries).await?;
    // An entry that takes another back must see what stands before it, so it is a statement of its own.
    for run in entries.chunk_by(|one, next| one.cancels.is_none() && next.cancels.is_none()) {
        if let [NewEntry { cancels: Some(cancelled), .. }] = run {
            add_withdrawal(connection, &run[0], cancelled).await?;
            continue;
        }
        for slice in run.chunks(ROWS_AT_ONCE) {
            insert(connection, slice).await?;
        }
    }
    Ok(())
}

/// Numbers are given in the order of writing, but transactions may end in another. Within a lane that cannot be: it
/// has one writer. What is written to a target's own lane holds up everything after it, so it waits until
/// all who write to the target have ended, and they wait for it; among themselves they do not.
async fn keep_order(connection: &mut PgConnection, entries: &[NewEntry]) -> Result<(), sqlx::Error> {
    let mut targets: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in entries {
        *targets.entry(&entry.target).or_default() |= entry.holds_up_target();
    }
    // In the order of the targets, so that no two wait for each other.
    for (target, alone) in targets {
        let statement = if alone {
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' writes ' || $1, 0))"
        } else {
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || ' writes ' || $1, 0))"
        };
        sqlx::query(statement).bind(target).execute(&mut *connection).await?;
    }
    Ok(())
}

/// How many were not there.
async fn insert(connection: &mut PgConnection, entries: &[NewEntry]) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO outbox
             (id, target, lane, kind, flag_id, body, created_ms, part, state, next_try_ms, last_error)
         SELECT id, target, lane, kind, flag_id, body, created_ms, part, state, next_try_ms, last_error
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[], $7::bigint[],
                     $8::boolean[], $9::text[], $10::bigint[], $11::text[])
              WITH ORDINALITY AS new
              (id, target, lane, kind, flag_id, body, created_ms, part, state, next_try_ms, last_error, place)
         ORDER BY place
         ON CONFLICT DO NOTHING",
    )
    .bind(column(entries, |entry| entry.id))
    .bind(column(entries, |entry| entry.target.as_str()))
    .bind(column(entries, |entry| entry.lane.as_str()))
    .bind(column(entries, |entry| entry.kind.as_str()))
    .bind(column(entries, |entry| entry.flag_id))
    .bind(column(entries, |entry| entry.body.as_slice()))
    .bind(column(entries, |entry| entry.created_ms))
    .bind(column(entries, |entry| entry.part))
    .bind(column(entries, |entry| entry.first_state().as_str()))
    .bind(column(entries, |entry| entry.withheld.is_none().then_some(entry.created_ms)))
    .bind(column(entries, |entry| entry.withheld.map(WithheldBecause::as_str)))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn add_withdrawal(
    connection: &mut PgConnection,
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
async fn take_back(connection: &mut PgConnection, id: &Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE outbox SET state = 'superseded', next_try_ms = NULL
         WHERE id = $1 AND state = 'pending' AND attempts = 0",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn supersede(connection: &mut PgConnection, id: &Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE outbox SET state = 'superseded', next_try_ms = NULL WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// `false`: something is in the way, and the transaction is to be rolled back.
async fn bundle(connection: &mut PgConnection, parts: &[Uuid], into: &NewEntry) -> Result<bool, sqlx::Error> {
    // Before the rows, in the order in which a batch takes them.
    keep_order(connection, std::slice::from_ref(into)).await?;
    let parts: Vec<Uuid> = parts.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let bundled = sqlx::query(
        "UPDATE outbox SET state = 'bundled', next_try_ms = NULL
         WHERE state = 'pending' AND part AND id = ANY ($1)",
    )
    .bind(&parts)
    .execute(&mut *connection)
    .await?;
    if bundled.rows_affected() != parts.len() as u64 || is_there(connection, &into.id).await? {
        return Ok(false);
    }
    add(connection, std::slice::from_ref(into)).await?;
    Ok(true)
}

async fn is_there(connection: &mut PgConnection, id: &Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM outbox WHERE id = $1)")
        .bind(id)
        .fetch_one(connection)
        .await
}
