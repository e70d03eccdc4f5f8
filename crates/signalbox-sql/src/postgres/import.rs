//! The way from a hub on SQLite to one on PostgreSQL: what the stores of the one hold becomes what those of the other
//! hold.
//!
//! # Layout
//! - `source`: a file as it is at one moment, and whether this version knows its tables
//! - `table`: which columns go where
//! - `batch`: rows on their way

use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::connect::Place;
use super::migrate::{self, OpenError};
use super::tables::{self, TABLES};
use crate::migrations;
use batch::Batch;
use table::{OF_FEEDS, OF_STATE, Table};

mod batch;
mod source;
mod table;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Every table with its number of rows.
    pub tables: Vec<(&'static str, u64)>,
}

/// Why nothing was imported. Never carries a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{} cannot be read", file.display())]
    Unreadable { file: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{} is not a hub's database", file.display())]
    NotAHubs { file: PathBuf },
    #[error("{} was last used by an earlier version: start the old hub once with this version", file.display())]
    Older { file: PathBuf },
    #[error(
        "{} is not as this version makes it: give feeds.db and state.db in their places, or use the version that \
         wrote them", file.display()
    )]
    Foreign { file: PathBuf },
    #[error("schema {schema} is not empty, table {table} has rows: give a schema of its own to import into")]
    NotEmpty { schema: String, table: &'static str },
    #[error("table {table} could not be written")]
    Refused { table: &'static str, source: OpenError },
    #[error(
        "the connection was lost at the very end: import again, and a schema that is not empty says that all is there"
    )]
    Unknown,
    #[error(transparent)]
    Target(#[from] OpenError),
}

/// Copies everything that `feeds_db` and `state_db` hold into the schema of `url`, which is migrated and empty, in one
/// transaction: all of it is there, or nothing. Calls `progress` with a table and its rows so far.
///
/// Numbers, epochs and orders stay. Claims lapse and terms of feeds end: their holders were processes of the old hub.
/// Each file is read as it was when the import began, but one file may be a moment later than the other and the log
/// later than both: stop the old hub first. Positions stay as well, so the log has to come along with its offsets.
pub async fn import(
    url: &str,
    feeds_db: &Path,
    state_db: &Path,
    mut progress: impl FnMut(&str, u64),
) -> Result<Imported, ImportError> {
    let place = Place::parse(url)?;
    let mut feeds = source::open(feeds_db, &migrations::SQLITE_FEEDS).await?;
    let mut state = source::open(state_db, &migrations::SQLITE_STATE).await?;
    let mut target = migrate::connect_for_changes(&place).await.map_err(OpenError::from)?;
    migrate::check(&mut target, &place.schema).await?;

    let mut transaction = target.begin().await.map_err(OpenError::from)?;
    keep_others_out(&mut transaction).await.map_err(OpenError::from)?;
    refuse_rows(&mut transaction, &place.schema).await?;
    let mut imported = Imported { tables: Vec::new() };
    let files = [(state_db, &mut state, OF_STATE), (feeds_db, &mut feeds, OF_FEEDS)];
    for (file, source, tables) in files {
        for table in tables {
            let rows = copy(table, (file, &mut *source), &mut transaction, &mut progress).await?;
            imported.tables.push((table.name, rows));
        }
    }
    tables::settle(&mut transaction, &place.schema).await.map_err(OpenError::from)?;
    transaction.commit().await.map_err(of_commit)?;
    target.close().await.map_err(OpenError::from)?;
    Ok(imported)
}

/// Until the end, others may look and not write.
async fn keep_others_out(target: &mut PgConnection) -> Result<(), sqlx::Error> {
    // One who does not let go of a table is to be heard of.
    sqlx::query("SET LOCAL lock_timeout = '30s'").execute(&mut *target).await?;
    let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", TABLES.join(", "));
    sqlx::query(AssertSqlSafe(lock)).execute(target).await?;
    Ok(())
}

async fn refuse_rows(target: &mut PgConnection, schema: &str) -> Result<(), ImportError> {
    for table in TABLES {
        let select = format!("SELECT EXISTS (SELECT FROM {table})");
        let has_rows = sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut *target).await;
        if has_rows.map_err(OpenError::from)? {
            return Err(ImportError::NotEmpty { schema: schema.to_owned(), table });
        }
    }
    Ok(())
}

/// How many rows there were.
async fn copy(
    table: &'static Table,
    (file, source): (&Path, &mut SqliteConnection),
    target: &mut PgConnection,
    progress: &mut impl FnMut(&str, u64),
) -> Result<u64, ImportError> {
    let unreadable = |error| source::unreadable(file, error);
    let refused = |error: sqlx::Error| ImportError::Refused { table: table.name, source: error.into() };
    let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(source);
    let mut batch = Batch::of(table);
    let mut copied = 0;
    while let Some(row) = rows.try_next().await.map_err(unreadable)? {
        batch.push(&row).map_err(unreadable)?;
        if batch.is_full() {
            copied += batch.write(target).await.map_err(refused)?;
            progress(table.name, copied);
        }
    }
    copied += batch.write(target).await.map_err(refused)?;
    progress(table.name, copied);
    Ok(copied)
}

fn of_commit(error: sqlx::Error) -> ImportError {
    match super::refusal::commit_refusal(error) {
        signalbox_store::StoreError::Unknown => ImportError::Unknown,
        signalbox_store::StoreError::Unavailable(error) => OpenError::Unavailable(error).into(),
        error => OpenError::Failed(error.into()).into(),
    }
}
