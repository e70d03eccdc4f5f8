//! An open database file: one connection that writes, and a few that read.
//!
//! sqlx has a pool, and it costs more than the statements: whatever it gets back it first asks whether it is still there,
//! in a task of its own, and every one of those is a handful of wake-ups between threads. A file of this machine is
//! always there. For the same reason some statements go together: each round trip to a connection's thread costs more than
//! most of them do.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// How long a caller waits for a connection: longer than a statement waits for another process's lock, so that the
/// holder's own error comes first.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Two cores are the usual machine; a reader more lets a slow scan run beside the consumers.
const READERS: usize = 3;

/// An open database file.
#[derive(Debug, Clone)]
pub struct Db {
    options: Arc<SqliteConnectOptions>,
    writer: Arc<tokio::sync::Mutex<SqliteConnection>>,
    readers: Arc<Readers>,
}

#[derive(Debug)]
struct Readers {
    options: SqliteConnectOptions,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Db {
    pub(super) fn new(options: SqliteConnectOptions, writer: SqliteConnection) -> Self {
        let readers = Readers {
            options: options.clone().pragma("query_only", "ON"),
            places: Arc::new(Semaphore::new(READERS)),
            idle: Mutex::default(),
        };
        Self {
            options: Arc::new(options),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            readers: Arc::new(readers),
        }
    }

    /// Begins a write transaction. There is one at a time per handle: callers queue here, and `BEGIN IMMEDIATE`
    /// takes the file's lock at once (a read transaction that turns into a write fails with `SQLITE_BUSY` without
    /// waiting). Dropped without `commit`, it rolls back.
    pub(crate) async fn write(&self) -> Result<Write, sqlx::Error> {
        let mut write = self.writer().await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *write).await?;
        Ok(write)
    }

    /// A write transaction that is still to begin: by the caller's first statement, so that both are one round trip.
    pub(crate) async fn writer(&self) -> Result<Write, sqlx::Error> {
        let connection = in_time(self.writer.clone().lock_owned()).await?;
        // From here on: a caller that goes away in the middle leaves a transaction as well.
        Ok(Write { connection: Some(connection) })
    }

    /// A reader: it sees the last commit, never waits for the writer and cannot write.
    pub(crate) async fn reader(&self) -> Result<Reader, sqlx::Error> {
        let place = in_time(self.readers.places.clone().acquire_owned()).await?;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.readers.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.readers.options).await?,
        };
        Ok(Reader { connection: Some(connection), readers: self.readers.clone(), _place: place })
    }

    /// A connection of the caller's own, which may write elsewhere.
    pub(super) async fn apart(&self) -> Result<SqliteConnection, sqlx::Error> {
        SqliteConnection::connect_with(&self.options).await
    }
}

impl Readers {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn in_time<T>(wait: impl Future<Output = T>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(ACQUIRE_TIMEOUT, wait).await.map_err(|_| sqlx::Error::PoolTimedOut)
}

/// A connection that reads; it goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reader {
    /// `None` only while it is dropped.
    connection: Option<SqliteConnection>,
    readers: Arc<Readers>,
    /// Given back after the connection is.
    _place: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.readers.idle().extend(self.connection.take());
    }
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is there until it is dropped")
    }
}

/// A write transaction.
#[derive(Debug)]
pub(crate) struct Write {
    /// `None` once it is committed.
    connection: Option<OwnedMutexGuard<SqliteConnection>>,
}

impl Write {
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("COMMIT").execute(&mut *self).await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Write {
    /// Nobody writes before it is rolled back. Without a runtime nobody writes any more at all.
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            // There is nothing to roll back where it could not begin.
            sqlx::query("ROLLBACK").execute(&mut *connection).await.ok();
        });
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is there until it is committed")
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is there until it is committed")
    }
}
