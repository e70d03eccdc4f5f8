//! The event log in one SQLite file.

/// The event log in one SQLite file.
#[derive(Debug)]
pub struct SqliteLog {
    db: super::connect::Db,
}

impl SqliteLog {
    /// Opens the log at `path`.
    pub async fn open(path: &std::path::Path) -> Result<Self, sqlx::Error> {
        let migrator = sqlx::migrate!("migrations/sqlite/log");
        let db = super::connect::open(path, super::connect::Synchronous::Full, &migrator).await?;
        Ok(Self { db })
    }
}
