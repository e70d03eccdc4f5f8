//! The ledger: rows merged into the pages they belong on, and read page by page.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerCounts, LedgerKey, LedgerRow, Scope};
use sqlx::{Row, SqliteConnection, SqliteExecutor};

use super::page::{self, Change, Damaged, LOWEST, Page};
use crate::sqlite::refusal::{damaged, refusal};
use crate::sqlite::statement::{of_rows, slices};

/// Pages gathered for one statement while a record goes on.
const PAGES_AT_ONCE: usize = 64;

/// Pages asked for at once in a scan, at most: a scan must not hold much more than the rows it answers with.
const PAGES_PER_READ: usize = 64;

/// Writes rows, which are in key order, inside the caller's transaction.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    feed: i64,
    scope: Scope,
    rows: &[LedgerRow],
) -> Result<(), StoreError> {
    let ledger = ledger_of(connection, feed, scope).await.map_err(refusal)?;
    let mut change = Change::default();
    let mut pages = Vec::new();
    let mut rest = rows;
    while let Some(row) = rest.first() {
        let (page, next) = page_of(connection, ledger, &row.key).await.map_err(refusal)?;
        // Whatever is gathered but not written yet lies before this page, so the look-up cannot miss it.
        let end =
            next.map_or(rest.len(), |next| rest.partition_point(|row| row.key.as_slice() < next.as_slice()));
        let (here, later) = rest.split_at(end);
        pages.extend(page::merge(&page, here, &mut change).map_err(unreadable)?);
        if pages.len() >= PAGES_AT_ONCE {
            write(connection, ledger, &pages).await.map_err(refusal)?;
            pages.clear();
        }
        rest = later;
    }
    write(connection, ledger, &pages).await.map_err(refusal)?;
    count(connection, ledger, change).await.map_err(refusal)
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
    let mut rows: Vec<LedgerRow> = Vec::new();
    let mut from = page_start(&mut *connection, ledger, after.unwrap_or(&LOWEST)).await.map_err(refusal)?;
    while rows.len() < max {
        let wanted = pages_for(max - rows.len());
        let pages = pages(&mut *connection, ledger, &from, wanted).await.map_err(refusal)?;
        for page in &pages {
            // After the last row, not after the page: a page may have been cut between two reads.
            let last = rows.last().map(|row| row.key);
            page::read(&page.body, last.as_ref().or(after), max, &mut rows).map_err(unreadable)?;
        }
        match pages.last() {
            Some(last) if pages.len() == wanted => from = following(&last.from_key),
            _ => break,
        }
    }
    Ok(rows)
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
    let (live, ended, unmatched): (i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(live), 0), coalesce(sum(ended), 0), coalesce(sum(unmatched), 0) FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = ?)",
    )
    .bind(feed)
    .fetch_one(executor)
    .await?;
    Ok(LedgerCounts { live: live as u64, ended: ended as u64, unmatched: unmatched as u64 })
}

/// A page and where the next one begins.
type Place = (Page, Option<Vec<u8>>);

fn unreadable(Damaged: Damaged) -> StoreError {
    damaged("ledger")
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

/// The page that a key belongs on.
async fn page_of(
    connection: &mut SqliteConnection,
    ledger: i64,
    key: &LedgerKey,
) -> Result<Place, sqlx::Error> {
    let found = sqlx::query(
        "SELECT from_key, body, (SELECT min(from_key) FROM ledger_page AS next
                                 WHERE next.ledger = page.ledger AND next.from_key > page.from_key)
         FROM ledger_page AS page WHERE ledger = ? AND from_key <= ? ORDER BY from_key DESC LIMIT 1",
    )
    .bind(ledger)
    .bind(key.as_slice())
    .fetch_optional(connection)
    .await?;
    found.map_or_else(
        || Ok((page::first(), None)),
        |row| {
            let page = Page { from_key: key_of(row.try_get(0)?)?, body: row.try_get(1)? };
            Ok((page, row.try_get(2)?))
        },
    )
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

async fn count(connection: &mut SqliteConnection, ledger: i64, change: Change) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE ledger SET live = live + ?, ended = ended + ?, unmatched = unmatched + ? WHERE id = ?",
    )
    .bind(change.live)
    .bind(change.ended)
    .bind(change.unmatched)
    .bind(ledger)
    .execute(connection)
    .await?;
    Ok(())
}

/// Where the page of a key begins.
async fn page_start(
    executor: impl SqliteExecutor<'_>,
    ledger: i64,
    key: &LedgerKey,
) -> Result<LedgerKey, sqlx::Error> {
    let start: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT max(from_key) FROM ledger_page WHERE ledger = ? AND from_key <= ?")
            .bind(ledger)
            .bind(key.as_slice())
            .fetch_one(executor)
            .await?;
    start.map_or(Ok(LOWEST), |start| key_of(&start))
}

async fn pages(
    executor: impl SqliteExecutor<'_>,
    ledger: i64,
    from: &LedgerKey,
    max: usize,
) -> Result<Vec<Page>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT from_key, body FROM ledger_page WHERE ledger = ? AND from_key >= ?
         ORDER BY from_key LIMIT ?",
    )
    .bind(ledger)
    .bind(from.as_slice())
    .bind(max as i64)
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| Ok(Page { from_key: key_of(row.try_get(0)?)?, body: row.try_get(1)? })).collect()
}

/// Enough pages for some rows if they are about half full, and one for the rows before the first that is wanted.
fn pages_for(rows: usize) -> usize {
    (rows / page::FULL + 2).min(PAGES_PER_READ)
}

/// The key right after another.
fn following(key: &LedgerKey) -> LedgerKey {
    u128::from_be_bytes(*key).saturating_add(1).to_be_bytes()
}

fn key_of(stored: &[u8]) -> Result<LedgerKey, sqlx::Error> {
    stored
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a ledger page begins at something that is no key".into()))
}
