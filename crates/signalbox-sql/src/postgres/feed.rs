//! Feeds: runs, the ledger, the crosswalk, holds and rejects.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use signalbox_store::feed::{
    Closing, CrosswalkRow, Decision, FeedLease, FeedRow, Hold, HoldState, LedgerCounts, LedgerKey, LedgerRow,
    Named, NewRun, Reject, RejectGroup, Run, Scope, Term,
};
use signalbox_store::{FeedStore, StoreError};
use sqlx::postgres::PgPool;
use sqlx::{PgExecutor, Postgres, Transaction};

use super::refusal::{commit, commit_refusal, refusal};
use crate::{mark, retention};

mod crosswalk;
mod forget;
mod holds;
mod leases;
mod ledger;
mod rejects;
mod runs;

/// [`FeedStore`] in a PostgreSQL schema.
#[derive(Debug, Clone)]
pub struct PgFeeds {
    pub(super) pool: PgPool,
}

impl PgFeeds {
    /// A transaction of the feed's owner, and the feed's number. Until it ends, no other lease can be taken.
    async fn write(&self, lease: &FeedLease) -> Result<(Transaction<'static, Postgres>, i32), StoreError> {
        let mut transaction = self.pool.begin().await.map_err(refusal)?;
        let select = "SELECT id FROM feed WHERE name = $1 AND epoch = $2 FOR UPDATE";
        let feed = owned(&mut *transaction, select, lease).await?;
        Ok((transaction, feed))
    }
}

#[async_trait]
impl FeedStore for PgFeeds {
    async fn lease(&self, feed: &str, term: Term<'_>) -> Result<Option<FeedLease>, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(refusal)?;
        let lease = leases::raise(&mut transaction, feed, term, false).await.map_err(refusal)?;
        commit(transaction).await?;
        Ok(lease)
    }

    async fn take(&self, feed: &str, term: Term<'_>) -> Result<FeedLease, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(refusal)?;
        let lease = leases::raise(&mut transaction, feed, term, true).await.map_err(refusal)?;
        commit(transaction).await?;
        lease.ok_or_else(|| refusal(sqlx::Error::RowNotFound))
    }

