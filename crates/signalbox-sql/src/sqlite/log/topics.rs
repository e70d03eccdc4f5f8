//! Which topics there are and where their shards end, kept in memory so that a reader with nothing to read asks
//! the database one small question, not one for each shard of each topic.

use std::collections::HashMap;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use signalbox_log::{Offset, Shard};

use crate::sqlite::db::Db;

/// The row of a topic.
pub(super) type TopicId = i64;

/// What was last seen in the database. Ends only rise, so answers that arrive out of order do no harm.
#[derive(Debug, Default)]
pub(super) struct Topics {
    seen: RwLock<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    ids: HashMap<String, TopicId>,
    /// Of each topic, the end of each shard.
    ends: HashMap<TopicId, Vec<Offset>>,
    /// Everything up to this row of `segment` is in `ends`.
    last_segment: i64,
}

impl Topics {
    pub(super) async fn load(db: &Db) -> Result<Self, sqlx::Error> {
        let topics = Self::default();
        topics.reload(db).await?;
        Ok(topics)
    }

    /// The id of a topic and how many shards it has.
    pub(super) fn find(&self, topic: &str) -> Option<(TopicId, u32)> {
        let seen = self.seen();
        let id = *seen.ids.get(topic)?;
        Some((id, seen.ends[&id].len() as u32))
    }

    /// Where a shard ended when last looked at; 0 if it is not known.
    pub(super) fn end(&self, topic: &str, shard: Shard) -> Offset {
        let seen = self.seen();
        let ends = seen.ids.get(topic).and_then(|id| seen.ends.get(id));
        ends.and_then(|ends| ends.get(shard as usize)).copied().unwrap_or(0)
    }

    /// Reads the topics and every end anew: one seek for each shard.
    pub(super) async fn reload(&self, db: &Db) -> Result<(), sqlx::Error> {
        // Before the ends: what is appended in between is then in both.
        let last_segment: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM segment")
            .fetch_one(&mut *db.reader().await?)
            .await?;
        let topics: Vec<(TopicId, String, u32)> =
            sqlx::query_as("SELECT id, name, shards FROM topic").fetch_all(&mut *db.reader().await?).await?;
        let ends: Vec<(TopicId, Shard, i64)> = sqlx::query_as(
            "WITH RECURSIVE place (topic, shard, shards) AS ( \
                 SELECT id, 0, shards FROM topic \
                 UNION ALL SELECT topic, shard + 1, shards FROM place WHERE shard + 1 < shards) \
             SELECT topic, shard, coalesce((SELECT first_offset + count FROM segment \
                                            WHERE topic = place.topic AND shard = place.shard \
                                            ORDER BY first_offset DESC LIMIT 1), 0) FROM place",
        )
        .fetch_all(&mut *db.reader().await?)
        .await?;
        let mut seen = self.seen_mut();
        for (id, name, shards) in topics {
            seen.ids.insert(name, id);
            seen.ends.entry(id).or_insert_with(|| vec![0; shards as usize]);
        }
        seen.raise(&ends, last_segment);
        Ok(())
    }

    /// Learns of the segments that came since. A topic that is not known yet is passed over: the reload that finds
    /// it finds its ends too.
    pub(super) async fn refresh(&self, db: &Db) -> Result<(), sqlx::Error> {
        let last_segment = self.seen().last_segment;
        let news: Vec<(i64, TopicId, Shard, i64)> = sqlx::query_as(
            "SELECT id, topic, shard, first_offset + count FROM segment WHERE id > ?1 ORDER BY id",
        )
        .bind(last_segment)
        .fetch_all(&mut *db.reader().await?)
        .await?;
        if let Some((last_segment, ..)) = news.last() {
            let ends: Vec<_> = news.iter().map(|(_, topic, shard, end)| (*topic, *shard, *end)).collect();
            self.seen_mut().raise(&ends, *last_segment);
        }
        Ok(())
    }

    fn seen(&self) -> RwLockReadGuard<'_, Seen> {
        self.seen.read().expect("nothing panics while the topics are held")
    }

    fn seen_mut(&self) -> RwLockWriteGuard<'_, Seen> {
        self.seen.write().expect("nothing panics while the topics are held")
    }
}

impl Seen {
    fn raise(&mut self, ends: &[(TopicId, Shard, i64)], last_segment: i64) {
        for (topic, shard, end) in ends {
            let known = self.ends.get_mut(topic).and_then(|ends| ends.get_mut(*shard as usize));
            if let Some(known) = known {
                *known = (*known).max(*end as Offset);
            }
        }
        self.last_segment = self.last_segment.max(last_segment);
    }
}
