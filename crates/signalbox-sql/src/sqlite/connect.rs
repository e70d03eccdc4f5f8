//! How a database file is opened.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::db::Db;

/// How long a statement waits for another process's lock before it is `Unavailable`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often, and after how long, a new file is tried again that another process is just making.
const TURNING_TRIES: usize = 50;
const TURNING: Duration = Duration::from_millis(20);

/// A writer's page cache in KiB (negative is SQLite's way of saying KiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Rows are added at the end: what was written is not come back to.
    Appends,
    /// Upserts come back to the same pages.
    Upserts,
}

impl Cache {
    const fn pragma(self) -> &'static str {
        match self {
            Self::Appends => "-8192",
            Self::Upserts => "-32768",
        }
    }
}

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

/// Opens the database at `path`, creates it if it is missing, and brings it up to date.
pub(crate) async fn open(
    path: &Path,
    synchronous: Synchronous,
    cache: Cache,
    migrator: &Migrator,
) -> Result<Db, sqlx::Error> {
    let options = options(path, synchronous);
    let mut writer = connect(&options.clone().pragma("cache_size", cache.pragma())).await?;
    migrate(&mut writer, migrator).await?;
    Ok(Db::new(options, writer))
}

/// Whether the same call may succeed later: another process holds the lock, or all connections are taken.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i32 = 5;
    const SQLITE_LOCKED: i32 = 6;
    matches!(error, sqlx::Error::PoolTimedOut)
        || code_of(error).is_some_and(|code| matches!(code, SQLITE_BUSY | SQLITE_LOCKED))
}

/// Whether it is none of what was asked for: [`is_busy`], or the disk is full, read-only or does not answer.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    const SQLITE_READONLY: i32 = 8;
    const SQLITE_IOERR: i32 = 10;
    const SQLITE_FULL: i32 = 13;
    const SQLITE_CANTOPEN: i32 = 14;
    let of_disk = |code| matches!(code, SQLITE_READONLY | SQLITE_IOERR | SQLITE_FULL | SQLITE_CANTOPEN);
    is_busy(error) || code_of(error).is_some_and(of_disk)
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
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    for _ in 0..TURNING_TRIES {
        match SqliteConnection::connect_with(options).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(TURNING).await,
            connected => return connected,
        }
    }
    SqliteConnection::connect_with(options).await
}

/// One transaction around all, so that two processes that open a new file at once do not both create its tables.
async fn migrate(writer: &mut SqliteConnection, migrator: &Migrator) -> Result<(), sqlx::Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrator.run(&mut *transaction).await?;
    transaction.commit().await
}
