//! How a database file is opened: WAL, one writer connection, a few readers.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite, Transaction};

/// How long a statement waits for another process's lock before it is `Unavailable`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often, and after how long, a new file is tried again that another process is just making.
const TURNING_TRIES: usize = 50;
const TURNING: Duration = Duration::from_millis(20);

/// How long a caller waits for a connection: longer than `BUSY_TIMEOUT`, so that the holder's own error comes first.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Two cores are the usual machine; a reader more lets a slow scan run beside the consumers.
const READERS: u32 = 3;

/// The writer's page cache in KiB (negative is SQLite's way of saying KiB). Upserts come back to the same pages.
const WRITER_CACHE: &str = "-65536";

/// Pages in the WAL before a checkpoint, 16 MiB: a batch of a few thousand rows should not checkpoint by itself.
const CHECKPOINT_PAGES: &str = "4096";

/// What is on disk when COMMIT returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Synchronous {
    /// The commit survives a power cut (one fsync each).
    Full,
    /// The commit survives a crash of the process; a power cut may take the latest ones, in order, never half.
    Normal,
}

/// An open database file.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Db {
    /// Begins a write transaction. There is one at a time per handle: callers queue here, and `BEGIN IMMEDIATE`
    /// takes the file's lock at once (a read transaction that turns into a write fails with `SQLITE_BUSY` without
    /// waiting). Dropped without `commit`, it rolls back.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// The readers: they see the last commit, never wait for the writer and cannot write.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }
}

/// Opens the database at `path`, creates it if it is missing, and brings it up to date.
pub(crate) async fn open(
    path: &Path,
    synchronous: Synchronous,
    migrator: &Migrator,
) -> Result<Db, sqlx::Error> {
    let options = options(path, synchronous);
    let writer = connect(&options.clone().pragma("cache_size", WRITER_CACHE)).await?;
    migrate(&writer, migrator).await?;
    let readers = pool(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Db { writer, readers })
}

/// Whether the same call may succeed later: another process holds the lock, or all connections are taken.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i32 = 5;
    const SQLITE_LOCKED: i32 = 6;
    matches!(error, sqlx::Error::PoolTimedOut)
        || code_of(error).is_some_and(|code| matches!(code, SQLITE_BUSY | SQLITE_LOCKED))
}

/// Whether a value is too large, or of no type that its column takes.
pub(crate) fn is_unfit(error: &sqlx::Error) -> bool {
    const SQLITE_TOOBIG: i32 = 18;
    const SQLITE_MISMATCH: i32 = 20;
    code_of(error).is_some_and(|code| matches!(code, SQLITE_TOOBIG | SQLITE_MISMATCH))
}

/// The primary code, which an extended one carries in its low byte.
fn code_of(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?.parse::<i32>().ok()?;
    Some(code & 0xff)
}

fn options(path: &Path, synchronous: Synchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

/// While another process turns a new file to WAL, doing the same is refused at once, whatever the busy timeout.
async fn connect(options: &SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    for _ in 0..TURNING_TRIES {
        match pool(1).connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(TURNING).await,
            connected => return connected,
        }
    }
    pool(1).connect_with(options.clone()).await
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // A connection to a file does not go stale: no pings, no retirement.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// One transaction around all, so that two processes that open a new file at once do not both create its tables.
async fn migrate(writer: &SqlitePool, migrator: &Migrator) -> Result<(), sqlx::Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrator.run(&mut *transaction).await?;
    transaction.commit().await
}
