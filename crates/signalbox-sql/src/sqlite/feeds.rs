//! Feeds in one SQLite file.

use std::path::Path;

use signalbox_store::StoreError;

use super::connect::{self, Cache, Synchronous};
use super::db::Db;
use super::refusal::refusal;
use crate::feeds::Feeds;
use crate::migrations;

/// [`FeedStore`](signalbox_store::FeedStore) in one SQLite file.
///
/// A call survives a crash of the process at once; a power cut may take the latest ones back, in order. What is
/// read again then gives the same events.
pub type SqliteFeeds = Feeds<Db>;

impl SqliteFeeds {
    /// Opens `feeds.db` at `path`, creates it if it is missing and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let engine = connect::open(path, Synchronous::Normal, Cache::Upserts, &migrations::SQLITE_FEEDS)
            .await
            .map_err(refusal)?;
        Ok(Self { engine })
    }

    /// Writes a copy of the last commit to `path`, which must not exist. Writing goes on beside it.
    pub async fn snapshot_to(&self, path: &Path) -> Result<(), StoreError> {
        super::snapshot::write(&self.engine, path).await
    }
}
