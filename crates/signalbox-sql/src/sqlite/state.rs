//! Consumer state and the outbox in one SQLite file.

use std::collections::HashMap;
use std::path::Path;

use async_trait::async_trait;
use signalbox_store::card::Card;
use signalbox_store::state::{Batch, Lease, Position, StateRow, Subject};
use signalbox_store::{StateStore, StoreError};
use sqlx::{SqliteConnection, SqliteExecutor};

use super::connect::{self, Cache, Synchronous};
use super::db::Db;
use super::refusal::refusal;
use super::statement::{of_list, of_rows};
use crate::engine::{Engine, slices};
use crate::migrations;
use crate::states::{States, outbox, paging};
use crate::stored::{PositionColumns, position, state_row};

/// [`StateStore`], [`Outbox`](signalbox_store::Outbox) and [`Cards`](signalbox_store::card::Cards) in one SQLite file.
///
/// A commit survives a crash of the process at once; a power cut may take the latest commits back, states,
/// positions and outbox together, and the log still has the records to go on from there.
pub type SqliteState = States<Db>;

impl SqliteState {
    /// Opens `state.db` at `path`, creates it if it is missing and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let engine = connect::open(path, Synchronous::Normal, Cache::Upserts, &migrations::SQLITE_STATE)
            .await
            .map_err(refusal)?;
        Ok(Self { engine })
    }

    /// Writes a copy of the last commit to `path`, which must not exist. Commits go on beside it.
    pub async fn snapshot_to(&self, path: &Path) -> Result<(), StoreError> {
        super::snapshot::write(&self.engine, path).await
    }
}

#[async_trait]
impl StateStore for SqliteState {
    async fn acquire(&self, consumer: &str, shard: u32) -> Result<Lease, StoreError> {
        let mut transaction = self.engine.write().await.map_err(refusal)?;
        let epoch = raise_epoch(&mut transaction, consumer, shard).await.map_err(refusal)?;
        let positions = positions(&mut *transaction, consumer, shard).await.map_err(refusal)?;
        transaction.commit().await.map_err(refusal)?;
        Ok(Lease { consumer: consumer.to_owned(), shard, epoch, positions })
    }

    async fn load(&self, lease: &Lease, subjects: &[Subject]) -> Result<Vec<Option<StateRow>>, StoreError> {
        let mut reader = self.engine.reader().await.map_err(refusal)?;
        let consumer = owned(&mut *reader, lease).await?;
        let mut found = HashMap::with_capacity(subjects.len());
        for slice in slices(subjects) {
            let rows = load(&mut reader, consumer, lease.shard, slice).await.map_err(refusal)?;
            found.extend(rows.into_iter().map(|row| (row.subject.clone(), row)));
        }
        Ok(subjects.iter().map(|subject| found.get(subject).cloned()).collect())
    }

    async fn commit(&self, lease: &Lease, batch: &Batch) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await.map_err(refusal)?;
        let consumer = owned(&mut *transaction, lease).await?;
        advance(&mut transaction, consumer, lease, batch).await?;
        write(&mut transaction, consumer, lease.shard, batch).await.map_err(refusal)?;
        outbox::write::<Db>(&mut transaction, &batch.outbox, &batch.amendments).await?;
        transaction.commit().await.map_err(refusal)
    }

    async fn due(&self, lease: &Lease, now_ms: i64, max: usize) -> Result<Vec<Subject>, StoreError> {
        let mut reader = self.engine.reader().await.map_err(refusal)?;
        let consumer = owned(&mut *reader, lease).await?;
        paging::due(&mut *reader, consumer, lease.shard, now_ms, max).await
    }

    async fn scan(
        &self,
        consumer: &str,
        shard: u32,
        after: Option<&Subject>,
        max: usize,
    ) -> Result<Vec<StateRow>, StoreError> {
        paging::scan(&mut *Engine::reader(&self.engine).await?, consumer, shard, after, max).await
    }

    async fn positions(&self, consumer: &str, shard: u32) -> Result<Vec<Position>, StoreError> {
        positions(&mut *self.engine.reader().await.map_err(refusal)?, consumer, shard).await.map_err(refusal)
    }
}

async fn raise_epoch(
    connection: &mut SqliteConnection,
    consumer: &str,
    shard: u32,
) -> Result<u64, sqlx::Error> {
    sqlx::query("INSERT INTO consumer (name) VALUES (?) ON CONFLICT DO NOTHING")
        .bind(consumer)
        .execute(&mut *connection)
        .await?;
    let epoch: i64 = sqlx::query_scalar(
        "INSERT INTO shard (consumer, shard, epoch) SELECT id, ?, 1 FROM consumer WHERE name = ?
         ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
    )
    .bind(shard)
    .bind(consumer)
    .fetch_one(connection)
    .await?;
    Ok(epoch as u64)
}

