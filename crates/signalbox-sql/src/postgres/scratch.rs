//! A copy of a hub's schema to try things on.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::connect::{self, Database, MAX_SCHEMA_BYTES, Options, Place};
use super::migrate::{self, OpenError};
use super::tables::{self, TABLES};

/// Two process ids, `_plan_` and what joins them.
const LONGEST_SUFFIX: usize = 27;

/// A copy in a schema of its own. Dropped without [`remove`](Self::remove), it stays until the next copy is made.
#[derive(Debug)]
pub struct Scratch {
    database: Database,
    schema: String,
    /// Holds a lock by which others know that the copy is in use: it ends with this session, however that ends.
    maker: PgConnection,
}

/// Copies the schema of `url` as it is at one moment into a new schema `<schema>_plan_<numbers>` beside it. The
/// server does the copying, and hubs go on writing meanwhile. Copies whose makers are gone are removed first.
///
/// The URL's user needs the right to make schemas (`CREATE` on the database), besides reading every table.
pub async fn scratch_copy(url: &str, options: &Options) -> Result<Scratch, OpenError> {
    let mut origin = Place::parse(url)?;
    origin.options = origin.options.application_name(&options.application_name);
    let mut maker = migrate::connect_for_changes(&origin).await?;
    migrate::check(&mut maker, &origin.schema).await?;
    sweep(&mut maker, &origin.schema).await?;

    let session: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut maker).await?;
    let place = origin.beside(format!("{}{}_{session}", prefix(&origin.schema), std::process::id()));
    // Before the schema is there, so that nobody ever sees it without its lock.
    lock(&mut maker, &place.schema).await?;
    match fill(&mut maker, &origin.schema, &place, options).await {
        Ok(database) => Ok(Scratch { database, schema: place.schema, maker }),
        Err(error) => {
            // The first error is the one to tell; the next copy sweeps what cannot be removed now.
            drop(remove(&mut maker, &place.schema).await);
            Err(error)
        }
    }
}

impl Scratch {
    /// The copy's stores; what they write stays in the copy.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Drops the copy. Its stores are `Unavailable` from here on.
    pub async fn remove(mut self) -> Result<(), OpenError> {
        self.database.close().await;
        remove(&mut self.maker, &self.schema).await?;
        Ok(self.maker.close().await?)
    }
}

async fn fill(
    maker: &mut PgConnection,
    origin: &str,
    place: &Place,
    options: &Options,
) -> Result<Database, OpenError> {
    make(maker, origin, &place.schema).await?;
    migrate::make(place).await?;
    copy(maker, origin, &place.schema).await?;
    connect::open(place, options).await
}

/// Makes the schema and, in one transaction with it, the mark by which it may be swept.
async fn make(maker: &mut PgConnection, origin: &str, schema: &str) -> Result<(), sqlx::Error> {
    let make = format!("CREATE SCHEMA \"{schema}\"; COMMENT ON SCHEMA \"{schema}\" IS '{}'", mark(origin));
    sqlx::raw_sql(AssertSqlSafe(make)).execute(maker).await?;
    Ok(())
}

async fn copy(maker: &mut PgConnection, origin: &str, schema: &str) -> Result<(), sqlx::Error> {
    let mut transaction = maker.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    for table in TABLES.into_iter().rev() {
        // A copy need not survive a crash of the server, nor reach its replicas.
        let unlogged = format!("ALTER TABLE \"{schema}\".{table} SET UNLOGGED");
        sqlx::query(AssertSqlSafe(unlogged)).execute(&mut *transaction).await?;
    }
    for table in TABLES {
        // The same migrations made both, so their columns come in the same order.
        let copy = format!(
            "INSERT INTO \"{schema}\".{table} OVERRIDING SYSTEM VALUE SELECT * FROM \"{origin}\".{table}"
        );
        sqlx::query(AssertSqlSafe(copy)).execute(&mut *transaction).await?;
    }
    tables::settle(&mut transaction, schema).await?;
    transaction.commit().await
}

/// Removes copies of `origin` that nobody uses any more.
async fn sweep(maker: &mut PgConnection, origin: &str) -> Result<(), sqlx::Error> {
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT nspname::text FROM pg_namespace
         WHERE starts_with(nspname, $1) AND obj_description(oid, 'pg_namespace') = $2
           AND pg_has_role(nspowner, 'USAGE')",
    )
    .bind(prefix(origin))
    .bind(mark(origin))
    .fetch_all(&mut *maker)
    .await?;
    for schema in left {
        if try_lock(maker, &schema).await? {
            remove(maker, &schema).await?;
            unlock(maker, &schema).await?;
        }
    }
    Ok(())
}

async fn remove(maker: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    let drop = format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE");
    sqlx::query(AssertSqlSafe(drop)).execute(maker).await?;
    Ok(())
}

/// What the names of copies begin with. Of a long name its beginning: the mark tells the rest.
fn prefix(origin: &str) -> String {
    let kept = origin.len().min(MAX_SCHEMA_BYTES - LONGEST_SUFFIX);
    format!("{}_plan_", &origin[..kept])
}

/// The comment of a copy's schema. A schema that only happens to be called so does not bear it.
fn mark(origin: &str) -> String {
    format!("Signalbox: a copy of schema {origin} to plan on; dropped when its maker is gone")
}

async fn lock(maker: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    call(maker, "SELECT pg_advisory_lock(hashtextextended('signalbox copy ' || $1, 0)) IS NOT NULL", schema)
        .await?;
    Ok(())
}

/// `false`: its maker lives.
async fn try_lock(maker: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    call(maker, "SELECT pg_try_advisory_lock(hashtextextended('signalbox copy ' || $1, 0))", schema).await
}

async fn unlock(maker: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    call(maker, "SELECT pg_advisory_unlock(hashtextextended('signalbox copy ' || $1, 0))", schema).await?;
    Ok(())
}

async fn call(maker: &mut PgConnection, select: &'static str, schema: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(select).bind(schema).fetch_one(maker).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_the_longest_numbers_is_not_cut_by_the_server() {
        for origin in ["oak", &"x".repeat(MAX_SCHEMA_BYTES)] {
            let name = format!("{}{}_{}", prefix(origin), u32::MAX, i32::MAX);
            assert!(name.len() <= MAX_SCHEMA_BYTES, "{name}");
        }
    }

    #[test]
    fn a_schema_is_no_copy_of_one_whose_name_begins_alike() {
        assert!(!"oak_ridge_plan_1_2".starts_with(&prefix("oak")));
        assert_ne!(mark("oak"), mark("oak_ridge"));
    }
}
