//! Tables and their versions.

use std::collections::HashMap;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::connect::Place;
use super::refusal::{may_succeed_later, source};
use crate::migrations::POSTGRES;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database's URL is wrong: {0}")]
    Url(String),
    #[error("the database does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("schema {schema} has no tables for this version yet: run `signalbox migrate`")]
    NotMigrated { schema: String, missing: Vec<String> },
    #[error(
        "schema {schema} was migrated by a newer version (migration {migration}): run that version, or give this one \
         a schema of its own"
    )]
    Newer { schema: String, migration: i64 },
    #[error(
        "migration {migration} of schema {schema} is not the one that this version knows: run the version that made \
         it, or restore the schema from a backup"
    )]
    Changed { schema: String, migration: i64 },
    #[error("the database refused")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Migrations of a schema, each as `0001 state`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrations {
    pub schema: String,
    /// In the database already.
    pub applied: Vec<String>,
    /// Missing, or just made by [`migrate`].
    pub missing: Vec<String>,
}

/// Brings the schema of `url` up to date and makes it if it is missing. Answers what was there and what was missing.
/// Of two at once, one waits for the other.
pub async fn migrate(url: &str) -> Result<Migrations, OpenError> {
    make(&Place::parse(url)?).await
}

/// As [`migrate`].
pub(super) async fn make(place: &Place) -> Result<Migrations, OpenError> {
    let mut connection = connect_for_changes(place).await?;
    let before = read(&mut connection, &place.schema).await?;
    let mut migrator = Migrator::with_migrations(POSTGRES.iter().cloned().collect());
    if !is_there(&mut connection, &place.schema).await? {
        // Only if it is missing: to one who may not make schemas, even IF NOT EXISTS is an error.
        migrator.create_schema(format!("\"{}\"", place.schema));
    }
    let done = migrator.run(&mut connection).await;
    done.map_err(|error| OpenError::of_migration(error, &place.schema))?;
    connection.close().await?;
    Ok(before)
}

/// What [`migrate`] would do. Changes nothing.
pub async fn migrations(url: &str) -> Result<Migrations, OpenError> {
    let place = Place::parse(url)?;
    let mut connection = place.options.connect().await?;
    let found = read(&mut connection, &place.schema).await?;
    connection.close().await?;
    Ok(found)
}

/// An error unless the schema is as this version needs it.
pub(super) async fn check(connection: &mut PgConnection, schema: &str) -> Result<(), OpenError> {
    let found = read(connection, schema).await?;
    if found.missing.is_empty() {
        return Ok(());
    }
    Err(OpenError::NotMigrated { schema: found.schema, missing: found.missing })
}

/// A migration may wait for another one, and may rewrite a table: the limits of every day do not hold.
pub(super) async fn connect_for_changes(place: &Place) -> Result<PgConnection, sqlx::Error> {
    let unlimited = [
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("idle_session_timeout", "0"),
    ];
    place.options.clone().options(unlimited).connect().await
}

async fn is_there(connection: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL").bind(schema).fetch_one(connection).await
}

async fn read(connection: &mut PgConnection, schema: &str) -> Result<Migrations, OpenError> {
    let stored = stored(connection).await?;
    let known: HashMap<i64, _> = POSTGRES.iter().map(|migration| (migration.version, migration)).collect();
    for (version, checksum) in &stored {
        let (schema, migration) = (schema.to_owned(), *version);
        match known.get(version) {
            None => return Err(OpenError::Newer { schema, migration }),
            Some(known) if *known.checksum != **checksum => {
                return Err(OpenError::Changed { schema, migration });
            }
            Some(_) => {}
        }
    }
    let name =
        |migration: &sqlx::migrate::Migration| format!("{:04} {}", migration.version, migration.description);
    let (applied, missing): (Vec<_>, Vec<_>) =
        POSTGRES.iter().partition(|migration| stored.contains_key(&migration.version));
    Ok(Migrations {
        schema: schema.to_owned(),
        applied: applied.into_iter().map(name).collect(),
        missing: missing.into_iter().map(name).collect(),
    })
}

/// Version and checksum of what was applied.
async fn stored(connection: &mut PgConnection) -> Result<HashMap<i64, Vec<u8>>, sqlx::Error> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations").fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

impl OpenError {
    fn of_migration(error: MigrateError, schema: &str) -> Self {
        let schema = schema.to_owned();
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMissing(migration) => Self::Newer { schema, migration },
            MigrateError::VersionMismatch(migration) | MigrateError::Dirty(migration) => {
                Self::Changed { schema, migration }
            }
            error => Self::Failed(error.into()),
        }
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Configuration(error) => Self::Url(error.to_string()),
            error if may_succeed_later(&error) => Self::Unavailable(source(error)),
            error => Self::Failed(source(error)),
        }
    }
}