/// The consumer's number, if the lease is the last one of its shard.
async fn owned(executor: impl SqliteExecutor<'_>, lease: &Lease) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "SELECT consumer FROM shard
         WHERE consumer = (SELECT id FROM consumer WHERE name = ?) AND shard = ? AND epoch = ?",
    )
    .bind(&lease.consumer)
    .bind(lease.shard)
    .bind(lease.epoch as i64)
    .fetch_optional(executor)
    .await
    .map_err(refusal)?
    .ok_or(StoreError::Fenced)
}

async fn positions(
    executor: impl SqliteExecutor<'_>,
    consumer: &str,
    shard: u32,
) -> Result<Vec<Position>, sqlx::Error> {
    let rows: Vec<PositionColumns> = sqlx::query_as(
        "SELECT topic.name, next, last_id FROM position JOIN topic ON topic.id = topic
         WHERE consumer = (SELECT id FROM consumer WHERE name = ?) AND shard = ? ORDER BY topic.name",
    )
    .bind(consumer)
    .bind(shard)
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(position).collect())
}

async fn load(
    reader: &mut SqliteConnection,
    consumer: i64,
    shard: u32,
    subjects: &[Subject],
) -> Result<Vec<StateRow>, sqlx::Error> {
    let select = "SELECT subject, state, due_ms FROM state WHERE consumer = ? AND shard = ? AND subject IN";
    let mut query = of_list(select, subjects.len(), "").bind(consumer).bind(shard);
    for subject in subjects {
        query = query.bind(subject.as_slice());
    }
    let rows = query.fetch_all(reader).await?;
    rows.iter().map(state_row).collect()
}

async fn advance(
    connection: &mut SqliteConnection,
    consumer: i64,
    lease: &Lease,
    batch: &Batch,
) -> Result<(), StoreError> {
    let stored: HashMap<String, u64> = positions(&mut *connection, &lease.consumer, lease.shard)
        .await
        .map_err(refusal)?
        .into_iter()
        .map(|position| (position.topic, position.next))
        .collect();
    for advance in &batch.advances {
        if stored.get(&advance.to.topic).copied().unwrap_or(0) != advance.from {
            return Err(StoreError::Moved);
        }
        let known = stored.contains_key(&advance.to.topic);
        move_position(connection, consumer, lease.shard, &advance.to, known).await.map_err(refusal)?;
    }
    Ok(())
}

async fn move_position(
    connection: &mut SqliteConnection,
    consumer: i64,
    shard: u32,
    to: &Position,
    known: bool,
) -> Result<(), sqlx::Error> {
    if !known {
        sqlx::query("INSERT INTO topic (name) VALUES (?) ON CONFLICT DO NOTHING")
            .bind(&to.topic)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query(
        "INSERT INTO position (consumer, shard, topic, next, last_id)
         SELECT ?, ?, id, ?, ? FROM topic WHERE name = ?
         ON CONFLICT DO UPDATE SET next = excluded.next, last_id = excluded.last_id",
    )
    .bind(consumer)
    .bind(shard)
    .bind(to.next as i64)
    .bind(&to.last_id)
    .bind(&to.topic)
    .execute(connection)
    .await?;
    Ok(())
}

async fn write(
    connection: &mut SqliteConnection,
    consumer: i64,
    shard: u32,
    batch: &Batch,
) -> Result<(), sqlx::Error> {
    for slice in slices(&batch.states) {
        write_states(connection, consumer, shard, slice).await?;
    }
    for slice in slices(&batch.cards) {
        write_cards(connection, consumer, slice).await?;
    }
    Ok(())
}

async fn write_cards(
    connection: &mut SqliteConnection,
    consumer: i64,
    cards: &[Card],
) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO card (consumer, kind, id, subject, state, about, school, sort, body)
         SELECT ?, column1, column2, column3, column4, column5, column6, column7, column8 FROM (VALUES";
    let replace = ") WHERE true ON CONFLICT DO UPDATE SET subject = excluded.subject, state = excluded.state,
         about = excluded.about, school = excluded.school, sort = excluded.sort, body = excluded.body
         WHERE (card.subject, card.state, card.about, card.school, card.sort, card.body) IS NOT
             (excluded.subject, excluded.state, excluded.about, excluded.school, excluded.sort, excluded.body)";
    let mut query = of_rows(insert, cards.len(), 8, replace).bind(consumer);
    for Card { kind, id, subject, state, about, school, sort, body } in cards {
        query = query.bind(kind).bind(id).bind(subject.as_slice()).bind(state).bind(about);
        query = query.bind(school).bind(sort).bind(body);
    }
    query.execute(connection).await?;
    Ok(())
}

async fn write_states(
    connection: &mut SqliteConnection,
    consumer: i64,
    shard: u32,
    states: &[StateRow],
) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO state (consumer, shard, subject, state, due_ms)
         SELECT ?, ?, column1, column2, column3 FROM (VALUES";
    let replace = ") WHERE true ON CONFLICT DO UPDATE SET state = excluded.state, due_ms = excluded.due_ms";
    let mut query = of_rows(insert, states.len(), 3, replace).bind(consumer).bind(shard);
    for row in states {
        query = query.bind(row.subject.as_slice()).bind(&row.state[..]).bind(row.due_ms);
    }
    query.execute(connection).await?;
    Ok(())
}
