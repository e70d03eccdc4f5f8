//! Feeds in one SQLite file: runs, the ledger, the crosswalk, holds and rejects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use async_trait::async_trait;
use signalbox_store::feed::{
    Closing, CrosswalkRow, Decision, FeedLease, FeedRow, Hold, HoldState, LedgerCounts, LedgerKey, LedgerRow,
    Named, NewRun, Reject, RejectGroup, Run, Scope, Term,
};
use signalbox_store::{FeedStore, StoreError};
use sqlx::SqliteExecutor;

use super::connect::{self, Cache, Synchronous};
use super::db::{Db, Write};
use super::refusal::refusal;
use crate::{mark, migrations, retention};

mod crosswalk;
mod forget;
mod holds;
mod leases;
mod ledger;
mod rejects;
mod runs;

/// [`FeedStore`] in one SQLite file.
///
/// A call survives a crash of the process at once; a power cut may take the latest ones back, in order. What is
/// read again then gives the same events.
#[derive(Debug)]
pub struct SqliteFeeds {
    db: Db,
}

impl SqliteFeeds {
    /// Opens `feeds.db` at `path`, creates it if it is missing and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let db = connect::open(path, Synchronous::Normal, Cache::Upserts, &migrations::SQLITE_FEEDS)
            .await
            .map_err(refusal)?;
        Ok(Self { db })
    }

    /// Writes a copy of the last commit to `path`, which must not exist. Writing goes on beside it.
    pub async fn snapshot_to(&self, path: &Path) -> Result<(), StoreError> {
        super::snapshot::write(&self.db, path).await
    }

    /// A write transaction of the feed's owner, and the feed's number.
    async fn write(&self, lease: &FeedLease) -> Result<(Write, i64), StoreError> {
        let mut transaction = self.db.writer().await.map_err(refusal)?;
        let begin = "BEGIN IMMEDIATE; SELECT id FROM feed WHERE name = ?1 AND epoch = ?2";
        let feed = owned(&mut *transaction, begin, lease).await?;
        Ok((transaction, feed))
    }
}

#[async_trait]
impl FeedStore for SqliteFeeds {
    async fn lease(&self, feed: &str, term: Term<'_>) -> Result<Option<FeedLease>, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        let lease = leases::raise(&mut *transaction, feed, term, false).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
        Ok(lease)
    }

    async fn take(&self, feed: &str, term: Term<'_>) -> Result<FeedLease, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        let lease = leases::raise(&mut *transaction, feed, term, true).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
        lease.ok_or_else(|| refusal(sqlx::Error::RowNotFound))
    }

    async fn keep(&self, holder: &str, until_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        let kept = leases::keep(&mut *transaction, holder, until_ms).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
        Ok(kept)
    }

