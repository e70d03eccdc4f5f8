//! What the outbox does here in its own way. `claims`: who may try what.

mod claims;

use std::collections::BTreeMap;

use signalbox_store::StoreError;
use signalbox_store::outbox::{Claim, NewEntry, Settled};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use super::refusal::{commit, commit_refusal, refusal};
use super::statement::column;
use crate::engine::{Connection, values};
use crate::states::outbox::OutboxEngine;

impl OutboxEngine for PgPool {
    async fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let mut transaction = self.begin().await.map_err(refusal)?;
        claims::alone(&mut transaction, target).await?;
        let claims = claims::take(&mut transaction, target, now_ms, hold_ms, max).await.map_err(refusal)?;
        commit(transaction).await?;
        Ok(claims)
    }

    async fn settle(&self, claims: &[Claim], how: Settled, error: Option<&str>) -> Result<u64, StoreError> {
        let (state, next_try_ms) = how.leaves();
        let mut connection = self.acquire().await.map_err(refusal)?;
        let done = sqlx::query(
            "UPDATE outbox SET state = CASE WHEN is_over AND $1 = 'dead' THEN 'superseded' ELSE $1 END,
                    next_try_ms = $2, last_error = $5, claimed_until_ms = NULL,
                    tried_before = tried_before + $6, not_sent = not_sent + $7
             FROM unnest($3::uuid[], $4::integer[]) AS claim (entry, token)
             WHERE id = entry AND attempts = token
               AND (claimed_until_ms IS NOT NULL OR $1 = 'delivered' AND state IN ('withheld', 'superseded'))",
        )
        .bind(state.as_str())
        .bind(next_try_ms)
        .bind(column(claims, |claim| claim.entry.id))
        .bind(column(claims, |claim| claim.token as i32))
        .bind(error)
        .bind(how.uncounted() as i32)
        .bind(how.not_sent() as i32)
        .execute(&mut *connection)
        .await
        .map_err(commit_refusal)?;
        Ok(done.rows_affected())
    }

    async fn take_turns(connection: &mut PgConnection) -> Result<(), StoreError> {
        claims::take_turns(connection).await.map_err(refusal)
    }

    /// Numbers are given in the order of writing, but transactions may end in another. Within a lane that cannot be: it
    /// has one writer. What is written to a target's own lane holds up everything after it, so it waits until
    /// all who write to the target have ended, and they wait for it; among themselves they do not.
    async fn keep_order(connection: &mut PgConnection, entries: &[NewEntry]) -> Result<(), StoreError> {
        let mut targets: BTreeMap<&str, bool> = BTreeMap::new();
        for entry in entries {
            *targets.entry(&entry.target).or_default() |= entry.holds_up_target();
        }
        // In the order of the targets, so that no two wait for each other.
        for (target, alone) in targets {
            let lock = if alone {
                "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' writes ' || $1, 0))"
            } else {
                "SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || ' writes ' || $1, 0))"
            };
            connection.execute(lock, &values![target]).await?;
        }
        Ok(())
    }

    async fn bundle_parts(
        connection: &mut PgConnection,
        parts: &[Uuid],
        into: Uuid,
    ) -> Result<u64, StoreError> {
        let bundled = sqlx::query(
            "UPDATE outbox SET state = 'bundled', next_try_ms = NULL, bundled_into = $2
             WHERE state = 'pending' AND part AND id = ANY ($1)",
        )
        .bind(parts)
        .bind(into)
        .execute(connection)
        .await
        .map_err(refusal)?;
        Ok(bundled.rows_affected())
    }
}
