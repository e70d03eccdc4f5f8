//! A run that fails whatever is tried: its payload is set aside, so that the next one goes on. Why a feed does not go on meanwhile
//! is noted, for people who look.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_connector::{Refusal, RejectCode};
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_log::LogError;
use signalbox_store::feed::Run;
use signalbox_store::{FeedStore, StoreError};

use super::close::sentences;
use super::run::OpenRun;
use super::{Ingest, RunReport, Taken, settings};

/// As often what a run reads may fail, whatever run it is: one that is set aside may be opened again for the same reason.
const TRIES: u32 = 3;

/// As many of what failed last are remembered of a feed.
const REMEMBERED: usize = 16;

/// How often something has failed.
#[derive(Debug, Serialize, Deserialize)]
struct Failures {
    /// A payload and what it is read by, or why there is none.
    of: String,
    times: u32,
}

/// Why a feed does not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it was met first.
    pub since: Timestamp,
    /// What is wrong, and what to do: sentences.
    pub what: String,
}

impl Trouble {
    /// What keeps a feed from going on. `None`: nothing.
    pub async fn of(notes: &dyn FeedStore, feed: &str) -> Result<Option<Self>, StoreError> {
        let Some(json) = notes.note(&note(feed)).await? else { return Ok(None) };
        serde_json::from_str(&json).map_err(|error| StoreError::Failed(Box::new(error)))
    }
}

/// Writes down why the feed does not go on, or that it does, if that is news.
pub(super) async fn remember(
    notes: &dyn FeedStore,
    feed: &str,
    error: Option<&HubError>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = Trouble::of(notes, feed).await?;
    let since = known.as_ref().map_or(now, |trouble| trouble.since);
    let trouble = error.map(|error| Trouble { since, what: in_sentences(error) });
    if trouble == known {
        return Ok(());
    }
    notes
        .save_note(&note(feed), &serde_json::to_string(&trouble).expect("times and text always serialise"))
        .await
}

fn in_sentences(error: &HubError) -> String {
    match error {
        HubError::Fetch { message, help, .. } => sentences(message, help),
        other => {
            sentences(&other.to_string(), "It is tried again; after the third time the file is set aside")
        }
    }
}

fn note(feed: &str) -> String {
    format!("does not go on: {feed}")
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The payload's, now and whenever it is tried again.
    Payload,
    /// Perhaps the payload's.
    Unclear,
    /// A server's or another process'.
    Elsewhere,
}

impl Ingest {
    /// Works an open run through to its end. One that failed as often as it may is refused: its payload is kept, and named.
    pub(super) async fn work(
        &mut self,
        taken: Taken<'_>,
        run: Run,
        runs: &mut Vec<RunReport>,
    ) -> Result<(), HubError> {
        let worked = AssertUnwindSafe(self.work_through(taken, run.clone(), runs)).catch_unwind().await;
        let (fault, why) = match worked {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => match fault_of(&error) {
                Fault::Elsewhere => return Err(error),
                fault => (fault, error.to_string()),
            },
            // What it said stands in the log; it may be about the payload's contents.
            Err(_) => (Fault::Unclear, "the hub itself is at fault, please report it".to_owned()),
        };
        self.resolver = None;
        let times = failed_again(&self.hub, taken.feed, &run).await?;
        if fault == Fault::Unclear && times < TRIES {
            let (feed, payload) = (taken.feed.name.clone(), run.name);
            return Err(HubError::Failing { feed, payload, why });
        }
        tracing::error!(feed = taken.feed.name, payload = run.name, why, times, "the file is set aside");
        let hub = self.hub.clone();
        let Taken { feed, lease, now } = taken;
        // As it stands by now: rows of it may be out.
        let run = hub.feeds.open(lease).await?.unwrap_or(run);
        let open = OpenRun { hub: &hub, feed, lease, run: &run, now };
        runs.push(open.set_aside(&refusal(&why, times)).await?);
        Ok(())
    }
}

async fn failed_again(hub: &Hub, feed: &Feed, run: &Run) -> Result<u32, HubError> {
    let name = format!("failures:{}", run.feed);
    let noted = hub.feeds.note(&name).await?.and_then(|json| serde_json::from_str(&json).ok());
    let mut noted: Vec<Failures> = noted.unwrap_or_default();
    let read = if run.payload.is_empty() { &run.cause } else { &run.payload };
    let of = format!("{read} {}", settings::read_by(hub, feed));
    let before = noted.iter().position(|one| one.of == of).map(|at| noted.remove(at));
    let times = before.map_or(0, |before| before.times) + 1;
    noted.insert(0, Failures { of, times });
    noted.truncate(REMEMBERED);
    let json = serde_json::to_string(&noted).expect("text and numbers always serialise");
    hub.feeds.save_note(&name, &json).await?;
    Ok(times)
}

fn fault_of(error: &HubError) -> Fault {
    match error {
        error if error.heals() => Fault::Elsewhere,
        HubError::Store(StoreError::Unfit(_)) | HubError::Log(LogError::Unfit(_)) | HubError::NotLanded => {
            Fault::Payload
        }
        HubError::Store(StoreError::Failed(_)) | HubError::Io(_) => Fault::Unclear,
        _ => Fault::Elsewhere,
    }
}

fn refusal(why: &str, times: u32) -> Refusal {
    Refusal {
        code: RejectCode::FailedTooOften,
        file: None,
        column: None,
        message: if times > 1 { format!("it failed {times} times: {why}") } else { why.to_owned() },
        help: "The file is kept. Drop the next one as ever; signalbox retry FEED tries this one again"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_are_away_are_no_fault_of_the_payload() {
        let unfit = || "a NUL".into();
        assert_eq!(fault_of(&StoreError::Unfit(unfit()).into()), Fault::Payload);
        assert_eq!(fault_of(&LogError::Unfit(unfit()).into()), Fault::Payload);
        assert_eq!(fault_of(&StoreError::Failed(unfit()).into()), Fault::Unclear);
        for error in [StoreError::Fenced, StoreError::Unknown, StoreError::Unavailable(unfit())] {
            assert_eq!(fault_of(&error.into()), Fault::Elsewhere);
        }
        // A password that is refused, or no right to write.
        assert_eq!(fault_of(&LogError::Failed(unfit()).into()), Fault::Elsewhere);
    }
}
