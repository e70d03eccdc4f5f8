//! The event log in one SQLite file.
//!
//! Records are kept in *segments*: one row for what one append call brought to one shard (see `segment`), which
//! makes appending and reading several times faster than a row per record. An append call is one transaction, and
//! on disk when it returns. Offsets are contiguous per shard, from 0.
//!
//! Several processes may have the file open, and append to it; who waits in `next` looks four times a second for
//! what another process appended. The groups live in one [`SqliteLog`] and its clones: a member in another process
//! is alone in its group, and is fenced by the stores, not here.
//!
//! # Layout
//! - this file: [`SqliteLog`] as an [`EventLog`]
//! - `segment`: records as one blob, and back
//! - `topics`: which topics there are and where their shards end, kept in memory

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use signalbox_log::group::{Groups, LocalLog, LocalSubscription};
use signalbox_log::{EventLog, LogError, Message, Offset, Record, Shard, Subscription};
use sqlx::SqliteConnection;

use self::segment::{Segment, Slice};
use self::topics::{TopicId, Topics};
use super::connect::{self, Cache, Synchronous};
use super::db::Db;
use super::statement::of_rows;
use crate::engine::slices;
use crate::migrations;

mod segment;
mod topics;

/// A log in a file. Clones are the same log and share its groups.
#[derive(Debug, Clone)]
pub struct SqliteLog {
    db: Db,
    topics: Arc<Topics>,
    groups: Groups,
}

/// Why topics could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateTopicsError {
    /// The number of shards is fixed for the life of a topic: a student's records would move to another shard.
    #[error("topic \"{topic}\" has {has} shards and cannot have {wanted}: set `shards` back to {has}")]
    OtherShards { topic: String, has: u32, wanted: u32 },
    #[error(transparent)]
    Log(#[from] LogError),
}

impl SqliteLog {
    /// Opens the log at `path`; makes an empty one if there is no such file (its folder has to be there).
    ///
    /// # Errors
    /// [`LogError::Unavailable`] while another process holds the file, [`LogError::Failed`] otherwise.
    pub async fn open(path: &Path) -> Result<Self, LogError> {
        let db = connect::open(path, Synchronous::Full, Cache::Appends, &migrations::SQLITE_LOG)
            .await
            .map_err(log_error)?;
        let topics = Arc::new(Topics::load(&db).await.map_err(log_error)?);
        Ok(Self { db, topics, groups: Groups::default() })
    }

    /// Creates the topics that are missing: names and numbers of shards. All of them or, on an error, none.
    ///
    /// # Errors
    /// [`CreateTopicsError::OtherShards`] if a topic is there with another number of shards.
    pub async fn create_topics(&self, topics: &[(&str, u32)]) -> Result<(), CreateTopicsError> {
        let mut transaction = self.db.write().await.map_err(log_error)?;
        for &(topic, wanted) in topics {
            let has = create_topic(&mut transaction, topic, wanted).await.map_err(log_error)?;
            if has != wanted {
                return Err(CreateTopicsError::OtherShards { topic: topic.to_owned(), has, wanted });
            }
        }
        transaction.commit().await.map_err(log_error)?;
        self.topics.reload(&self.db).await.map_err(log_error)?;
        Ok(())
    }

    /// Writes a copy of the last commit to `path`, which must not exist. Appends go on beside it.
    ///
    /// # Errors
    /// [`signalbox_store::StoreError`] as for the stores: the copy is the same work.
    pub async fn snapshot_to(&self, path: &Path) -> Result<(), signalbox_store::StoreError> {
        super::snapshot::write(&self.db, path).await
    }

    /// The id of a topic that has this shard. Asks the database if memory does not know: another process may have
    /// created it.
    async fn topic_id(&self, topic: &str, shard: Shard) -> Result<TopicId, LogError> {
        if self.topics.find(topic).is_none() {
            self.topics.reload(&self.db).await.map_err(log_error)?;
        }
        let found = self.topics.find(topic).filter(|(_, shards)| shard < *shards);
        let (id, _) = found.ok_or_else(|| LogError::NoSuchShard { topic: topic.to_owned(), shard })?;
        Ok(id)
    }

