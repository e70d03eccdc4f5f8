//! Which roles run, and when they looked last: a note that each leaves now and then, for people who look.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_store::{FeedStore, StoreError};

use crate::consumer::Consumer;

/// How often a role says that it runs: a write to the store each time.
const EVERY: Duration = Duration::from_secs(10);
/// A role that has said nothing for so long does not run: it died, or is stuck.
const SILENT_FOR: Duration = Duration::from_mins(2);

/// The roles that say that they run.
pub fn roles(consumers: &[Consumer]) -> impl Iterator<Item = &'static str> {
    ["ingest"].into_iter().chain(consumers.iter().map(|consumer| consumer.name)).chain(["deliver"])
}

/// What a role says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub since: Timestamp,
    pub last_pass: Timestamp,
}

/// Says now and then that a role runs.
#[derive(Debug)]
pub struct Running {
    role: &'static str,
    said: Option<Beat>,
}

impl Running {
    pub const fn new(role: &'static str) -> Self {
        Self { role, said: None }
    }

    /// The role has done a pass.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn passed(&mut self, notes: &dyn FeedStore, now: Timestamp) -> Result<(), StoreError> {
        let is_news = |said: &Beat| now.duration_since(said.last_pass).unsigned_abs() >= EVERY;
        if self.said.is_some_and(|said| !is_news(&said)) {
            return Ok(());
        }
        let since = self.said.map_or(now, |said| said.since);
        let beat = Beat { since, last_pass: now };
        let json = serde_json::to_string(&beat).expect("two times always serialise");
        notes.save_note(&note(self.role), &json).await?;
        self.said = Some(beat);
        Ok(())
    }

    /// The role has ended.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn ended(self, notes: &dyn FeedStore) -> Result<(), StoreError> {
        match self.said {
            Some(_) => notes.save_note(&note(self.role), "").await,
            None => Ok(()),
        }
    }
}

/// The role, if it runs: of several processes, the one that spoke last.
///
/// # Errors
/// The store does not answer.
pub async fn beat(notes: &dyn FeedStore, role: &str, now: Timestamp) -> Result<Option<Beat>, StoreError> {
    let noted = notes.note(&note(role)).await?;
    let beat: Option<Beat> = noted.and_then(|json| serde_json::from_str(&json).ok());
    Ok(beat.filter(|beat| now.duration_since(beat.last_pass).unsigned_abs() < SILENT_FOR))
}

fn note(role: &str) -> String {
    format!("running: {role}")
}

#[cfg(test)]
mod tests {
    use signalbox_store::memory::MemoryFeeds;

    use super::*;

    #[tokio::test]
    async fn a_role_runs_from_its_first_pass_to_its_end_or_its_silence() {
        let notes = MemoryFeeds::default();
        let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).expect("a time");
        let mut running = Running::new("ingest");
        assert_eq!(beat(&notes, "ingest", at(0)).await.expect("reads"), None);
        for second in [0, 1, 12] {
            running.passed(&notes, at(second)).await.expect("writes");
        }
        let expected = Beat { since: at(0), last_pass: at(12) };
        assert_eq!(beat(&notes, "ingest", at(13)).await.expect("reads"), Some(expected));
        assert_eq!(beat(&notes, "ingest", at(300)).await.expect("reads"), None, "it says nothing any more");
        assert_eq!(beat(&notes, "deliver", at(13)).await.expect("reads"), None);
        running.ended(&notes).await.expect("writes");
        assert_eq!(beat(&notes, "ingest", at(13)).await.expect("reads"), None);
    }
}
