//! A SQLite file to be imported.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::ImportError;

/// How long another process may keep the file for itself.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a file as it is now: what others write from here on is not seen. Refuses one that `migrator` would change or
/// does not know.
pub(super) async fn open(file: &Path, migrator: &Migrator) -> Result<SqliteConnection, ImportError> {
    let unreadable = |error| unreadable(file, error);
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(unreadable)?;
    // The moment is that of the first read, which follows.
    sqlx::query("BEGIN").execute(&mut connection).await.map_err(unreadable)?;
    let file = || file.to_owned();
    let Some(stored) = migrations(&mut connection).await.map_err(unreadable)? else {
        return Err(ImportError::NotAHubs { file: file() });
    };
    let known: HashMap<i64, &[u8]> =
        migrator.iter().map(|migration| (migration.version, &*migration.checksum)).collect();
    if stored.iter().any(|(version, checksum)| known.get(version) != Some(&checksum.as_slice())) {
        return Err(ImportError::Foreign { file: file() });
    }
    if stored.len() < known.len() {
        return Err(ImportError::Older { file: file() });
    }
    Ok(connection)
}

pub(super) fn unreadable(file: &Path, error: sqlx::Error) -> ImportError {
    ImportError::Unreadable { file: file.to_owned(), source: error.into() }
}

/// Version and checksum of what was applied; `None`: this is no file of ours.
async fn migrations(connection: &mut SqliteConnection) -> Result<Option<Vec<(i64, Vec<u8>)>>, sqlx::Error> {
    let is_there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')")
            .fetch_one(&mut *connection)
            .await?;
    if !is_there {
        return Ok(None);
    }
    sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations").fetch_all(connection).await.map(Some)
}
