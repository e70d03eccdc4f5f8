//! A ledger as pages: rows merged into those they belong on, and read page by page. The same for both databases.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerKey, LedgerRow};

use crate::page::{self, Change, LOWEST, Page};

/// Pages in one statement, at most: neither a record nor a scan holds much more than the rows it is about.
const AT_ONCE: usize = 64;

/// The stored pages of one ledger.
pub(crate) trait Pages {
    /// The page that a key belongs on, and those that follow it, up to `max`.
    fn at(
        &mut self,
        key: &LedgerKey,
        max: usize,
    ) -> impl Future<Output = Result<Vec<Page>, StoreError>> + Send;
}

/// The same inside the caller's transaction.
pub(crate) trait WritePages: Pages {
    /// Writes pages in the place of those that begin at the same keys.
    fn write(&mut self, pages: &[Page]) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Writes rows, which are in key order.
pub(crate) async fn record(
    pages: &mut impl WritePages,
    mut rows: &[LedgerRow],
) -> Result<Change, StoreError> {
    let mut change = Change::default();
    while let Some(row) = rows.first() {
        // As many pages as there are rows left, and one that tells where the last of them ends.
        let wanted = (rows.len() + 1).min(AT_ONCE);
        let mut stored = pages.at(&row.key, wanted).await?;
        if stored.is_empty() {
            stored.push(page::first());
        }
        let to_the_end = stored.len() < wanted;
        let merged = page::merge_neighbours(&stored, to_the_end, &mut rows, &mut change)?;
        pages.write(&merged).await?;
    }
    Ok(change)
}

/// The highest revision among rows; 0 of none.
pub(crate) fn highest(rows: &[LedgerRow]) -> u32 {
    rows.iter().map(|row| row.revision).max().unwrap_or_default()
}

/// Up to `max` rows after `after`.
pub(crate) async fn scan(
    pages: &mut impl Pages,
    after: Option<&LedgerKey>,
    max: usize,
) -> Result<Vec<LedgerRow>, StoreError> {
    let mut rows: Vec<LedgerRow> = Vec::new();
    let mut at = *after.unwrap_or(&LOWEST);
    while rows.len() < max {
        // The first page may hold nothing that is wanted: with two at least, every read gets on.
        let wanted = ((max - rows.len()) / page::FULL + 2).min(AT_ONCE);
        let stored = pages.at(&at, wanted).await?;
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
