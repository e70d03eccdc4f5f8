//! The outbox: what is alike in both databases. `adding`: how entries come in; `amending`: what becomes of them;
//! `again`: what a person sends once more; `entry`: what stands in a row.

mod adding;
mod again;
mod amending;
mod entry;

use async_trait::async_trait;
use signalbox_store::outbox::{Again, Amendment, Bundle, Claim, Entry, NewEntry, Settled, Tally};
use signalbox_store::{Outbox, StoreError};
use uuid::Uuid;

use super::States;
use crate::engine::{Connection, Engine, values};
use crate::stored::limit;
use adding::add;
use amending::amend;
pub(crate) use entry::claim_row;
use entry::{entry_row, tallies, tally_row};

/// What each database does in its own way.
pub(crate) trait OutboxEngine: Engine {
    /// Claims what is ready of the target's [`Front`](signalbox_store::outbox::Front), in no promised order.
    fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> impl Future<Output = Result<Vec<Claim>, StoreError>> + Send;

    /// How many claims it ended.
    fn settle(
        &self,
        claims: &[Claim],
        how: Settled,
        error: Option<&str>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Called first by whoever may change entries that others may change too: one waits for the other's end, and neither for
    /// what the other holds.
    fn take_turns(connection: &mut Self::Connection) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Called before entries are written: what is claimed until the transaction's end does not overtake them.
    fn keep_order(
        connection: &mut Self::Connection,
        entries: &[NewEntry],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes pending parts bundled ones of `into`, and says how many. None is named twice.
    fn bundle_parts(
        connection: &mut Self::Connection,
        parts: &[Uuid],
        into: Uuid,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// Adds entries and does what is to become of others, inside the caller's transaction.
pub(crate) async fn write<E: OutboxEngine>(
    connection: &mut E::Connection,
    entries: &[NewEntry],
    amendments: &[Amendment],
) -> Result<(), StoreError> {
    // A list is taken apart with all its parts, whoever wrote them.
    if !amendments.is_empty() || entries.iter().any(|entry| entry.end_of.is_some()) {
        E::take_turns(connection).await?;
    }
    add::<E>(connection, entries).await?;
    for amendment in amendments {
        amend(connection, *amendment).await?;
    }
    Ok(())
}

#[async_trait]
impl<E: OutboxEngine> Outbox for States<E> {
    async fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let mut claims = self.engine.claim(target, now_ms, hold_ms, max).await?;
        claims.sort_by_key(|claim| claim.entry.seq);
        Ok(claims)
    }

    async fn settle_all(
        &self,
        claims: &[Claim],
        how: Settled,
        error: Option<&str>,
    ) -> Result<usize, StoreError> {
        let settled = self.engine.settle(claims, how, error).await?;
        Ok(settled as usize)
    }

    async fn release_claims(&self) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        E::take_turns(&mut transaction).await?;
        // The beginning of time, not null: until another takes the entry, its claim may still settle it.
        let update =
            "UPDATE outbox SET claimed_until_ms = $1 WHERE state = 'pending' AND claimed_until_ms > $1";
        transaction.execute(update, &values![i64::MIN]).await?;
        E::commit(transaction).await
    }

    async fn parts(&self, target: &str) -> Result<Vec<Entry>, StoreError> {
        let select = "SELECT * FROM outbox WHERE state = 'pending' AND part AND target = $1 ORDER BY seq";
        self.engine.reader().await?.rows(select, &values![target], entry_row).await
    }

    async fn resend(&self, which: Again<'_>, now_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.engine.write().await?;
        E::take_turns(&mut transaction).await?;
        let made_due = again::resend(&mut *transaction, which, now_ms).await?;
        E::commit(transaction).await?;
        Ok(made_due)
    }

    async fn hasten(&self, target: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        E::take_turns(&mut transaction).await?;
        let update =
            "UPDATE outbox SET next_try_ms = $1 WHERE state = 'pending' AND target = $2 AND next_try_ms > $1";
        transaction.execute(update, &values![now_ms, target]).await?;
        E::commit(transaction).await
    }

    async fn bundle(&self, bundles: &[Bundle]) -> Result<bool, StoreError> {
        let mut transaction = self.engine.write().await?;
        E::take_turns(&mut transaction).await?;
        for Bundle { parts, into } in bundles {
            if !adding::bundle::<E>(&mut transaction, parts, into).await? {
                return Ok(false);
            }
        }
        E::commit(transaction).await?;
        Ok(true)
    }

    async fn prune(&self, before_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        E::take_turns(&mut transaction).await?;
        // A dead one waits for a person, and so do its parts; those of one that is to be sent say whether it may.
        let delete = "DELETE FROM outbox WHERE created_ms < $1
             AND state IN ('delivered', 'superseded', 'withheld', 'bundled')
             AND NOT (state = 'bundled' AND bundled_into IN (SELECT id FROM outbox WHERE state IN ('pending', 'dead')))";
        transaction.execute(delete, &values![before_ms]).await?;
        E::commit(transaction).await
    }

    async fn waiting(&self, target: &str, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError> {
        let select = "SELECT * FROM outbox WHERE state = 'pending' AND target = $1 AND seq > $2
             ORDER BY seq LIMIT $3 + 0";
        let given = values![target, stored_seq(after_seq), limit(max)];
        self.engine.reader().await?.rows(select, &given, entry_row).await
    }

    async fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        let as_they_stand = "SELECT target, state, count(*) AS count FROM outbox
             GROUP BY target, state ORDER BY target, state";
        // Of those that were withheld, the ones of which a list told since.
        let listed = "SELECT target, state, count(*) AS count FROM outbox AS alert
             WHERE state = 'withheld' AND NOT part AND EXISTS (
                 SELECT 1 FROM outbox AS listed
                 WHERE listed.part AND listed.state IN ('pending', 'bundled', 'withheld')
                   AND listed.flag_id = alert.flag_id AND listed.target = alert.target)
             GROUP BY target, state ORDER BY target, state";
        let mut reader = self.engine.reader().await?;
        let as_they_stand = reader.rows(as_they_stand, &values![], tally_row).await?;
        Ok(tallies(as_they_stand, reader.rows(listed, &values![], tally_row).await?))
    }

    async fn entries(&self, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError> {
        let select = "SELECT * FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2 + 0";
        let given = values![stored_seq(after_seq), limit(max)];
        self.engine.reader().await?.rows(select, &given, entry_row).await
    }
}

/// No entry has a number beyond.
fn stored_seq(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
