//! Consumer state: leases, positions and states, in one transaction with the outbox.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use async_trait::async_trait;
use signalbox_store::card::Card;
use signalbox_store::state::{Advance, Batch, Lease, Position, StateRow, Subject};
use signalbox_store::{StateStore, StoreError};
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, PgExecutor};

use super::refusal::{commit, refusal};
use super::statement::{ROWS_AT_ONCE, column};
use crate::engine::Engine;
use crate::states::{States, outbox, paging};
use crate::stored::{PositionColumns, position, state_row};

/// [`StateStore`], [`Outbox`](signalbox_store::Outbox) and [`Cards`](signalbox_store::card::Cards) in a PostgreSQL schema.
pub type PgState = States<PgPool>;

#[async_trait]
impl StateStore for PgState {
    async fn acquire(&self, consumer: &str, shard: u32) -> Result<Lease, StoreError> {
        let mut transaction = self.engine.begin().await.map_err(refusal)?;
        let epoch = raise_epoch(&mut transaction, consumer, shard).await.map_err(refusal)?;
        let positions = positions(&mut *transaction, consumer, shard).await.map_err(refusal)?;
        commit(transaction).await?;
        Ok(Lease { consumer: consumer.to_owned(), shard, epoch, positions })
    }

    async fn load(&self, lease: &Lease, subjects: &[Subject]) -> Result<Vec<Option<StateRow>>, StoreError> {
        let mut connection = self.engine.acquire().await.map_err(refusal)?;
        let consumer = owned(&mut *connection, lease).await?;
        let mut found = HashMap::with_capacity(subjects.len());
        for slice in subjects.chunks(ROWS_AT_ONCE) {
            let rows = load(&mut *connection, consumer, lease.shard, slice).await.map_err(refusal)?;
            found.extend(rows.into_iter().map(|row| (row.subject.clone(), row)));
        }
        Ok(subjects.iter().map(|subject| found.get(subject).cloned()).collect())
    }

    async fn commit(&self, lease: &Lease, batch: &Batch) -> Result<(), StoreError> {
        let mut transaction = self.engine.begin().await.map_err(refusal)?;
        let consumer = locked(&mut transaction, lease).await?;
        advance(&mut transaction, consumer, lease.shard, &batch.advances).await?;
        write(&mut transaction, consumer, lease.shard, batch).await.map_err(refusal)?;
        outbox::write::<PgPool>(&mut transaction, &batch.outbox, &batch.amendments).await?;
        commit(transaction).await
    }

    async fn due(&self, lease: &Lease, now_ms: i64, max: usize) -> Result<Vec<Subject>, StoreError> {
        let mut connection = self.engine.acquire().await.map_err(refusal)?;
        let consumer = owned(&mut *connection, lease).await?;
        paging::due(&mut *connection, consumer.into(), lease.shard, now_ms, max).await
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
        positions(&self.engine, consumer, shard).await.map_err(refusal)
    }
}

/// Waits for the batch that the earlier owner has in hand.
async fn raise_epoch(connection: &mut PgConnection, consumer: &str, shard: u32) -> Result<u64, sqlx::Error> {
    // ON CONFLICT alone would use a number up each time.
    sqlx::query(
        "INSERT INTO consumer (name) SELECT $1 WHERE NOT EXISTS (SELECT FROM consumer WHERE name = $1)
         ON CONFLICT DO NOTHING",
    )
    .bind(consumer)
    .execute(&mut *connection)
    .await?;
    let epoch: i64 = sqlx::query_scalar(
        "INSERT INTO lease (consumer, shard, epoch) SELECT id, $2, 1 FROM consumer WHERE name = $1
         ON CONFLICT (consumer, shard) DO UPDATE SET epoch = lease.epoch + 1 RETURNING epoch",
    )
    .bind(consumer)
    .bind(shard as i32)
    .fetch_one(connection)
    .await?;
    Ok(epoch as u64)
}

/// The consumer's number, if the lease is the last one of its shard.
async fn owned(executor: impl PgExecutor<'_>, lease: &Lease) -> Result<i32, StoreError> {
    let select = "SELECT consumer FROM lease
         WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND shard = $2 AND epoch = $3";
    lease_row(executor, select, lease).await
}

/// The same, and until the transaction's end no other lease can be taken.
async fn locked(connection: &mut PgConnection, lease: &Lease) -> Result<i32, StoreError> {
    let select = "SELECT consumer FROM lease
         WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND shard = $2 AND epoch = $3 FOR UPDATE";
    lease_row(connection, select, lease).await
}

async fn lease_row(
    executor: impl PgExecutor<'_>,
    select: &'static str,
    lease: &Lease,
) -> Result<i32, StoreError> {
    sqlx::query_scalar(select)
        .bind(&lease.consumer)
        .bind(lease.shard as i32)
        .bind(lease.epoch as i64)
        .fetch_optional(executor)
        .await
        .map_err(refusal)?
        .ok_or(StoreError::Fenced)
}

async fn positions(
    executor: impl PgExecutor<'_>,
    consumer: &str,
    shard: u32,
) -> Result<Vec<Position>, sqlx::Error> {
    let rows: Vec<PositionColumns> = sqlx::query_as(
        "SELECT topic, next, last_id FROM position
         WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND shard = $2 ORDER BY topic",
    )
    .bind(consumer)
    .bind(shard as i32)
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(position).collect())
}

