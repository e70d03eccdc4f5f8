//! The ledger: rows merged into the pages they belong on, and read page by page.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerCounts, LedgerKey, LedgerRow, Scope};
use sqlx::{PgConnection, PgExecutor, Row};

use crate::page::{self, Change, LOWEST, Page};
use crate::postgres::refusal::refusal;
use crate::postgres::state::limit;

/// Writes rows, which are in key order, inside the caller's transaction.
pub(super) async fn record(
    connection: &mut PgConnection,
    feed: i32,
    scope: Scope,
    mut rows: &[LedgerRow],
) -> Result<(), StoreError> {
    let ledger = ledger_of(connection, feed, scope).await.map_err(refusal)?;
    let mut change = Change::default();
    while let Some(row) = rows.first() {
        // As many pages as there are rows left, and one that tells where the last of them ends.
        let wanted = (rows.len() + 1).min(page::AT_ONCE);
        let mut stored = pages_at(&mut *connection, ledger, &row.key, wanted).await.map_err(refusal)?;
        if stored.is_empty() {
            stored.push(page::first());
        }
        let to_the_end = stored.len() < wanted;
        let merged = page::merge_neighbours(&stored, to_the_end, &mut rows, &mut change)?;
        write(connection, ledger, &merged).await.map_err(refusal)?;
    }
    count(connection, ledger, change).await.map_err(refusal)
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
    let mut rows: Vec<LedgerRow> = Vec::new();
    let mut at = *after.unwrap_or(&LOWEST);
    while rows.len() < max {
        // The first page may hold nothing that is wanted: with two at least, every read gets on.
        let wanted = ((max - rows.len()) / page::FULL + 2).min(page::AT_ONCE);
        let pages = pages_at(&mut *connection, ledger, &at, wanted).await.map_err(refusal)?;
        for page in &pages {
            // After the last row, not after the page: a page may have been cut between two reads.
            let last = rows.last().map(|row| row.key);
            page::read(&page.body, last.as_ref().or(after), max, &mut rows)?;
        }
        match pages.last() {
            Some(last) if pages.len() == wanted => at = last.from_key,
            _ => break,
        }
    }
    Ok(rows)
}

pub(super) async fn years(
    executor: impl PgExecutor<'_>,
    feed: &str,
    entity: u16,
) -> Result<Vec<u16>, sqlx::Error> {
    let years: Vec<i32> = sqlx::query_scalar(
        "SELECT school_year FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = $1) AND entity = $2 ORDER BY school_year",
    )
    .bind(feed)
    .bind(i32::from(entity))
    .fetch_all(executor)
    .await?;
    Ok(years.into_iter().map(|year| year as u16).collect())
}

pub(super) async fn counts(executor: impl PgExecutor<'_>, feed: &str) -> Result<LedgerCounts, sqlx::Error> {
    let (live, ended, unmatched): (i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(live), 0)::bigint, coalesce(sum(ended), 0)::bigint, coalesce(sum(unmatched), 0)::bigint
         FROM ledger WHERE feed = (SELECT id FROM feed WHERE name = $1)",
    )
    .bind(feed)
    .fetch_one(executor)
    .await?;
    Ok(LedgerCounts { live: live as u64, ended: ended as u64, unmatched: unmatched as u64 })
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
    rows.iter().map(|row| Ok(Page { from_key: key_of(row.try_get(0)?)?, body: row.try_get(1)? })).collect()
}

async fn write(connection: &mut PgConnection, ledger: i32, pages: &[Page]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO ledger_page (ledger, from_key, body)
         SELECT $1, from_key, body FROM unnest($2::bytea[], $3::bytea[]) AS new (from_key, body)
         ON CONFLICT (ledger, from_key) DO UPDATE SET body = excluded.body",
    )
    .bind(ledger)
    .bind(pages.iter().map(|page| page.from_key.as_slice()).collect::<Vec<_>>())
    .bind(pages.iter().map(|page| page.body.as_slice()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn count(connection: &mut PgConnection, ledger: i32, change: Change) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE ledger SET live = live + $1, ended = ended + $2, unmatched = unmatched + $3 WHERE id = $4",
    )
    .bind(change.live)
    .bind(change.ended)
    .bind(change.unmatched)
    .bind(ledger)
    .execute(connection)
    .await?;
    Ok(())
}

fn key_of(stored: &[u8]) -> Result<LedgerKey, sqlx::Error> {
    stored
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a ledger page begins at something that is no key".into()))
}
