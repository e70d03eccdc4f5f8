//! The ceilings of loading: the records that a hub made, appended by somebody who has nothing else to do.

use std::path::Path;
use std::time::{Duration, Instant};

use signalbox_event::topic::{DEFAULT_PREFIX, DEFAULT_SHARDS};
use signalbox_event::{Domain, topic};
use signalbox_log::{EventLog, Message, Record};
use signalbox_sql::sqlite::SqliteLog;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use super::Done;

/// Records of one append or transaction: as many as the hub takes.
const BATCH: usize = 5_000;
/// Rows of one statement.
const VALUES: usize = 500;

/// Into another log like the hub's.
#[tokio::main]
pub(super) async fn to_log(data_dir: &Path, folder: &Path) -> anyhow::Result<Done> {
    let topic = topic::name(DEFAULT_PREFIX, Domain::Attendance);
    let log = SqliteLog::open(&folder.join("bare-log.db")).await?;
    log.create_topics(&[(&topic, DEFAULT_SHARDS)]).await?;
    let mut made = Made::open(data_dir, topic).await?;
    let (mut items, mut took) = (0, Duration::ZERO);
    while let Some(batch) = made.next().await? {
        let messages: Vec<Message> = batch.into_iter().map(Message::from).collect();
        let started = Instant::now();
        log.append(&messages).await?;
        took += started.elapsed();
        items += messages.len() as u64;
    }
    Ok(Done { items, seconds: took.as_secs_f64() })
}

/// Into one table without an index, a row for each record, five hundred rows to a statement.
#[tokio::main]
pub(super) async fn to_table(data_dir: &Path, folder: &Path) -> anyhow::Result<Done> {
    let mut table = open_table(&folder.join("bare-table.db")).await?;
    let mut made = Made::open(data_dir, topic::name(DEFAULT_PREFIX, Domain::Attendance)).await?;
    let (mut items, mut took) = (0, Duration::ZERO);
    while let Some(batch) = made.next().await? {
        let rows: Vec<(u32, Vec<u8>, Vec<u8>)> = batch.iter().map(flat).collect();
        let started = Instant::now();
        insert(&mut table, &rows).await?;
        took += started.elapsed();
        items += rows.len() as u64;
    }
    Ok(Done { items, seconds: took.as_secs_f64() })
}

async fn open_table(path: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::query("CREATE TABLE record (id INTEGER PRIMARY KEY, shard INTEGER, key BLOB, body BLOB)")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

async fn insert(table: &mut SqliteConnection, rows: &[(u32, Vec<u8>, Vec<u8>)]) -> anyhow::Result<()> {
    let mut transaction = table.begin().await?;
    for rows in rows.chunks(VALUES) {
        let values = vec!["(?,?,?)"; rows.len()].join(",");
        let statement = format!("INSERT INTO record (shard, key, body) VALUES {values}");
        // Only placeholders are put together here.
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for (shard, key, body) in rows {
            query = query.bind(shard).bind(&key[..]).bind(&body[..]);
        }
        query.execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Shard, key, and all else that the record holds.
fn flat(record: &Record) -> (u32, Vec<u8>, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in record.headers.iter() {
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(value);
    }
    body.extend_from_slice(&record.value);
    (record.shard, record.key.as_deref().unwrap_or_default().to_vec(), body)
}

/// What a hub has appended, batch by batch over all shards, as it came.
struct Made {
    log: SqliteLog,
    topic: String,
    next: Vec<u64>,
}

impl Made {
    async fn open(data_dir: &Path, topic: String) -> anyhow::Result<Self> {
        let log = SqliteLog::open(&data_dir.join("log.db")).await?;
        Ok(Self { log, topic, next: vec![0; DEFAULT_SHARDS as usize] })
    }

    async fn next(&mut self) -> anyhow::Result<Option<Vec<Record>>> {
        let mut batch = Vec::with_capacity(BATCH);
        for shard in 0..DEFAULT_SHARDS {
            let next = &mut self.next[shard as usize];
            let records = self.log.read(&self.topic, shard, *next, BATCH / DEFAULT_SHARDS as usize).await?;
            *next += records.len() as u64;
            batch.extend(records);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }
}