    async fn let_go(&self, holder: &str) -> Result<(), StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        leases::let_go(&mut *transaction, holder).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }

    async fn feeds(&self) -> Result<Vec<FeedRow>, StoreError> {
        let mut reader = self.db.reader().await.map_err(refusal)?;
        runs::feeds(&mut reader).await.map_err(refusal)
    }

    async fn feed(&self, feed: &str) -> Result<Option<FeedRow>, StoreError> {
        let mut reader = self.db.reader().await.map_err(refusal)?;
        runs::feed(&mut reader, feed).await.map_err(refusal)
    }

    async fn cursor(&self, feed: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let marks = sqlx::query_as::<_, (String, String)>(mark::ALL)
            .bind(feed)
            .fetch_all(&mut *self.db.reader().await.map_err(refusal)?)
            .await;
        Ok(marks.map_err(refusal)?.into_iter().collect())
    }

    async fn settings(&self, feed: &str) -> Result<Option<String>, StoreError> {
        runs::settings(&mut *self.db.reader().await.map_err(refusal)?, feed).await.map_err(refusal)
    }

    async fn save_settings(&self, lease: &FeedLease, settings: &str) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        runs::save_settings(&mut *transaction, feed, settings).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }

    async fn open(&self, lease: &FeedLease) -> Result<Option<Run>, StoreError> {
        let mut reader = self.db.reader().await.map_err(refusal)?;
        let select = "SELECT id FROM feed WHERE name = ?1 AND epoch = ?2";
        let feed = owned(&mut *reader, select, lease).await?;
        runs::unfinished(&mut *reader, feed).await.map_err(refusal)
    }

    async fn open_run(&self, lease: &FeedLease, run: NewRun) -> Result<Run, StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        let run = runs::open(&mut transaction, feed, &lease.feed, run).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
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
        if !runs::gate(&mut *transaction, feed, *run, gated, settings.as_deref()).await.map_err(refusal)? {
            return Err(StoreError::not_open(*run));
        }
        if let Some((scope, rows)) = first {
            ledger::record(&mut transaction, feed, scope, rows).await?;
        }
        transaction.commit().await.map_err(refusal)
    }

    async fn ledger(
        &self,
        feed: &str,
        scope: Scope,
        after: Option<&LedgerKey>,
        max: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let mut reader = self.db.reader().await.map_err(refusal)?;
        ledger::scan(&mut reader, feed, scope, after, max).await
    }

    async fn ledger_scopes(&self, feed: &str) -> Result<Vec<Scope>, StoreError> {
        ledger::scopes(&mut *self.db.reader().await.map_err(refusal)?, feed).await.map_err(refusal)
    }

    async fn ledger_counts(&self, feed: &str) -> Result<LedgerCounts, StoreError> {
        ledger::counts(&mut *self.db.reader().await.map_err(refusal)?, feed).await.map_err(refusal)
    }

    async fn record(&self, lease: &FeedLease, scope: Scope, rows: &[LedgerRow]) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        ledger::record(&mut transaction, feed, scope, rows).await?;
        transaction.commit().await.map_err(refusal)
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
        transaction.commit().await.map_err(refusal)
    }

    async fn run(&self, feed: &str, number: u64) -> Result<Option<Run>, StoreError> {
        runs::find(&mut *self.db.reader().await.map_err(refusal)?, feed, number).await.map_err(refusal)
    }

    async fn last_usable_run(&self, feed: &str) -> Result<Option<Run>, StoreError> {
        runs::last_usable(&mut *self.db.reader().await.map_err(refusal)?, feed).await.map_err(refusal)
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
        transaction.commit().await.map_err(refusal)
    }

    async fn crosswalk(
        &self,
        after: Option<&CrosswalkRow>,
        max: usize,
    ) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::page(&mut *self.db.reader().await.map_err(refusal)?, after, max).await.map_err(refusal)
    }

    async fn find_id(&self, what: Named, id: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::find_id(&mut *self.db.reader().await.map_err(refusal)?, what, id).await.map_err(refusal)
    }

    async fn ids_of(&self, what: Named, target: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        crosswalk::ids_of(&mut *self.db.reader().await.map_err(refusal)?, what, target).await.map_err(refusal)
    }

    async fn holds(&self, states: &[HoldState]) -> Result<Vec<Hold>, StoreError> {
        holds::in_states(&mut *self.db.reader().await.map_err(refusal)?, states).await.map_err(refusal)
    }

    async fn hold(&self, id: &str) -> Result<Option<Hold>, StoreError> {
        holds::find(&mut *self.db.reader().await.map_err(refusal)?, id).await.map_err(refusal)
    }

    async fn decide_hold(
        &self,
        id: &str,
        state: HoldState,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        let decided = holds::decide(&mut *transaction, id, state, by, reason).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
        Ok(decided)
    }

    async fn reject_groups(&self) -> Result<Vec<RejectGroup>, StoreError> {
        rejects::groups(&mut *self.db.reader().await.map_err(refusal)?).await.map_err(refusal)
    }

    async fn rejects(&self, max: usize) -> Result<Vec<Reject>, StoreError> {
        rejects::all(&mut *self.db.reader().await.map_err(refusal)?, max).await.map_err(refusal)
    }

    async fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT value FROM note WHERE name = ?")
            .bind(name)
            .fetch_optional(&mut *self.db.reader().await.map_err(refusal)?)
            .await
            .map_err(refusal)
    }

    async fn save_note(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        sqlx::query(
            "INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut *transaction)
        .await
        .map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let mut transaction = self.db.write().await.map_err(refusal)?;
        sqlx::query("INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(&mut *transaction)
            .await
            .map_err(refusal)?;
        let first = sqlx::query_scalar("SELECT value FROM note WHERE name = ?").bind(name);
        let first = first.fetch_one(&mut *transaction).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
        Ok(first)
    }

    async fn prune(&self, lease: &FeedLease, before_ms: i64) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        let runs = sqlx::query(retention::RUNS).bind(feed).bind(before_ms).bind(&lease.feed);
        runs.execute(&mut *transaction).await.map_err(refusal)?;
        let holds = sqlx::query(retention::HOLDS).bind(&lease.feed).bind(before_ms);
        holds.execute(&mut *transaction).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }

    async fn payloads(&self) -> Result<BTreeSet<String>, StoreError> {
        let payloads = sqlx::query_scalar(retention::PAYLOADS)
            .fetch_all(&mut *self.db.reader().await.map_err(refusal)?)
            .await;
        Ok(payloads.map_err(refusal)?.into_iter().collect())
    }

    async fn forget(&self, lease: &FeedLease) -> Result<(), StoreError> {
        let (mut transaction, feed) = self.write(lease).await?;
        forget::feed(&mut transaction, feed, &lease.feed).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)
    }
}

/// The feed's number, if the lease is its last one.
async fn owned(
    executor: impl SqliteExecutor<'_>,
    select: &'static str,
    lease: &FeedLease,
) -> Result<i64, StoreError> {
    sqlx::query_scalar(select)
        .bind(&lease.feed)
        .bind(lease.epoch as i64)
        .fetch_optional(executor)
        .await
        .map_err(refusal)?
        .ok_or(StoreError::Fenced)
}
