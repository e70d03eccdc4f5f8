//! The ledger's pages and counts.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerCounts, LedgerKey, LedgerRow, Scope, Unsent, are_in_order};
use sqlx::{PgConnection, PgExecutor};

use super::runs;
use crate::ledger::{self, Pages, WritePages, highest};
use crate::page::{Change, Page};
use crate::postgres::refusal::refusal;
use crate::postgres::statement::column;
use crate::stored::{limit, page};

/// The pages of one ledger.
struct PgPages<'c> {
    connection: &'c mut PgConnection,
    ledger: i32,
}

impl Pages for PgPages<'_> {
    async fn at(&mut self, key: &LedgerKey, max: usize) -> Result<Vec<Page>, StoreError> {
        pages_at(&mut *self.connection, self.ledger, key, max).await.map_err(refusal)
    }
}

impl WritePages for PgPages<'_> {
    async fn write(&mut self, pages: &[Page]) -> Result<(), StoreError> {
        write(&mut *self.connection, self.ledger, pages).await.map_err(refusal)
    }
}

/// Writes rows, and names them as unsent, inside the caller's transaction.
pub(super) async fn record(
    connection: &mut PgConnection,
    feed: i32,
    scope: Scope,
    rows: &[LedgerRow],
) -> Result<(), StoreError> {
    if !are_in_order(rows) {
        return Err(StoreError::out_of_order());
    }
    if rows.is_empty() {
        return Ok(());
    }
    let ledger = ledger_of(connection, feed, scope).await.map_err(refusal)?;
    let change = ledger::record(&mut PgPages { connection: &mut *connection, ledger }, rows).await?;
    count(connection, ledger, change, highest(rows)).await.map_err(refusal)?;
    runs::names_unsent(connection, feed, Unsent::of(scope, rows)).await.map_err(refusal)
}

/// Up to `max` rows after `after`.
pub(super) async fn scan(
    connection: &mut PgConnection,
    feed: &str,
    scope: Scope,
    after: Option<&LedgerKey>,
    max: usize,
) -> Result<Vec<LedgerRow>, StoreError> {
    let Some(ledger) = find(&mut *connection, feed, scope).await.map_err(refusal)? else {
        return Ok(Vec::new());
    };
    ledger::scan(&mut PgPages { connection, ledger }, after, max).await
}

pub(super) async fn scopes(executor: impl PgExecutor<'_>, feed: &str) -> Result<Vec<Scope>, sqlx::Error> {
    let scopes: Vec<(i32, i32)> = sqlx::query_as(
        "SELECT entity, school_year FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = $1) ORDER BY entity, school_year",
    )
    .bind(feed)
    .fetch_all(executor)
    .await?;
    Ok(scopes
        .into_iter()
        .map(|(entity, school_year)| Scope { entity: entity as u16, school_year: school_year as u16 })
        .collect())
}

pub(super) async fn counts(executor: impl PgExecutor<'_>, feed: &str) -> Result<LedgerCounts, sqlx::Error> {
    let (live, ended, unmatched, highest): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(live), 0)::bigint, coalesce(sum(ended), 0)::bigint, coalesce(sum(unmatched), 0)::bigint,
                coalesce(max(highest_revision), 0)
         FROM ledger WHERE feed = (SELECT id FROM feed WHERE name = $1)",
    )
    .bind(feed)
    .fetch_one(executor)
    .await?;
    Ok(LedgerCounts {
        live: live as u64,
        ended: ended as u64,
        unmatched: unmatched as u64,
        highest_revision: highest as u32,
    })
}

async fn ledger_of(connection: &mut PgConnection, feed: i32, scope: Scope) -> Result<i32, sqlx::Error> {
    let select = "SELECT id FROM ledger WHERE feed = $1 AND entity = $2 AND school_year = $3";
    let insert = "INSERT INTO ledger (feed, entity, school_year) VALUES ($1, $2, $3) RETURNING id";
    // The feed's row is locked: nobody else adds one in between.
    for statement in [select, insert] {
        let found = sqlx::query_scalar(statement)
            .bind(feed)
            .bind(i32::from(scope.entity))
            .bind(i32::from(scope.school_year))
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(ledger) = found {
            return Ok(ledger);
        }
    }
    Err(sqlx::Error::RowNotFound)
}

async fn find(executor: impl PgExecutor<'_>, feed: &str, scope: Scope) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = $1) AND entity = $2 AND school_year = $3",
    )
    .bind(feed)
    .bind(i32::from(scope.entity))
    .bind(i32::from(scope.school_year))
    .fetch_optional(executor)
    .await
}

/// The page that a key belongs on, and those that follow it.
async fn pages_at(
    executor: impl PgExecutor<'_>,
    ledger: i32,
    key: &LedgerKey,
    max: usize,
) -> Result<Vec<Page>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT from_key, body FROM ledger_page
         WHERE ledger = $1 AND from_key >= (
             SELECT from_key FROM ledger_page WHERE ledger = $1 AND from_key <= $2 ORDER BY from_key DESC LIMIT 1)
         ORDER BY from_key LIMIT $3",
    )
    .bind(ledger)
    .bind(key.as_slice())
    .bind(limit(max))
    .fetch_all(executor)
    .await?;
    rows.iter().map(page).collect()
}

async fn write(connection: &mut PgConnection, ledger: i32, pages: &[Page]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO ledger_page (ledger, from_key, body)
         SELECT $1, from_key, body FROM unnest($2::bytea[], $3::bytea[]) AS new (from_key, body)
         ON CONFLICT (ledger, from_key) DO UPDATE SET body = excluded.body",
    )
    .bind(ledger)
    .bind(column(pages, |page| page.from_key.as_slice()))
    .bind(column(pages, |page| page.body.as_slice()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn count(
    connection: &mut PgConnection,
    ledger: i32,
    change: Change,
    highest: u32,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE ledger SET live = live + $1, ended = ended + $2, unmatched = unmatched + $3,
                highest_revision = greatest(highest_revision, $4)
         WHERE id = $5",
    )
    .bind(change.live)
    .bind(change.ended)
    .bind(change.unmatched)
    .bind(i64::from(highest))
    .bind(ledger)
    .execute(connection)
    .await?;
    Ok(())
}
