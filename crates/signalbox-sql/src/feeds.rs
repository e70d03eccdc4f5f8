//! Feeds: runs, the ledger, the crosswalk, holds and rejects. The same for both databases.
//!
//! # Layout
//! - `leases`: whose a feed is; `runs`: one payload worked through; `marks`: where the feed is in its tool
//! - `ledger`: what a feed said, as pages
//! - `crosswalk`: which id names whom; `holds`: what waits for a person; `rejects`: what could not be used
//! - `notes`: what the hub wrote down; `retention`: what is forgotten after a while; `forgetting`: a feed that is removed

mod crosswalk;
mod forgetting;
mod holds;
mod leases;
mod ledger;
mod marks;
mod notes;
mod rejects;
mod retention;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use signalbox_store::feed::{
    Closing, CrosswalkRow, Decision, FeedLease, FeedRow, Hold, HoldState, LedgerCounts, LedgerKey, LedgerRow,
    Named, NewRun, Reject, RejectGroup, Run, Scope, Term,
};
use signalbox_store::{FeedStore, StoreError};

use crate::engine::{Connection, Engine, values};
use crate::stored::Column;

/// [`FeedStore`] in the tables of a database.
#[derive(Debug, Clone)]
pub struct Feeds<E> {
    pub(crate) engine: E,
}

#[async_trait]
impl<E: Engine> FeedStore for Feeds<E> {
    async fn lease(&self, feed: &str, term: Term<'_>) -> Result<Option<FeedLease>, StoreError> {
        let mut transaction = self.engine.write().await?;
        let lease = leases::raise(&mut *transaction, feed, term, false).await?;
        E::commit(transaction).await?;
        Ok(lease)
    }

    async fn take(&self, feed: &str, term: Term<'_>) -> Result<FeedLease, StoreError> {
        let mut transaction = self.engine.write().await?;
        let lease = leases::raise(&mut *transaction, feed, term, true).await?;
        E::commit(transaction).await?;
        lease.ok_or_else(|| StoreError::Failed("a feed that anybody may take was not to be had".into()))
    }

    async fn keep(&self, holder: &str, until_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.engine.write().await?;
        let kept = leases::keep(&mut *transaction, holder, until_ms).await?;
        E::commit(transaction).await?;
        Ok(kept)
    }

