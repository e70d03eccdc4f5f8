//! What the outbox does here in its own way.

use signalbox_store::StoreError;
use signalbox_store::outbox::{Claim, NewEntry, Settled};
use uuid::Uuid;

use super::db::Db;
use super::refusal::refusal;
use super::statement::of_list;
use crate::engine::{Connection, Engine, slices, values};
use crate::states::outbox::{OutboxEngine, claim_row};
use crate::stored::limit;

impl OutboxEngine for Db {
    /// The condition on what is `earlier` says in SQL what the order of a
    /// [`Front`](signalbox_store::outbox::Front) is.
    async fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let update = "UPDATE outbox SET attempts = attempts + 1, claimed_until_ms = $1
             WHERE seq IN (
                 SELECT seq FROM outbox AS own
                 WHERE state = 'pending' AND part = 0 AND target = $2 AND next_try_ms <= $3
                   AND coalesce(claimed_until_ms <= $3, true)
                   AND NOT EXISTS (
                       SELECT 1 FROM outbox AS earlier
                       WHERE earlier.state = 'pending' AND earlier.part = 0 AND earlier.target = own.target
                         AND earlier.lane IN (own.lane, own.target) AND earlier.seq < own.seq)
                 ORDER BY seq LIMIT $4 + 0)
             RETURNING *";
        let mut transaction = Engine::write(self).await?;
        let given = values![now_ms.saturating_add(hold_ms), target, now_ms, limit(max)];
        let claims = transaction.rows(update, &given, claim_row).await?;
        Self::commit(transaction).await?;
        Ok(claims)
    }

    async fn settle(&self, claims: &[Claim], how: Settled, error: Option<&str>) -> Result<u64, StoreError> {
        let update = "UPDATE outbox SET state = CASE WHEN is_over AND $1 = 'dead' THEN 'superseded' ELSE $1 END,
                next_try_ms = $2, last_error = $3, claimed_until_ms = NULL,
                tried_before = tried_before + $4, not_sent = not_sent + $5
             WHERE id = $6 AND attempts = $7
               AND (claimed_until_ms IS NOT NULL OR $1 = 'delivered' AND state IN ('withheld', 'superseded'))";
        let (state, next_try_ms) = how.leaves();
        let (uncounted, not_sent) = (i64::from(how.uncounted()), i64::from(how.not_sent()));
        let mut transaction = Engine::write(self).await?;
        let mut settled = 0;
        for Claim { token, entry } in claims {
            let given =
                values![state.as_str(), next_try_ms, error, uncounted, not_sent, entry.id, *token as i64];
            settled += transaction.execute(update, &given).await?;
        }
        Self::commit(transaction).await?;
        Ok(settled)
    }

    /// There is one writer at a time.
    async fn take_turns(_: &mut Self::Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// There is one writer at a time: numbers are given in the order in which transactions end.
    async fn keep_order(_: &mut Self::Connection, _: &[NewEntry]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn bundle_parts(
        connection: &mut Self::Connection,
        parts: &[Uuid],
        into: Uuid,
    ) -> Result<u64, StoreError> {
        let update = "UPDATE outbox SET state = 'bundled', next_try_ms = NULL, bundled_into = ?
             WHERE state = 'pending' AND part = 1 AND id IN";
        let mut bundled = 0;
        for slice in slices(parts) {
            let query = of_list(update, slice.len(), "").bind(into);
            let query = slice.iter().fold(query, |query, id| query.bind(*id));
            bundled += query.execute(&mut *connection).await.map_err(refusal)?.rows_affected();
        }
        Ok(bundled)
    }
}
