//! The ledger's pages: some hundred rows in key order as one blob.
//!
//! Read row by row, most of the time goes into handing rows over from the database; a page is handed over once.
//!
//! A page is a format byte and then its rows: key (16 bytes), content (8), revision (4), status (1), when it
//! was read first (8), length of the detail (4), detail. Numbers are little-endian.

use signalbox_store::StoreError;
use signalbox_store::feed::{LedgerKey, LedgerRow, LedgerStatus};

/// Rows of a page when it is cut. More makes the first load and the scan little faster, and a change of few rows
/// all over the ledger slower: it rewrites each page that it touches.
pub(crate) const FULL: usize = 128;

/// A page with more rows is cut.
const CUT_ABOVE: usize = 2 * FULL;

const FORMAT: u8 = 2;

/// key, content, revision, status, when it was read first, length of the detail
const HEAD: usize = 16 + 8 + 4 + 1 + 8 + 4;

/// The lowest key there can be: the first page of a ledger starts at it.
pub(crate) const LOWEST: LedgerKey = [0; 16];

/// A stored page that this version cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

impl From<Damaged> for StoreError {
    fn from(Damaged: Damaged) -> Self {
        Self::Failed("the stored ledger cannot be read by this version".into())
    }
}

/// A page to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) from_key: LedgerKey,
    pub(crate) body: Vec<u8>,
}

/// How many rows more (or fewer) stand in a state.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) live: i64,
    pub(crate) ended: i64,
    pub(crate) unmatched: i64,
}

/// A stored row, not yet taken apart.
#[derive(Clone, Copy)]
struct Packed<'a>(&'a [u8]);

/// Rows being packed, and where each begins.
struct Packer {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

/// Adds the rows of a page after `after` to `rows`, until there are `max`.
pub(crate) fn read(
    page: &[u8],
    after: Option<&LedgerKey>,
    max: usize,
    rows: &mut Vec<LedgerRow>,
) -> Result<(), Damaged> {
    for packed in packed_rows(page)? {
        if rows.len() == max {
            break;
        }
        let packed = packed?;
        if after.is_none_or(|after| packed.key() > after) {
            rows.push(packed.unpack()?);
        }
    }
    Ok(())
}

/// Takes the rows off that belong on `stored`, which are neighbours, and gives the pages that changed. Where the last
/// page ends is known only at the end of the ledger.
pub(crate) fn merge_neighbours(
    stored: &[Page],
    to_the_end: bool,
    rows: &mut &[LedgerRow],
    change: &mut Change,
) -> Result<Vec<Page>, Damaged> {
    let mut merged = Vec::new();
    for (place, page) in stored.iter().enumerate() {
        let end = match stored.get(place + 1) {
            Some(next) => rows.partition_point(|row| row.key < next.from_key),
            None if to_the_end => rows.len(),
            None => break,
        };
        let (here, later) = rows.split_at(end);
        if !here.is_empty() {
            merged.extend(merge(page, here, change)?);
        }
        *rows = later;
    }
    Ok(merged)
}

/// A page with `rows` in it, the later one where a key is in both: one page, or several when it grew too long.
/// `rows` are in key order and belong on the page.
fn merge(page: &Page, rows: &[LedgerRow], change: &mut Change) -> Result<Vec<Page>, Damaged> {
    let mut packer = Packer::for_rows(rows, page.body.len());
    let mut new = rows.iter().peekable();
    for old in packed_rows(&page.body)? {
        let old = old?;
        while let Some(row) = new.next_if(|row| row.key < *old.key()) {
            change.count(row.status, 1);
            packer.push(row);
        }
        match new.next_if(|row| row.key == *old.key()) {
            Some(row) => {
                change.count(old.status()?, -1);
                change.count(row.status, 1);
                packer.push(row);
            }
            None => packer.copy(old),
        }
    }
    for row in new {
        change.count(row.status, 1);
        packer.push(row);
    }
    Ok(packer.into_pages(page.from_key))
}

/// The page that a ledger begins with.
pub(crate) fn first() -> Page {
    Page { from_key: LOWEST, body: vec![FORMAT] }
}

impl Change {
    fn count(&mut self, status: LedgerStatus, by: i64) {
        match status {
            LedgerStatus::Live => self.live += by,
            LedgerStatus::Ended => self.ended += by,
            LedgerStatus::Unmatched => self.unmatched += by,
        }
    }
}

impl<'a> Packed<'a> {
    fn key(&self) -> &'a LedgerKey {
        self.0.first_chunk().expect("packed_rows hands out whole rows")
    }

