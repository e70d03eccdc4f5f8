//! Looking at cards. They are written with the states that they show.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use signalbox_store::StoreError;
use signalbox_store::card::{Card, CardQuery, Cards};
use uuid::Uuid;

use super::States;
use crate::engine::{Connection, Engine, Value, values};
use crate::stored::{StoredRow, limit};

#[async_trait]
impl<E: Engine> Cards for States<E> {
    async fn cards(
        &self,
        consumer: &str,
        which: &CardQuery<'_>,
        after: Option<&Card>,
        max: usize,
    ) -> Result<Vec<Card>, StoreError> {
        // Before the first is the empty text, and no id is nil.
        let (sort, id) = after.map_or(("", Uuid::nil()), |card| (&card.sort, card.id));
        let CardQuery { kind, state, about, school } = *which;
        let mut given = values![consumer, kind, state, about, sort, id, limit(max)].to_vec();
        given.extend(school.map(Value::from));
        self.engine.reader().await?.rows(list(which), &given, card_row).await
    }

    async fn cards_by_id(
        &self,
        consumer: &str,
        kind: &str,
        ids: RangeInclusive<Uuid>,
        max: usize,
    ) -> Result<Vec<Card>, StoreError> {
        let select = "SELECT kind, id, subject, state, about, school, sort, body FROM card
             WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND kind = $2 AND id BETWEEN $3 AND $4
             ORDER BY id LIMIT $5 + 0";
        let given = values![consumer, kind, *ids.start(), *ids.end(), limit(max)];
        self.engine.reader().await?.rows(select, &given, card_row).await
    }

    async fn count_cards(&self, consumer: &str, kind: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let select = "SELECT state, count(*) AS count FROM card
             WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND kind = $2
             GROUP BY state ORDER BY state";
        self.engine.reader().await?.rows(select, &values![consumer, kind], count_row).await
    }
}

/// What a list asks for, after a place. With a school it reads that school's cards only.
const fn list(which: &CardQuery<'_>) -> &'static str {
    const OF_SCHOOL: &str = "SELECT kind, id, subject, state, about, school, sort, body FROM card
         WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND kind = $2
           AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR about = $4)
           AND (sort, id) > ($5, $6) AND school = $8
         ORDER BY sort, id LIMIT $7 + 0";
    const OF_ALL: &str = "SELECT kind, id, subject, state, about, school, sort, body FROM card
         WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND kind = $2
           AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR about = $4)
           AND (sort, id) > ($5, $6)
         ORDER BY sort, id LIMIT $7 + 0";
    if which.school.is_some() { OF_SCHOOL } else { OF_ALL }
}

fn card_row(row: &impl StoredRow) -> Result<Card, sqlx::Error> {
    Ok(Card {
        kind: row.column("kind")?,
        id: row.column("id")?,
        subject: row.column("subject")?,
        state: row.column("state")?,
        about: row.column("about")?,
        school: row.column("school")?,
        sort: row.column("sort")?,
        body: row.column("body")?,
    })
}

fn count_row(row: &impl StoredRow) -> Result<(String, u64), sqlx::Error> {
    Ok((row.column("state")?, row.count("count")?))
}