    /// The segments of one append call: per shard in the order of the slice.
    async fn pack(&self, messages: &[Message]) -> Result<Vec<Segment>, LogError> {
        let mut packer = segment::Packer::default();
        for run in messages.chunk_by(|a, b| a.topic == b.topic && a.shard == b.shard) {
            let topic = self.topic_id(&run[0].topic, run[0].shard).await?;
            packer.push(topic, run[0].shard, run);
        }
        Ok(packer.finish())
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    fn appends_whole(&self) -> bool {
        true
    }

    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        let segments = self.pack(messages).await?;
        if segments.is_empty() {
            return Ok(());
        }
        let mut transaction = self.db.writer().await.map_err(log_error)?;
        insert(&mut transaction, &segments).await.map_err(log_error)?;
        transaction.commit().await.map_err(log_error)?;
        self.groups.ring();
        Ok(())
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(LocalSubscription::join(self.clone(), group, topics).await?))
    }

    /// The bytes of the records are parts of their segment: who keeps a few for long should copy them.
    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let id = self.topic_id(topic, shard).await?;
        let until = from.saturating_add(max as Offset);
        let (mut records, topic) = (Vec::new(), Arc::from(topic));
        for (first_offset, blob) in select(&self.db, id, shard, from..until).await.map_err(log_error)? {
            let slice = Slice { topic: &topic, shard, first_offset, wanted: from..until };
            slice.decode(&Bytes::from(blob), &mut records).map_err(failed)?;
        }
        Ok(records)
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        let id = self.topic_id(topic, shard).await?;
        let (begin, end): (i64, i64) = sqlx::query_as(
            "SELECT coalesce((SELECT first_offset FROM segment WHERE topic = ?1 AND shard = ?2 \
                              ORDER BY first_offset LIMIT 1), 0), \
                    coalesce((SELECT first_offset + count FROM segment WHERE topic = ?1 AND shard = ?2 \
                              ORDER BY first_offset DESC LIMIT 1), 0)",
        )
        .bind(id)
        .bind(shard)
        .fetch_one(&mut *self.db.reader().await.map_err(log_error)?)
        .await
        .map_err(log_error)?;
        Ok(begin as Offset..end as Offset)
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        if self.topics.find(topic).is_none() {
            self.topics.reload(&self.db).await.map_err(log_error)?;
        }
        Ok(self.topics.find(topic).map(|(_, shards)| shards))
    }
}

#[async_trait]
impl LocalLog for SqliteLog {
    const LOOK_AGAIN: Option<Duration> = Some(Duration::from_millis(250));

    fn groups(&self) -> &Groups {
        &self.groups
    }

    async fn refresh(&self) -> Result<(), LogError> {
        self.topics.refresh(&self.db).await.map_err(log_error)
    }

    fn end(&self, topic: &str, shard: Shard) -> Offset {
        self.topics.end(topic, shard)
    }
}

/// Makes the topic if it is missing, and says how many shards it has.
async fn create_topic(
    transaction: &mut SqliteConnection,
    topic: &str,
    shards: u32,
) -> Result<u32, sqlx::Error> {
    sqlx::query("INSERT INTO topic (name, shards) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING")
        .bind(topic)
        .bind(shards)
        .execute(&mut *transaction)
        .await?;
    sqlx::query_scalar("SELECT shards FROM topic WHERE name = ?1")
        .bind(topic)
        .fetch_one(&mut *transaction)
        .await
}

/// Begins the transaction. The database numbers the records, under its lock: no process can hold a stale end.
async fn insert(transaction: &mut SqliteConnection, segments: &[Segment]) -> Result<(), sqlx::Error> {
    let mut begin = "BEGIN IMMEDIATE; ";
    let insert = "INSERT INTO segment (topic, shard, first_offset, count, records)
        SELECT column1, column2,
               coalesce((SELECT first_offset + count FROM segment WHERE topic = column1 AND shard = column2
                         ORDER BY first_offset DESC LIMIT 1), 0),
               column3, column4
        FROM (VALUES";
    for slice in segment::of_different_shards(segments).flat_map(slices) {
        let mut query = of_rows(&format!("{begin}{insert}"), slice.len(), 4, ")");
        begin = "";
        for segment in slice {
            let Segment { topic, shard, count, records } = segment;
            query = query.bind(*topic).bind(*shard).bind(*count).bind(records.as_slice());
        }
        query.execute(&mut *transaction).await?;
    }
    Ok(())
}

/// First offsets and blobs of the segments that hold any of `wanted`.
async fn select(
    db: &Db,
    topic: TopicId,
    shard: Shard,
    wanted: Range<Offset>,
) -> Result<Vec<(Offset, Vec<u8>)>, sqlx::Error> {
    let bound = |offset: Offset| i64::try_from(offset).unwrap_or(i64::MAX);
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT first_offset, records FROM segment \
         WHERE topic = ?1 AND shard = ?2 AND first_offset < ?4 AND first_offset >= \
               coalesce((SELECT max(first_offset) FROM segment \
                         WHERE topic = ?1 AND shard = ?2 AND first_offset <= ?3), 0) \
         ORDER BY first_offset",
    )
    .bind(topic)
    .bind(shard)
    .bind(bound(wanted.start))
    .bind(bound(wanted.end))
    .fetch_all(&mut *db.reader().await?)
    .await?;
    Ok(rows.into_iter().map(|(first_offset, blob)| (first_offset as Offset, blob)).collect())
}

fn log_error(error: sqlx::Error) -> LogError {
    if connect::is_away(&error) { LogError::Unavailable(Box::new(error)) } else { failed(error) }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> LogError {
    LogError::Failed(Box::new(error))
}
