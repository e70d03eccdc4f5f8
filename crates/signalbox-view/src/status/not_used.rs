//! Files of the last days that were not used though others came after them: in a night with two files the first one is easily
//! overlooked.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use signalbox_hub::{Hub, HubError};
use signalbox_ingest::RunReport;
use signalbox_store::feed::{Outcome, Run};

/// For so long it is worth a look.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Runs that are looked at.
const MOST: u64 = 50;

/// A file that was not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotUsed {
    pub file: String,
    pub why: String,
}

/// Of a feed, the newest first; but for its last file, which is shown anyway, and for those of whose name a later one was
/// used.
pub(super) async fn not_used(hub: &Hub, feed: &str, now: Timestamp) -> Result<Vec<NotUsed>, HubError> {
    let last = hub.feeds.feed(feed).await?.and_then(|row| row.last_run);
    let Some(last) = last else { return Ok(Vec::new()) };
    let (mut seen, mut found) = (vec![last.name], Vec::new());
    let since_ms = (now - LOOK_BACK).as_millisecond();
    for number in (last.number.saturating_sub(MOST)..last.number).rev() {
        let Some(run) = hub.feeds.run(feed, number).await? else { continue };
        if run.opened_ms < since_ms {
            break;
        }
        if !seen.contains(&run.name) {
            found.extend(refused(&run)?);
            seen.push(run.name);
        }
    }
    Ok(found)
}

fn refused(run: &Run) -> Result<Option<NotUsed>, HubError> {
    let summary = run.summary.as_deref().filter(|_| run.outcome == Some(Outcome::Refused));
    let report = summary.map(serde_json::from_str::<RunReport>).transpose();
    let report = report.map_err(|_| HubError::Stored("run's summary"))?;
    let why = report.and_then(|report| report.refused);
    Ok(why.map(|why| NotUsed { file: run.name.clone(), why }))
}
