//! Cards, and the statements that look at them: word for word the same for both databases.

use signalbox_store::card::{Card, CardQuery};
use uuid::Uuid;

/// (kind, id, subject, state, about, school, sort, body)
pub(crate) type CardColumns = (String, Uuid, Vec<u8>, String, String, Option<String>, String, String);

pub(crate) fn card((kind, id, subject, state, about, school, sort, body): CardColumns) -> Card {
    Card { kind, id, subject, state, about, school, sort, body }
}

pub(crate) const BY_ID: &str = "SELECT kind, id, subject, state, about, school, sort, body FROM card
     WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND kind = $2 AND id BETWEEN $3 AND $4
     ORDER BY id LIMIT $5 + 0";

pub(crate) const COUNT: &str = "SELECT state, count(*) FROM card
     WHERE consumer = (SELECT id FROM consumer WHERE name = $1) AND kind = $2 GROUP BY state ORDER BY state";

/// What a list asks for, after a place: before the first is the empty text, and no id is nil. With a school it reads that
/// school's cards only.
pub(crate) const fn list(which: &CardQuery<'_>) -> &'static str {
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

/// [`Cards`](signalbox_store::card::Cards) for a store with a method `reader` that gives a connection.
macro_rules! card_store {
    ($store:ty) => {
        #[async_trait]
        impl Cards for $store {
            async fn cards(
                &self,
                consumer: &str,
                which: &CardQuery<'_>,
                after: Option<&Card>,
                max: usize,
            ) -> Result<Vec<Card>, StoreError> {
                let mut query = sqlx::query_as(stored::card::list(which))
                    .bind(consumer)
                    .bind(which.kind)
                    .bind(which.state)
                    .bind(which.about)
                    .bind(after.map_or("", |card| card.sort.as_str()))
                    .bind(after.map_or(Uuid::nil(), |card| card.id))
                    .bind(limit(max));
                if let Some(school) = which.school {
                    query = query.bind(school);
                }
                let rows = query.fetch_all(&mut *self.reader().await?).await.map_err(refusal)?;
                Ok(rows.into_iter().map(stored::card::card).collect())
            }

            async fn cards_by_id(
                &self,
                consumer: &str,
                kind: &str,
                ids: RangeInclusive<Uuid>,
                max: usize,
            ) -> Result<Vec<Card>, StoreError> {
                let query = sqlx::query_as(stored::card::BY_ID)
                    .bind(consumer)
                    .bind(kind)
                    .bind(*ids.start())
                    .bind(*ids.end())
                    .bind(limit(max));
                let rows = query.fetch_all(&mut *self.reader().await?).await.map_err(refusal)?;
                Ok(rows.into_iter().map(stored::card::card).collect())
            }

            async fn count_cards(
                &self,
                consumer: &str,
                kind: &str,
            ) -> Result<Vec<(String, u64)>, StoreError> {
                let query = sqlx::query_as(stored::card::COUNT).bind(consumer).bind(kind);
                let rows: Vec<(String, i64)> =
                    query.fetch_all(&mut *self.reader().await?).await.map_err(refusal)?;
                Ok(rows.into_iter().map(|(state, count)| (state, count as u64)).collect())
            }
        }
    };
}
pub(crate) use card_store;
