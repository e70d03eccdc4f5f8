//! The way from an embedded hub to Kafka and PostgreSQL.
//!
//! Every event is copied to the offset that it had, so the positions of the consumers stay right, and everything that
//! the hub remembers is copied in one transaction: nothing is folded anew, nobody is told twice. Until that
//! transaction is done, the embedded hub is untouched and the command may be repeated; after it, the old folder says
//! that the hub has moved, and an embedded one does not start there any more.

use std::path::Path;

use anyhow::anyhow;
use secrecy::ExposeSecret;
use serde::Serialize;
use signalbox_log::CopyError;
use signalbox_sql::postgres::{self, ImportError};
use signalbox_sql::sqlite::{SqliteFeeds, SqliteLog, SqliteState};

use super::servers::{connect_kafka, database_url, topics};
use super::{DataDir, default_topics, remembered};
use crate::config::Servers;
use crate::exit::Failure;

/// What came over.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    pub(crate) events: u64,
    pub(crate) rows: u64,
}

/// Moves the hub of a data folder.
pub(crate) async fn from(servers: &Servers, base: &Path, folder: &Path) -> Result<Moved, Failure> {
    let from = DataDir::at(folder);
    check(&from, servers)?;
    let _lock = from.lock("moving to Kafka and PostgreSQL")?;
    // Opening brings the files up to this version.
    let feeds = SqliteFeeds::open(&from.file("feeds.db")).await?;
    remembered::check_format(&feeds).await?;
    drop(feeds);
    drop(SqliteState::open(&from.file("state.db")).await?);
    let events = copy_log(&from, servers, base).await?;
    let url = database_url(servers, base)?;
    let say = |table: &str, rows: u64| tracing::info!(table, rows, "copied");
    let (feeds, state) = (from.file("feeds.db"), from.file("state.db"));
    let imported = postgres::import(url.expose_secret(), &feeds, &state, say).await?;
    from.mark_moved()?;
    Ok(Moved { events, rows: imported.tables.iter().map(|(_, rows)| rows).sum() })
}

fn check(from: &DataDir, servers: &Servers) -> Result<(), Failure> {
    if !["log.db", "feeds.db", "state.db"].into_iter().all(|file| from.has(file)) {
        return Err(Failure::input(
            anyhow!("{} is not the data folder of an embedded hub", from.path().display()),
            "name the folder with log.db, feeds.db and state.db",
        ));
    }
    from.has_not_moved()?;
    let (old, new) = (default_topics(), topics(servers));
    if (&old.prefix, old.shards) == (&new.prefix, new.shards) {
        return Ok(());
    }
    Err(Failure::input(
        anyhow!("an embedded hub has {} shards and the prefix \"{}\"", old.shards, old.prefix),
        "a hub that moves keeps them: set log.kafka.shards and log.kafka.prefix so, or leave both out",
    ))
}

async fn copy_log(from: &DataDir, servers: &Servers, base: &Path) -> Result<u64, Failure> {
    let old = SqliteLog::open(&from.file("log.db")).await?;
    let new = connect_kafka(&servers.kafka, base).await?;
    let topics: Vec<String> = topics(servers).all().into_iter().map(|(name, _)| name).collect();
    let say = |topic: &str, records: u64| tracing::info!(topic, records, "copied");
    Ok(signalbox_log::copy(&old, &new, &topics, say).await?)
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        Self::environment(error, "signalbox topics apply makes topics that are missing")
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::environment(error, "the embedded hub is untouched: mend this, and run the same command again")
    }
}
