//! The ledger's pages and counts.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerCounts, LedgerKey, LedgerRow, Scope};
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::ledger::{self, Pages, highest};
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

    async fn write(&mut self, pages: &[Page]) -> Result<(), StoreError> {
        write(&mut *self.connection, self.ledger, pages).await.map_err(refusal)
    }
}

/// Writes rows, which are in key order, inside the caller's transaction.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    feed: i64,
    scope: Scope,
    rows: &[LedgerRow],
) -> Result<(), StoreError> {
    let ledger = ledger_of(connection, feed, scope).await.map_err(refusal)?;
    let change = ledger::record(&mut SqlitePages { connection: &mut *connection, ledger }, rows).await?;
    count(connection, ledger, change, highest(rows)).await.map_err(refusal)
}

/// Up to `max` rows after `after`.
pub(super) async fn scan(
    connection: &mut SqliteConnection,
    feed: &str,
    scope: Scope,
    after: Option<&LedgerKey>,
    max: usize,
) -> Result<Vec<LedgerRow>, StoreError> {
    let Some(ledger) = find(&mut *connection, feed, scope).await.map_err(refusal)? else {
        return Ok(Vec::new());
    };
    ledger::scan(&mut SqlitePages { connection, ledger }, after, max).await
}

pub(super) async fn years(
    executor: impl SqliteExecutor<'_>,
    feed: &str,
    entity: u16,
) -> Result<Vec<u16>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT school_year FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = ?) AND entity = ? ORDER BY school_year",
    )
    .bind(feed)
    .bind(entity)
    .fetch_all(executor)
    .await
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
    sqlx::query("INSERT INTO ledger (feed, entity, school_year) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(feed)
        .bind(scope.entity)
        .bind(scope.school_year)
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar("SELECT id FROM ledger WHERE feed = ? AND entity = ? AND school_year = ?")
        .bind(feed)
        .bind(scope.entity)
        .bind(scope.school_year)
        .fetch_one(connection)
        .await
}

async fn find(
    executor: impl SqliteExecutor<'_>,
    feed: &str,
    scope: Scope,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = ?) AND entity = ? AND school_year = ?",
    )
    .bind(feed)
    .bind(scope.entity)
    .bind(scope.school_year)
    .fetch_optional(executor)
    .await
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
         ORDER BY from_key LIMIT ?",
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
    ledger: i64,
    change: Change,
    highest: u32,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE ledger SET live = live + ?, ended = ended + ?, unmatched = unmatched + ?,
                highest_revision = max(highest_revision, ?)
         WHERE id = ?",
    )
    .bind(change.live)
    .bind(change.ended)
    .bind(change.unmatched)
    .bind(highest)
    .bind(ledger)
    .execute(connection)
    .await?;
    Ok(())
}
