//! A hub on files of its data folder.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use signalbox_hub::Topics;
use signalbox_ingest::Known;
use signalbox_sql::sqlite::{SqliteFeeds, SqliteLog, SqliteState};

use super::{DataDir, Stores, default_topics, environment};
use crate::exit::Failure;

/// Opens the files, making those that are missing.
pub(super) async fn open(folder: &Path) -> Result<Stores, Failure> {
    let topics = default_topics();
    let log = log(folder, &topics).await?;
    let states = Arc::new(SqliteState::open(&folder.join("state.db")).await?);
    let feeds = Arc::new(SqliteFeeds::open(&folder.join("feeds.db")).await?);
    Ok(Stores { topics, log: Arc::new(log), states: states.clone(), outbox: states, feeds })
}

/// Whether feeds were read into the folder.
pub(super) fn has_started(folder: &Path) -> bool {
    folder.join("feeds.db").is_file()
}

/// The ids of rosters that were.
pub(super) async fn known_ids(folder: &Path) -> Result<Known, Failure> {
    let feeds = SqliteFeeds::open(&folder.join("feeds.db")).await?;
    Ok(Known::of(&feeds).await?)
}

/// Opens the log in `folder`, which then has every topic.
pub(super) async fn log(folder: &Path, topics: &Topics) -> Result<SqliteLog, Failure> {
    let log = SqliteLog::open(&folder.join("log.db")).await?;
    let all = topics.all();
    let all: Vec<(&str, u32)> = all.iter().map(|(name, shards)| (name.as_str(), *shards)).collect();
    log.create_topics(&all).await.map_err(|error| environment(anyhow!(error)))?;
    Ok(log)
}

/// Opens copies of the files of `from`, made in `folder`.
pub(super) async fn open_copy(from: &DataDir, folder: &Path) -> Result<Stores, Failure> {
    if from.has("log.db") {
        SqliteLog::open(&from.file("log.db")).await?.snapshot_to(&folder.join("log.db")).await?;
    }
    if from.has("feeds.db") {
        SqliteFeeds::open(&from.file("feeds.db")).await?.snapshot_to(&folder.join("feeds.db")).await?;
    }
    if from.has("state.db") {
        SqliteState::open(&from.file("state.db")).await?.snapshot_to(&folder.join("state.db")).await?;
    }
    open(folder).await
}