    fn status(self) -> Result<LedgerStatus, Damaged> {
        match self.0[28] {
            0 => Ok(LedgerStatus::Live),
            1 => Ok(LedgerStatus::Ended),
            2 => Ok(LedgerStatus::Unmatched),
            _ => Err(Damaged),
        }
    }

    fn unpack(self) -> Result<LedgerRow, Damaged> {
        Ok(LedgerRow {
            key: *self.key(),
            content: u64::from_le_bytes(*self.0[16..].first_chunk().expect("the head is whole")),
            revision: u32::from_le_bytes(*self.0[24..].first_chunk().expect("the head is whole")),
            status: self.status()?,
            read_ms: i64::from_le_bytes(*self.0[29..].first_chunk().expect("the head is whole")),
            detail: self.0[HEAD..].to_vec(),
        })
    }
}

impl Packer {
    fn for_rows(rows: &[LedgerRow], beside: usize) -> Self {
        let packed: usize = rows.iter().map(|row| HEAD + row.detail.len()).sum();
        Self {
            bytes: Vec::with_capacity(packed + beside),
            starts: Vec::with_capacity(rows.len() + CUT_ABOVE),
        }
    }

    fn push(&mut self, row: &LedgerRow) {
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(&row.key);
        self.bytes.extend_from_slice(&row.content.to_le_bytes());
        self.bytes.extend_from_slice(&row.revision.to_le_bytes());
        self.bytes.push(match row.status {
            LedgerStatus::Live => 0,
            LedgerStatus::Ended => 1,
            LedgerStatus::Unmatched => 2,
        });
        self.bytes.extend_from_slice(&row.read_ms.to_le_bytes());
        self.bytes.extend_from_slice(&(row.detail.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&row.detail);
    }

    fn copy(&mut self, row: Packed<'_>) {
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(row.0);
    }

    /// Pages of like length, so that none is cut again soon.
    fn into_pages(self, from_key: LedgerKey) -> Vec<Page> {
        let rows = self.starts.len();
        let pages = if rows > CUT_ABOVE { rows.div_ceil(FULL) } else { 1 };
        (0..pages)
            .map(|page| {
                let bytes =
                    &self.bytes[self.start(page * rows / pages)..self.start((page + 1) * rows / pages)];
                let first_key = bytes.first_chunk().copied();
                Page {
                    from_key: first_key.filter(|_| page > 0).unwrap_or(from_key),
                    body: [&[FORMAT], bytes].concat(),
                }
            })
            .collect()
    }

    fn start(&self, row: usize) -> usize {
        self.starts.get(row).copied().unwrap_or(self.bytes.len())
    }
}

fn packed_rows(page: &[u8]) -> Result<impl Iterator<Item = Result<Packed<'_>, Damaged>>, Damaged> {
    let (&format, mut rest) = page.split_first().ok_or(Damaged)?;
    if format != FORMAT {
        return Err(Damaged);
    }
    Ok(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length =
            rest.get(HEAD - 4..).and_then(<[u8]>::first_chunk).map(|length| u32::from_le_bytes(*length));
        let Some((row, later)) = length.and_then(|length| rest.split_at_checked(HEAD + length as usize))
        else {
            rest = &[];
            return Some(Err(Damaged));
        };
        rest = later;
        Some(Ok(Packed(row)))
    }))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