    async fn let_go(&self, holder: &str) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        leases::let_go(&mut *transaction, holder).await?;
        E::commit(transaction).await
    }

    async fn feeds(&self) -> Result<Vec<FeedRow>, StoreError> {
        runs::feeds(&mut *self.engine.reader().await?).await
    }

    async fn feed(&self, feed: &str) -> Result<Option<FeedRow>, StoreError> {
        runs::feed(&mut *self.engine.reader().await?, feed).await
    }

    async fn cursor(&self, feed: &str) -> Result<BTreeMap<String, String>, StoreError> {
        marks::all(&mut *self.engine.reader().await?, feed).await
    }

    async fn settings(&self, feed: &str) -> Result<Option<String>, StoreError> {
        runs::settings(&mut *self.engine.reader().await?, feed).await
    }

    async fn save_settings(&self, lease: &FeedLease, settings: &str) -> Result<(), StoreError> {
        let (mut transaction, feed) = write_own(&self.engine, lease).await?;
        runs::save_settings(&mut *transaction, feed, settings).await?;
        E::commit(transaction).await
    }

    async fn open(&self, lease: &FeedLease) -> Result<Option<Run>, StoreError> {
        let mut reader = self.engine.reader().await?;
        let given = values![&lease.feed, lease.epoch as i64];
        let feed = reader.row(OWNED, &given, |row| row.column("id")).await?.ok_or(StoreError::Fenced)?;
        runs::unfinished(&mut *reader, feed).await
    }

    async fn open_run(&self, lease: &FeedLease, run: NewRun) -> Result<Run, StoreError> {
        let (mut transaction, feed) = write_own(&self.engine, lease).await?;
        let run = runs::open(&mut *transaction, feed, &lease.feed, run).await?;
        E::commit(transaction).await?;
        Ok(run)
    }

    async fn gate_run(
        &self,
        lease: &FeedLease,
        decision: &Decision,
        first: Option<(Scope, &[LedgerRow])>,
    ) -> Result<(), StoreError> {
        let (mut transaction, feed) = write_own(&self.engine, lease).await?;
        runs::gate(&mut *transaction, feed, decision).await?;
        if let Some((scope, rows)) = first {
            ledger::record(&mut *transaction, feed, scope, rows).await?;
        }
        E::commit(transaction).await
    }

    async fn ledger(
        &self,
        feed: &str,
        scope: Scope,
        after: Option<&LedgerKey>,
        max: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        ledger::scan(&mut *self.engine.reader().await?, feed, scope, after, max).await
    }

    async fn ledger_scopes(&self, feed: &str) -> Result<Vec<Scope>, StoreError> {
        ledger::scopes(&mut *self.engine.reader().await?, feed).await
    }

    async fn ledger_counts(&self, feed: &str) -> Result<LedgerCounts, StoreError> {
        ledger::counts(&mut *self.engine.reader().await?, feed).await
    }

    async fn record(&self, lease: &FeedLease, scope: Scope, rows: &[LedgerRow]) -> Result<(), StoreError> {
        let (mut transaction, feed) = write_own(&self.engine, lease).await?;
        ledger::record(&mut *transaction, feed, scope, rows).await?;
        E::commit(transaction).await
    }

    async fn close_run(&self, lease: &FeedLease, number: u64, closing: Closing) -> Result<(), StoreError> {
        let (mut transaction, feed) = write_own(&self.engine, lease).await?;
        runs::close(&mut *transaction, feed, number, &closing).await?;
        if let Some((groups, rejects)) = &closing.rejects {
            rejects::replace(&mut *transaction, &lease.feed, groups, rejects).await?;
        }
        holds::close(&mut *transaction, &lease.feed, &closing).await?;
        E::commit(transaction).await
    }

    async fn run(&self, feed: &str, number: u64) -> Result<Option<Run>, StoreError> {
        runs::find(&mut *self.engine.reader().await?, feed, number).await
    }

    async fn last_usable_run(&self, feed: &str) -> Result<Option<Run>, StoreError> {
        runs::last_usable(&mut *self.engine.reader().await?, feed).await
    }

    async fn change_crosswalk(
        &self,
        lease: &FeedLease,
        gone: &[CrosswalkRow],
        new: &[CrosswalkRow],
    ) -> Result<(), StoreError> {
        let (mut transaction, _) = write_own(&self.engine, lease).await?;
        crosswalk::remove(&mut *transaction, gone).await?;
        crosswalk::add(&mut *transaction, new).await?;
        E::commit(transaction).await
    }

    async fn crosswalk(
        &self,
        after: Option<&CrosswalkRow>,
        max: usize,
    ) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::page(&mut *self.engine.reader().await?, after, max).await
    }

    async fn find_id(&self, what: Named, id: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::find_id(&mut *self.engine.reader().await?, what, id).await
    }

    async fn ids_of(&self, what: Named, target: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::ids_of(&mut *self.engine.reader().await?, what, target).await
    }

    async fn holds(&self, states: &[HoldState]) -> Result<Vec<Hold>, StoreError> {
        holds::in_states(&mut *self.engine.reader().await?, states).await
    }

    async fn hold(&self, id: &str) -> Result<Option<Hold>, StoreError> {
        holds::find(&mut *self.engine.reader().await?, id).await
    }

    async fn decide_hold(
        &self,
        id: &str,
        state: HoldState,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.engine.write().await?;
        let decided = holds::decide(&mut *transaction, id, state, by, reason).await?;
        E::commit(transaction).await?;
        Ok(decided)
    }

    async fn reject_groups(&self) -> Result<Vec<RejectGroup>, StoreError> {
        rejects::groups(&mut *self.engine.reader().await?).await
    }

    async fn rejects(&self, max: usize) -> Result<Vec<Reject>, StoreError> {
        rejects::all(&mut *self.engine.reader().await?, max).await
    }

    async fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        notes::find(&mut *self.engine.reader().await?, name).await
    }

    async fn save_note(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        notes::save(&mut *transaction, name, value).await?;
        E::commit(transaction).await
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let mut transaction = self.engine.write().await?;
        let first = notes::remember(&mut *transaction, name, value).await?;
        E::commit(transaction).await?;
        Ok(first)
    }

    async fn prune(&self, lease: &FeedLease, before_ms: i64) -> Result<(), StoreError> {
        let (mut transaction, feed) = write_own(&self.engine, lease).await?;
        retention::prune(&mut *transaction, feed, &lease.feed, before_ms).await?;
        E::commit(transaction).await
    }

    async fn payloads(&self) -> Result<BTreeSet<String>, StoreError> {
        runs::payloads(&mut *self.engine.reader().await?).await
    }

    async fn forget(&self, lease: &FeedLease) -> Result<(), StoreError> {
        let (mut transaction, feed) = write_own(&self.engine, lease).await?;
        forgetting::feed(&mut *transaction, feed, &lease.feed).await?;
        E::commit(transaction).await
    }
}

/// The feed's number, if the lease is its last one.
const OWNED: &str = "SELECT CAST(id AS BIGINT) AS id FROM feed WHERE name = $1 AND epoch = $2";

/// A transaction of the feed's owner, and the feed's number. Until it ends, no other lease can be taken.
async fn write_own<E: Engine>(engine: &E, lease: &FeedLease) -> Result<(E::Transaction, i64), StoreError> {
    let given = values![&lease.feed, lease.epoch as i64];
    let (transaction, feed) = engine.write_holding(OWNED, &given, |row| row.column("id")).await?;
    Ok((transaction, feed.ok_or(StoreError::Fenced)?))
}