    async fn keep(&self, holder: &str, until_ms: i64) -> Result<u64, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(refusal)?;
        leases::keep(&mut *connection, holder, until_ms).await.map_err(commit_refusal)
    }

    async fn let_go(&self, holder: &str) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await.map_err(refusal)?;
        leases::let_go(&mut *connection, holder).await.map_err(commit_refusal)
    }

    async fn feeds(&self) -> Result<Vec<FeedRow>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(refusal)?;
        runs::feeds(&mut reader).await.map_err(refusal)
    }

    async fn feed(&self, feed: &str) -> Result<Option<FeedRow>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(refusal)?;
        runs::feed(&mut reader, feed).await.map_err(refusal)
    }

    async fn cursor(&self, feed: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let marks = sqlx::query_as::<_, (String, String)>(mark::ALL).bind(feed).fetch_all(&self.pool).await;
        Ok(marks.map_err(refusal)?.into_iter().collect())
    }

    async fn settings(&self, feed: &str) -> Result<Option<String>, StoreError> {
        runs::settings(&self.pool, feed).await.map_err(refusal)
    }

    async fn save_settings(&self, lease: &FeedLease, settings: &str) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        runs::save_settings(&mut *transaction, feed, settings).await.map_err(refusal)?;
        commit(transaction).await
    }

    async fn open(&self, lease: &FeedLease) -> Result<Option<Run>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(refusal)?;
        let select = "SELECT id FROM feed WHERE name = $1 AND epoch = $2";
        let feed = owned(&mut *reader, select, lease).await?;
        runs::unfinished(&mut *reader, feed).await.map_err(refusal)
    }

    async fn open_run(&self, lease: &FeedLease, run: NewRun) -> Result<Run, StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        let run = runs::open(&mut transaction, feed, &lease.feed, run).await.map_err(refusal)?;
        commit(transaction).await?;
        Ok(run)
    }

    async fn gate_run(
        &self,
        lease: &FeedLease,
        decision: &Decision,
        first: Option<(Scope, &[LedgerRow])>,
    ) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        let Decision { run, gated, settings } = decision;
        if !runs::gate(&mut *transaction, feed, *run, gated).await.map_err(refusal)? {
            return Err(StoreError::not_open(*run));
        }
        if let Some(settings) = settings {
            runs::save_settings(&mut *transaction, feed, settings).await.map_err(refusal)?;
        }
        if let Some((scope, rows)) = first {
            ledger::record(&mut transaction, feed, scope, rows).await?;
        }
        commit(transaction).await
    }

    async fn ledger(
        &self,
        feed: &str,
        scope: Scope,
        after: Option<&LedgerKey>,
        max: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(refusal)?;
        ledger::scan(&mut reader, feed, scope, after, max).await
    }

    async fn ledger_scopes(&self, feed: &str) -> Result<Vec<Scope>, StoreError> {
        ledger::scopes(&self.pool, feed).await.map_err(refusal)
    }

    async fn ledger_counts(&self, feed: &str) -> Result<LedgerCounts, StoreError> {
        ledger::counts(&self.pool, feed).await.map_err(refusal)
    }

    async fn record(&self, lease: &FeedLease, scope: Scope, rows: &[LedgerRow]) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        ledger::record(&mut transaction, feed, scope, rows).await?;
        commit(transaction).await
    }

    async fn close_run(&self, lease: &FeedLease, number: u64, closing: Closing) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        let closed = runs::close(&mut transaction, feed, number, closing.outcome, &closing.summary).await;
        if !closed.map_err(refusal)? {
            return Err(StoreError::not_open(number));
        }
        if let Some(settings) = &closing.settings {
            runs::save_settings(&mut *transaction, feed, settings).await.map_err(refusal)?;
        }
        if let Some((groups, rejects)) = &closing.rejects {
            rejects::replace(&mut transaction, &lease.feed, groups, rejects).await.map_err(refusal)?;
        }
        holds::close(&mut transaction, &lease.feed, &closing).await.map_err(refusal)?;
        commit(transaction).await
    }

    async fn run(&self, feed: &str, number: u64) -> Result<Option<Run>, StoreError> {
        runs::find(&self.pool, feed, number).await.map_err(refusal)
    }

    async fn last_usable_run(&self, feed: &str) -> Result<Option<Run>, StoreError> {
        runs::last_usable(&self.pool, feed).await.map_err(refusal)
    }

    async fn change_crosswalk(
        &self,
        lease: &FeedLease,
        gone: &[CrosswalkRow],
        new: &[CrosswalkRow],
    ) -> Result<(), StoreError> {
        let (mut transaction, _) = self.write(lease).await?;
        crosswalk::remove(&mut transaction, gone).await.map_err(refusal)?;
        crosswalk::add(&mut transaction, new).await.map_err(refusal)?;
        commit(transaction).await
    }

    async fn crosswalk(
        &self,
        after: Option<&CrosswalkRow>,
        max: usize,
    ) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::page(&self.pool, after, max).await.map_err(refusal)
    }

    async fn find_id(&self, what: Named, id: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::find_id(&self.pool, what, id).await.map_err(refusal)
    }

    async fn ids_of(&self, what: Named, target: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::ids_of(&self.pool, what, target).await.map_err(refusal)
    }

    async fn holds(&self, states: &[HoldState]) -> Result<Vec<Hold>, StoreError> {
        holds::in_states(&self.pool, states).await.map_err(refusal)
    }

    async fn hold(&self, id: &str) -> Result<Option<Hold>, StoreError> {
        holds::find(&self.pool, id).await.map_err(refusal)
    }

    async fn decide_hold(
        &self,
        id: &str,
        state: HoldState,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(refusal)?;
        holds::decide(&mut *connection, id, state, by, reason).await.map_err(commit_refusal)
    }

    async fn reject_groups(&self) -> Result<Vec<RejectGroup>, StoreError> {
        rejects::groups(&self.pool).await.map_err(refusal)
    }

    async fn rejects(&self, max: usize) -> Result<Vec<Reject>, StoreError> {
        rejects::all(&self.pool, max).await.map_err(refusal)
    }

    async fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT value FROM note WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(refusal)
    }

    async fn save_note(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await.map_err(refusal)?;
        sqlx::query(
            "INSERT INTO note (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut *connection)
        .await
        .map_err(commit_refusal)?;
        Ok(())
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(refusal)?;
        sqlx::query("INSERT INTO note (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(&mut *connection)
            .await
            .map_err(commit_refusal)?;
        let first = sqlx::query_scalar("SELECT value FROM note WHERE name = $1").bind(name);
        first.fetch_one(&mut *connection).await.map_err(refusal)
    }

    async fn prune(&self, lease: &FeedLease, before_ms: i64) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        let runs = sqlx::query(retention::RUNS).bind(feed).bind(before_ms).bind(&lease.feed);
        runs.execute(&mut *transaction).await.map_err(refusal)?;
        let holds = sqlx::query(retention::HOLDS).bind(&lease.feed).bind(before_ms);
        holds.execute(&mut *transaction).await.map_err(refusal)?;
        commit(transaction).await
    }

    async fn payloads(&self) -> Result<BTreeSet<String>, StoreError> {
        let payloads = sqlx::query_scalar(retention::PAYLOADS).fetch_all(&self.pool).await;
        Ok(payloads.map_err(refusal)?.into_iter().collect())
    }

    async fn forget(&self, lease: &FeedLease) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        forget::feed(&mut transaction, feed, &lease.feed).await.map_err(refusal)?;
        commit(transaction).await
    }
}

/// The feed's number, if the lease is its last one.
async fn owned(
    executor: impl PgExecutor<'_>,
    select: &'static str,
    lease: &FeedLease,
) -> Result<i32, StoreError> {
    sqlx::query_scalar(select)
        .bind(&lease.feed)
        .bind(lease.epoch as i64)
        .fetch_optional(executor)
        .await
        .map_err(refusal)?
        .ok_or(StoreError::Fenced)
}
