//! Where a feed's source is: what both stores say of it.

use signalbox_store::feed::Mark;

pub(crate) const ALL: &str =
    "SELECT mark.name, mark.value FROM mark JOIN feed ON feed.id = mark.feed WHERE feed.name = $1";
pub(crate) const SET: &str = "INSERT INTO mark (feed, name, value) VALUES ($1, $2, $3)
     ON CONFLICT (feed, name) DO UPDATE SET value = excluded.value";
pub(crate) const FORGET: &str = "DELETE FROM mark WHERE feed = $1 AND name = $2";

/// As a run holds them.
pub(crate) fn to_text(marks: &[Mark]) -> String {
    serde_json::to_string(marks).expect("marks are plain text")
}

pub(crate) fn from_text(text: &str) -> Result<Vec<Mark>, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
