//! Where a feed's source is.

use std::collections::BTreeMap;

use signalbox_store::StoreError;
use signalbox_store::feed::Mark;

use crate::engine::{Connection, values};
use crate::stored::StoredRow;

pub(super) async fn all(
    reader: &mut impl Connection,
    feed: &str,
) -> Result<BTreeMap<String, String>, StoreError> {
    let select =
        "SELECT mark.name, mark.value FROM mark JOIN feed ON feed.id = mark.feed WHERE feed.name = $1";
    Ok(reader.rows(select, &values![feed], mark_row).await?.into_iter().collect())
}

pub(super) async fn moves(
    connection: &mut impl Connection,
    feed: i64,
    moved: &Mark,
) -> Result<(), StoreError> {
    let set = "INSERT INTO mark (feed, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (feed, name) DO UPDATE SET value = excluded.value";
    let forget = "DELETE FROM mark WHERE feed = $1 AND name = $2";
    match &moved.value {
        Some(value) => connection.execute(set, &values![feed, &moved.name, value]).await?,
        None => connection.execute(forget, &values![feed, &moved.name]).await?,
    };
    Ok(())
}

fn mark_row(row: &impl StoredRow) -> Result<(String, String), sqlx::Error> {
    Ok((row.column("name")?, row.column("value")?))
}

/// As a run holds them.
pub(super) fn to_text(marks: &[Mark]) -> String {
    serde_json::to_string(marks).expect("marks are plain text")
}

pub(super) fn from_text(text: &str) -> Result<Vec<Mark>, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