async fn load(
    executor: impl PgExecutor<'_>,
    consumer: i32,
    shard: u32,
    subjects: &[Subject],
) -> Result<Vec<StateRow>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT subject, state, due_ms FROM state WHERE consumer = $1 AND shard = $2 AND subject = ANY ($3)",
    )
    .bind(consumer)
    .bind(shard as i32)
    .bind(subjects)
    .fetch_all(executor)
    .await?;
    rows.iter().map(state_row).collect()
}

/// Moves the positions that are where the batch begins; those of new topics begin at 0.
async fn advance(
    connection: &mut PgConnection,
    consumer: i32,
    shard: u32,
    advances: &[Advance],
) -> Result<(), StoreError> {
    const MOVE: &str = "UPDATE position SET next = moved.next, last_id = moved.last_id
         FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[]) AS moved (topic, came_from, next, last_id)
         WHERE consumer = $1 AND shard = $2 AND position.topic = moved.topic
           AND position.next = moved.came_from";
    const BEGIN: &str = "INSERT INTO position (consumer, shard, topic, next, last_id)
         SELECT $1, $2, topic, next, last_id
         FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[]) AS begun (topic, came_from, next, last_id)
         WHERE came_from = 0
         ON CONFLICT DO NOTHING";
    let mut moved = 0;
    for statement in [MOVE, BEGIN] {
        if moved < advances.len() as u64 {
            let done = move_positions(connection, statement, consumer, shard, advances).await;
            moved += done.map_err(refusal)?;
        }
    }
    if moved == advances.len() as u64 { Ok(()) } else { Err(StoreError::Moved) }
}

async fn move_positions(
    connection: &mut PgConnection,
    statement: &'static str,
    consumer: i32,
    shard: u32,
    advances: &[Advance],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(statement)
        .bind(consumer)
        .bind(shard as i32)
        .bind(column(advances, |advance| advance.to.topic.as_str()))
        .bind(column(advances, |advance| advance.from as i64))
        .bind(column(advances, |advance| advance.to.next as i64))
        .bind(column(advances, |advance| advance.to.last_id.as_deref()))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn write(
    connection: &mut PgConnection,
    consumer: i32,
    shard: u32,
    batch: &Batch,
) -> Result<(), sqlx::Error> {
    let states = last_of_each(&batch.states, |row| row.subject.as_slice());
    for slice in states.chunks(ROWS_AT_ONCE) {
        write_states(connection, consumer, shard, slice).await?;
    }
    let cards = last_of_each(&batch.cards, |card| (&*card.kind, card.id));
    for slice in cards.chunks(ROWS_AT_ONCE) {
        write_cards(connection, consumer, slice).await?;
    }
    Ok(())
}

/// One statement cannot replace a row twice.
fn last_of_each<'a, R, K: Eq + Hash>(rows: &'a [R], key: impl Fn(&'a R) -> K) -> Vec<&'a R> {
    let mut places = HashMap::with_capacity(rows.len());
    let mut last: Vec<&R> = Vec::with_capacity(rows.len());
    for row in rows {
        match places.entry(key(row)) {
            Entry::Vacant(new) => {
                new.insert(last.len());
                last.push(row);
            }
            Entry::Occupied(known) => last[*known.get()] = row,
        }
    }
    last
}

async fn write_states(
    connection: &mut PgConnection,
    consumer: i32,
    shard: u32,
    states: &[&StateRow],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO state (consumer, shard, subject, state, due_ms)
         SELECT $1, $2, subject, state, due_ms
         FROM unnest($3::bytea[], $4::bytea[], $5::bigint[]) AS new (subject, state, due_ms)
         ON CONFLICT (consumer, shard, subject) DO UPDATE SET state = excluded.state, due_ms = excluded.due_ms",
    )
    .bind(consumer)
    .bind(shard as i32)
    .bind(column(states, |row| row.subject.as_slice()))
    .bind(column(states, |row| &row.state[..]))
    .bind(column(states, |row| row.due_ms))
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_cards(
    connection: &mut PgConnection,
    consumer: i32,
    cards: &[&Card],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO card (consumer, kind, id, subject, state, about, school, sort, body)
         SELECT $1, * FROM unnest($2::text[], $3::uuid[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::text[])
         ON CONFLICT (consumer, kind, id) DO UPDATE SET subject = excluded.subject, state = excluded.state,
             about = excluded.about, school = excluded.school, sort = excluded.sort, body = excluded.body
         WHERE (card.subject, card.state, card.about, card.school, card.sort, card.body) IS DISTINCT FROM
             (excluded.subject, excluded.state, excluded.about, excluded.school, excluded.sort, excluded.body)",
    )
    .bind(consumer)
    .bind(column(cards, |card| card.kind.as_str()))
    .bind(column(cards, |card| card.id))
    .bind(column(cards, |card| card.subject.as_slice()))
    .bind(column(cards, |card| card.state.as_str()))
    .bind(column(cards, |card| card.about.as_str()))
    .bind(column(cards, |card| card.school.as_deref()))
    .bind(column(cards, |card| card.sort.as_str()))
    .bind(column(cards, |card| card.body.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}
