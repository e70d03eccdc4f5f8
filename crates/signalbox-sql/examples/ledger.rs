//! How fast the ledger is here: `cargo run --release -p signalbox-sql --example ledger [rows]`.
//!
//! First load in chunks, one scan of it all, and a change of every 200th row (0.5 %) in key order.

use std::error::Error;
use std::time::Instant;

use signalbox_sql::sqlite::SqliteFeeds;
use signalbox_store::FeedStore;
use signalbox_store::feed::{FeedLease, LedgerRow, LedgerStatus, Scope, Term};

/// A large district's year of attendance exceptions.
const ROWS: u64 = 1_700_000;

/// Rows to a record, and to a read.
const CHUNK: usize = 5_000;

const SCOPE: Scope = Scope { entity: 1, school_year: 2022 };

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example speaks to a person")]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::args().nth(1).map_or(Ok(ROWS), |rows| rows.parse())?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("feeds.db");
    let store = SqliteFeeds::open(&path).await?;
    let lease = store.take("attendance", Term { holder: "example", now_ms: 0, until_ms: 0 }).await?;

    let begun = Instant::now();
    record(&store, &lease, (0..rows).map(|place| row(place, 1))).await?;
    println!("first load       {}", rate(rows, begun));

    let begun = Instant::now();
    println!("scan             {}", rate(scan(&store).await?, begun));

    let begun = Instant::now();
    let changed = (0..rows).step_by(200);
    record(&store, &lease, changed.map(|place| row(place, 2))).await?;
    println!("scattered change {}", rate(rows / 200, begun));

    let begun = Instant::now();
    println!("scan again       {}", rate(scan(&store).await?, begun));
    println!("file             {} MiB", std::fs::metadata(&path)?.len() >> 20);
    Ok(())
}

async fn record(
    store: &SqliteFeeds,
    lease: &FeedLease,
    rows: impl Iterator<Item = LedgerRow>,
) -> Result<(), Box<dyn Error>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    for row in rows {
        chunk.push(row);
        if chunk.len() == CHUNK {
            store.record(lease, SCOPE, &chunk).await?;
            chunk.clear();
        }
    }
    Ok(store.record(lease, SCOPE, &chunk).await?)
}

async fn scan(store: &SqliteFeeds) -> Result<u64, Box<dyn Error>> {
    let (mut count, mut after) = (0, None);
    loop {
        let rows = store.ledger("attendance", SCOPE, after.as_ref(), CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = Some(last.key);
        count += rows.len() as u64;
    }
}

fn row(place: u64, revision: u32) -> LedgerRow {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&place.to_be_bytes());
    // A natural key with its school and date is about as long.
    let detail = format!("{place:012}|100|2021-09-06|daily").into_bytes();
    LedgerRow {
        key,
        content: place ^ u64::from(revision),
        revision,
        status: LedgerStatus::Live,
        read_ms: 1,
        detail,
    }
}

fn rate(rows: u64, begun: Instant) -> String {
    let seconds = begun.elapsed().as_secs_f64();
    format!("{rows:>9} rows in {seconds:.2} s: {:>9.0} rows/s", rows as f64 / seconds)
}
