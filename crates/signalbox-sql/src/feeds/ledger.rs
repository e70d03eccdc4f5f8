//! A ledger as pages: rows merged into those they belong on, and read page by page; and its counts.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerCounts, LedgerKey, LedgerRow, Scope, Unsent, are_in_order};

use super::runs;
use crate::engine::{Connection, values};
use crate::page::{self, Change, LOWEST, Page};
use crate::stored::{Column, StoredRow, limit};

/// Pages in one statement, at most: neither a record nor a scan holds much more than the rows it is about.
const AT_ONCE: usize = 64;

/// Writes rows, and names them as unsent, inside the caller's transaction.
pub(super) async fn record(
    connection: &mut impl Connection,
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
    let ledger = ledger_of(connection, feed, scope).await?;
    let change = merge(connection, ledger, rows).await?;
    count(connection, ledger, change, rows).await?;
    runs::name_unsent(connection, feed, Unsent::of(scope, rows)).await
}

/// Up to `max` rows after `after`.
pub(super) async fn scan(
    reader: &mut impl Connection,
    feed: &str,
    scope: Scope,
    after: Option<&LedgerKey>,
    max: usize,
) -> Result<Vec<LedgerRow>, StoreError> {
    let mut rows: Vec<LedgerRow> = Vec::new();
    let mut at = *after.unwrap_or(&LOWEST);
    while rows.len() < max {
        // The first page may hold nothing that is wanted: with two at least, every read gets on.
        let wanted = ((max - rows.len()) / page::FULL + 2).min(AT_ONCE);
        let stored = named_pages(reader, feed, scope, &at, wanted).await?;
        for page in &stored {
            // After the last row, not after the page: a page may have been cut between two reads.
            let last = rows.last().map(|row| row.key);
            page::read(&page.body, last.as_ref().or(after), max, &mut rows)?;
        }
        match stored.last() {
            Some(last) if stored.len() == wanted => at = last.from_key,
            _ => break,
        }
    }
    Ok(rows)
}

pub(super) async fn scopes(reader: &mut impl Connection, feed: &str) -> Result<Vec<Scope>, StoreError> {
    let select = "SELECT entity, school_year FROM ledger
         WHERE feed = (SELECT id FROM feed WHERE name = $1) ORDER BY entity, school_year";
    reader.rows(select, &values![feed], scope_row).await
}

pub(super) async fn counts(reader: &mut impl Connection, feed: &str) -> Result<LedgerCounts, StoreError> {
    let select = "SELECT CAST(coalesce(sum(live), 0) AS BIGINT) AS live,
                CAST(coalesce(sum(ended), 0) AS BIGINT) AS ended,
                CAST(coalesce(sum(unmatched), 0) AS BIGINT) AS unmatched,
                coalesce(max(highest_revision), 0) AS highest_revision
         FROM ledger WHERE feed = (SELECT id FROM feed WHERE name = $1)";
    let counts = reader.row(select, &values![feed], counts_row).await?;
    Ok(counts.expect("sums of no rows are a row"))
}

/// Adds the ledger if it is not there. The feed is the caller's, so nobody else adds it in between.
async fn ledger_of(connection: &mut impl Connection, feed: i64, scope: Scope) -> Result<i64, StoreError> {
    let select = "SELECT CAST(id AS BIGINT) AS id FROM ledger
         WHERE feed = $1 AND entity = $2 AND school_year = $3";
    let insert = "INSERT INTO ledger (feed, entity, school_year) VALUES ($1, $2, $3)
         RETURNING CAST(id AS BIGINT) AS id";
    let given = values![feed, i64::from(scope.entity), i64::from(scope.school_year)];
    for statement in [select, insert] {
        if let Some(ledger) = connection.row(statement, &given, |row| row.column("id")).await? {
            return Ok(ledger);
        }
    }
    Err(StoreError::Failed("a ledger is not there that was just added".into()))
}

