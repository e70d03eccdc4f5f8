//! Which targets do not take what they are told, and since when: remembered in a note, for people who look.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_store::{FeedStore, StoreError};

/// A target that did not take the last alert that it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The first of the failures in a row.
    pub since: Timestamp,
    /// Why the last one failed. Names the host at most.
    pub error: String,
    /// It wants nothing more: whatever it is told is given up at once.
    #[serde(default)]
    pub is_for_good: bool,
}

/// What became of the last alert that a target was told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    /// And why.
    NotTaken(String),
    /// For good, and why.
    Refused(String),
}

impl Outage {
    /// What is remembered of `target`. `None`: nothing bad.
    pub async fn of(notes: &dyn FeedStore, target: &str) -> Result<Option<Self>, StoreError> {
        let Some(json) = notes.note(&note(target)).await? else { return Ok(None) };
        serde_json::from_str(&json).map_err(|error| StoreError::Failed(Box::new(error)))
    }
}

/// Writes down what `target` answered, if that is news.
pub(super) async fn remember(
    notes: &dyn FeedStore,
    target: &str,
    answer: Answer,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = Outage::of(notes, target).await?;
    let since = known.as_ref().map_or(now, |outage| outage.since);
    let outage = match answer {
        Answer::Taken => None,
        Answer::NotTaken(error) => Some(Outage { since, error, is_for_good: false }),
        Answer::Refused(error) => Some(Outage { since, error, is_for_good: true }),
    };
    if outage == known {
        return Ok(());
    }
    let json = serde_json::to_string(&outage).expect("times and text always serialise");
    notes.save_note(&note(target), &json).await
}

fn note(target: &str) -> String {
    format!("does not take alerts: {target}")
}
