//! The ledger's pages and counts.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerCounts, LedgerKey, LedgerRow, Scope, Unsent, are_in_order};
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::ledger::{self, Pages, WritePages, highest};
use crate::page::{Change, Page};
use crate::sqlite::refusal::refusal;
use crate::sqlite::statement::{of_rows, slices};
use crate::stored::{limit, page};

/// The pages of one ledger.
struct SqlitePages<'c> {
    connection: &'c mut SqliteConnection,
    ledger: i64,
}

impl Pages for SqlitePages<'_> {
    async fn at(&mut self, key: &LedgerKey, max: usize) -> Result<Vec<Page>, StoreError> {
        pages_at(&mut *self.connection, self.ledger, key, max).await.map_err(refusal)
    }
}

impl WritePages for SqlitePages<'_> {
    async fn write(&mut self, pages: &[Page]) -> Result<(), StoreError> {
        write(&mut *self.connection, self.ledger, pages).await.map_err(refusal)
    }
}

/// The pages of a ledger that is known by its name.
struct NamedPages<'c> {
    connection: &'c mut SqliteConnection,
    feed: &'c str,
    scope: Scope,
}

impl Pages for NamedPages<'_> {
    /// One statement: where a few rows are looked up, a second one for the ledger's id would cost as much again.
    async fn at(&mut self, key: &LedgerKey, max: usize) -> Result<Vec<Page>, StoreError> {
        let rows = sqlx::query(
            "WITH here (id) AS (
                 SELECT ledger.id FROM ledger JOIN feed ON feed.id = ledger.feed
                 WHERE feed.name = ?1 AND entity = ?2 AND school_year = ?3)
             SELECT from_key, body FROM ledger_page
             WHERE ledger = (SELECT id FROM here) AND from_key >= (
                 SELECT max(from_key) FROM ledger_page WHERE ledger = (SELECT id FROM here) AND from_key <= ?4)
             ORDER BY from_key LIMIT ?5 + 0",
        )
        .bind(self.feed)
        .bind(self.scope.entity)
        .bind(self.scope.school_year)
        .bind(key.as_slice())
        .bind(limit(max))
        .fetch_all(&mut *self.connection)
        .await
        .map_err(refusal)?;
        rows.iter().map(page).collect::<Result<_, _>>().map_err(refusal)
    }
}

/// Writes rows, and names them as unsent, inside the caller's transaction.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    feed: i64,
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
    let change = ledger::record(&mut SqlitePages { connection: &mut *connection, ledger }, rows).await?;
    let unsent = Unsent::of(scope, rows);
    count(connection, (feed, ledger), change, highest(rows), unsent).await.map_err(refusal)
}

/// Up to `max` rows after `after`.
pub(super) async fn scan(
    connection: &mut SqliteConnection,
    feed: &str,
    scope: Scope,
    after: Option<&LedgerKey>,
    max: usize,
) -> Result<Vec<LedgerRow>, StoreError> {
    ledger::scan(&mut NamedPages { connection, feed, scope }, after, max).await
}

pub(super) async fn scopes(executor: impl SqliteExecutor<'_>, feed: &str) -> Result<Vec<Scope>, sqlx::Error> {
    let scopes: Vec<(u16, u16)> = sqlx::query_as(
        "SELECT entity, school_year FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = ?) ORDER BY entity, school_year",
    )
    .bind(feed)
    .fetch_all(executor)
    .await?;
    Ok(scopes.into_iter().map(|(entity, school_year)| Scope { entity, school_year }).collect())
}

pub(super) async fn counts(
    executor: impl SqliteExecutor<'_>,
    feed: &str,
) -> Result<LedgerCounts, sqlx::Error> {
    let (live, ended, unmatched, highest): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(live), 0), coalesce(sum(ended), 0), coalesce(sum(unmatched), 0),
                coalesce(max(highest_revision), 0)
         FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = ?)",
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

async fn ledger_of(connection: &mut SqliteConnection, feed: i64, scope: Scope) -> Result<i64, sqlx::Error> {
    let select = "SELECT id FROM ledger WHERE feed = ? AND entity = ? AND school_year = ?";
    let insert = "INSERT INTO ledger (feed, entity, school_year) VALUES (?, ?, ?) RETURNING id";
    // Nobody else writes in between.
    for statement in [select, insert] {
        let found = sqlx::query_scalar(statement)
            .bind(feed)
            .bind(scope.entity)
            .bind(scope.school_year)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(ledger) = found {
            return Ok(ledger);
        }
    }
    Err(sqlx::Error::RowNotFound)
}

/// The page that a key belongs on, and those that follow it.
async fn pages_at(
    executor: impl SqliteExecutor<'_>,
    ledger: i64,
    key: &LedgerKey,
    max: usize,
) -> Result<Vec<Page>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT from_key, body FROM ledger_page
         WHERE ledger = ? AND from_key >= (SELECT max(from_key) FROM ledger_page WHERE ledger = ? AND from_key <= ?)
         ORDER BY from_key LIMIT ? + 0",
    )
    .bind(ledger)
    .bind(ledger)
    .bind(key.as_slice())
    .bind(limit(max))
    .fetch_all(executor)
    .await?;
    rows.iter().map(page).collect()
}

async fn write(connection: &mut SqliteConnection, ledger: i64, pages: &[Page]) -> Result<(), sqlx::Error> {
    for slice in slices(pages) {
        let insert = "INSERT INTO ledger_page (ledger, from_key, body) VALUES";
        let replace = "ON CONFLICT DO UPDATE SET body = excluded.body";
        let mut query = of_rows(insert, slice.len(), 3, replace);
        for page in slice {
            query = query.bind(ledger).bind(page.from_key.as_slice()).bind(page.body.as_slice());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn count(
    connection: &mut SqliteConnection,
    (feed, ledger): (i64, i64),
    change: Change,
    highest: u32,
    unsent: Option<Unsent>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE ledger SET live = live + ?1, ended = ended + ?2, unmatched = unmatched + ?3,
                highest_revision = max(highest_revision, ?4)
         WHERE id = ?5;
         UPDATE run SET unsent = ?6 WHERE feed = ?7 AND outcome IS NULL",
    )
    .bind(change.live)
    .bind(change.ended)
    .bind(change.unmatched)
    .bind(highest)
    .bind(ledger)
    .bind(unsent.map(|unsent| unsent.to_bytes().to_vec()))
    .bind(feed)
    .execute(connection)
    .await?;
    Ok(())
}
