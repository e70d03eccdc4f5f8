//! A run that fails whatever is tried: its payload is set aside, so that the next one goes on.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use signalbox_connector::{Refusal, RejectCode};
use signalbox_log::LogError;
use signalbox_store::StoreError;
use signalbox_store::feed::Run;

use super::run::OpenRun;
use super::{Ingest, RunReport, Taken};
use crate::hub::{Hub, HubError};

/// As often a run may fail.
const TRIES: u32 = 3;

/// How often the run in hand of a feed has failed, as it is noted.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Failures {
    run: u64,
    times: u32,
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
        let times = failed_again(&self.hub, &run).await?;
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

async fn failed_again(hub: &Hub, run: &Run) -> Result<u32, HubError> {
    let name = format!("failures:{}", run.feed);
    let noted = hub.feeds.note(&name).await?.and_then(|json| serde_json::from_str(&json).ok());
    let Failures { times, .. } = noted.filter(|noted: &Failures| noted.run == run.number).unwrap_or_default();
    let failures = Failures { run: run.number, times: times + 1 };
    let json = serde_json::to_string(&failures).expect("two numbers always serialise");
    hub.feeds.save_note(&name, &json).await?;
    Ok(failures.times)
}

const fn fault_of(error: &HubError) -> Fault {
    match error {
        HubError::Store(StoreError::Unfit(_)) | HubError::Log(LogError::Unfit(_)) => Fault::Payload,
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