/// Writes rows, which are in key order, onto their pages.
async fn merge(
    connection: &mut impl Connection,
    ledger: i64,
    mut rows: &[LedgerRow],
) -> Result<Change, StoreError> {
    let mut change = Change::default();
    while let Some(row) = rows.first() {
        // As many pages as there are rows left, and one that tells where the last of them ends.
        let wanted = (rows.len() + 1).min(AT_ONCE);
        let mut stored = pages(connection, ledger, &row.key, wanted).await?;
        if stored.is_empty() {
            stored.push(page::first());
        }
        let to_the_end = stored.len() < wanted;
        let merged = page::merge_neighbours(&stored, to_the_end, &mut rows, &mut change)?;
        write(connection, ledger, &merged).await?;
    }
    Ok(change)
}

/// The page that a key belongs on, and those that follow it.
async fn pages(
    connection: &mut impl Connection,
    ledger: i64,
    key: &LedgerKey,
    max: usize,
) -> Result<Vec<Page>, StoreError> {
    let select = "SELECT from_key, body FROM ledger_page
         WHERE ledger = $1 AND from_key >= (
             SELECT from_key FROM ledger_page WHERE ledger = $1 AND from_key <= $2 ORDER BY from_key DESC LIMIT 1)
         ORDER BY from_key LIMIT $3 + 0";
    connection.rows(select, &values![ledger, key.as_slice(), limit(max)], page_row).await
}

/// The same of a ledger that is known by its name. One statement: where a few rows are looked up, a second one for the
/// ledger's id would cost as much again.
async fn named_pages(
    reader: &mut impl Connection,
    feed: &str,
    scope: Scope,
    key: &LedgerKey,
    max: usize,
) -> Result<Vec<Page>, StoreError> {
    let select = "WITH here (id) AS (
             SELECT ledger.id FROM ledger JOIN feed ON feed.id = ledger.feed
             WHERE feed.name = $1 AND entity = $2 AND school_year = $3)
         SELECT from_key, body FROM ledger_page
         WHERE ledger = (SELECT id FROM here) AND from_key >= (
             SELECT from_key FROM ledger_page WHERE ledger = (SELECT id FROM here) AND from_key <= $4
             ORDER BY from_key DESC LIMIT 1)
         ORDER BY from_key LIMIT $5 + 0";
    let (entity, school_year) = (i64::from(scope.entity), i64::from(scope.school_year));
    let given = values![feed, entity, school_year, key.as_slice(), limit(max)];
    reader.rows(select, &given, page_row).await
}

/// In the place of those that begin at the same keys.
async fn write(connection: &mut impl Connection, ledger: i64, pages: &[Page]) -> Result<(), StoreError> {
    let rows: Vec<_> =
        pages.iter().map(|page| values![ledger, page.from_key.as_slice(), page.body.as_slice()]).collect();
    let insert = "INSERT INTO ledger_page (ledger, from_key, body) VALUES";
    let replace = "ON CONFLICT (ledger, from_key) DO UPDATE SET body = excluded.body";
    connection.execute_rows(insert, &rows, replace).await?;
    Ok(())
}

async fn count(
    connection: &mut impl Connection,
    ledger: i64,
    change: Change,
    rows: &[LedgerRow],
) -> Result<(), StoreError> {
    let update = "UPDATE ledger SET live = live + $1, ended = ended + $2, unmatched = unmatched + $3,
                highest_revision = CASE WHEN highest_revision < $4 THEN $4 ELSE highest_revision END
         WHERE id = $5";
    let highest = rows.iter().map(|row| row.revision).max().unwrap_or_default();
    let given = values![change.live, change.ended, change.unmatched, i64::from(highest), ledger];
    connection.execute(update, &given).await?;
    Ok(())
}

fn scope_row(row: &impl StoredRow) -> Result<Scope, sqlx::Error> {
    let (entity, school_year): (i32, i32) = (row.column("entity")?, row.column("school_year")?);
    Ok(Scope { entity: entity as u16, school_year: school_year as u16 })
}

fn counts_row(row: &impl StoredRow) -> Result<LedgerCounts, sqlx::Error> {
    Ok(LedgerCounts {
        live: row.count("live")?,
        ended: row.count("ended")?,
        unmatched: row.count("unmatched")?,
        highest_revision: row.count("highest_revision")? as u32,
    })
}

fn page_row(row: &impl StoredRow) -> Result<Page, sqlx::Error> {
    let from_key: Vec<u8> = row.column("from_key")?;
    let from_key = from_key
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a ledger page begins at something that is no key".into()))?;
    Ok(Page { from_key, body: row.column("body")? })
}
