//! How fast the SQLite log appends and reads: 500,000 records of about 450 bytes on 12 shards of one topic, appended
//! in batches of 2,000, then read by one member of a group, 500 at a time. Each batch is on disk before the next.
//!
//! `cargo run --release -p signalbox-sql --example log_append [FOLDER]`

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use signalbox_log::{Delivery, EventLog, Message};
use signalbox_sql::sqlite::SqliteLog;

type Error = Box<dyn std::error::Error>;

const RECORDS: usize = 500_000;
const BATCH: usize = 2_000;
const SHARDS: u32 = 12;
const READ: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().join("log.db");
    let log = SqliteLog::open(&path).await?;
    log.create_topics(&[("a", SHARDS)]).await?;

    let started = Instant::now();
    let mut appending = std::time::Duration::ZERO;
    for batch in 0..RECORDS / BATCH {
        let messages: Vec<Message> = (batch * BATCH..(batch + 1) * BATCH).map(message).collect();
        let started = Instant::now();
        log.append(&messages).await?;
        appending += started.elapsed();
    }
    report("append", appending)?;
    report("append, with making the records", started.elapsed())?;

    let started = Instant::now();
    read_all(&log).await?;
    report("read", started.elapsed())?;
    let bytes = std::fs::metadata(&path)?.len();
    writeln!(std::io::stdout(), "{} bytes a record on disk", bytes / RECORDS as u64)?;
    Ok(())
}

async fn read_all(log: &SqliteLog) -> Result<(), Error> {
    let mut subscription = log.join("g", &["a".to_owned()]).await?;
    let mut seen = 0;
    while seen < RECORDS {
        match subscription.next(READ).await? {
            Delivery::Records { records, .. } => seen += records.len(),
            Delivery::Assigned(shards) => {
                for shard in shards {
                    subscription.start(shard, &[]).await?;
                }
            }
            Delivery::Revoked(_) => return Err("a lone member keeps its shards".into()),
        }
    }
    Ok(())
}

/// An attendance event in CloudEvents binary mode: ten headers, key and data, about 450 bytes with the header names.
fn message(n: usize) -> Message {
    let headers = [
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", format!("0c5e2f8e-7b1d-5a55-9f00-{n:012}")),
        ("ce_type", "org.signalbox.attendance.daily.v1".to_owned()),
        ("ce_source", "/grand-bend/attendance".to_owned()),
        ("ce_time", "2026-09-21T08:00:00-05:00".to_owned()),
        ("ce_partitionkey", format!("grand-bend/{:016x}", n % 100_000)),
        ("ce_dataclass", "records".to_owned()),
        ("ce_schoolyear", "2027".to_owned()),
        ("ce_revision", "1".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    let value = format!(
        r#"{{"student":"{n:032x}","school":"100","date":"2026-09-21","category":"present","record":"{n:012}"}}"#
    );
    Message {
        topic: "a".to_owned(),
        shard: (n.wrapping_mul(0x9E37_79B9) >> 16) as u32 % SHARDS,
        key: Some(Bytes::from(format!("grand-bend/{:016x}", n % 100_000))),
        headers: headers.into_iter().collect(),
        value: Bytes::from(value),
    }
}

fn report(what: &str, took: std::time::Duration) -> Result<(), Error> {
    let per_s = RECORDS as f64 / took.as_secs_f64();
    writeln!(std::io::stdout(), "{what}: {per_s:.0} records/s")?;
    Ok(())
}
