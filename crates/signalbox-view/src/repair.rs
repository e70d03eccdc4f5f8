//! Rejects and holds: what waits for a person.

use serde::Serialize;
use signalbox_hub::{Hub, HubError};
use signalbox_ingest::{RunReport, SchoolEnds, Warning};
use signalbox_store::feed::{Hold, HoldState, Reject, RejectGroup};

use super::local;

/// A line of `signalbox holds list`
#[derive(Debug, Clone, Serialize)]
pub struct HoldLine {
    pub id: String,
    pub feed: String,
    pub reason: String,
    pub would_end: u64,
    pub since: String,
}

/// `signalbox holds show ID`
#[derive(Debug, Clone, Serialize)]
pub struct HoldDetail {
    #[serde(flatten)]
    pub line: HoldLine,
    /// The name that the file had.
    pub file: String,
    pub state: &'static str,
    pub schools: Vec<SchoolEnds>,
    /// While it waits: rows of the file that could not be used, by cause, and those whose student is not found.
    pub rejects: Vec<RejectGroup>,
    pub unmatched: u64,
    /// Rows of earlier files that it does not have, and that stand on all the same.
    pub doubtful: u64,
    pub warnings: Vec<Warning>,
    pub decided_by: Option<String>,
    pub decided_reason: Option<String>,
}

/// Open rejects, grouped by cause, most first.
pub async fn reject_groups(hub: &Hub) -> Result<Vec<RejectGroup>, HubError> {
    let groups = hub.feeds.reject_groups().await?.into_iter();
    let of_configured =
        groups.filter_map(|group| Some(RejectGroup { feed: called(hub, &group.feed)?, ..group }));
    Ok(of_configured.collect())
}

/// Open rejects one by one.
pub async fn rejects(hub: &Hub, max: usize) -> Result<Vec<Reject>, HubError> {
    let rejects = hub.feeds.rejects(max).await?.into_iter();
    Ok(rejects.filter_map(|reject| Some(Reject { feed: called(hub, &reject.feed)?, ..reject })).collect())
}

/// What a configured feed is called; `None`: what another left open is nobody's work.
fn called(hub: &Hub, kept: &str) -> Option<String> {
    hub.settings.feed(kept).map(|feed| hub.settings.names.called(&feed.name).to_owned())
}

/// Holds of configured feeds that wait for a decision.
pub(crate) async fn waiting(hub: &Hub) -> Result<Vec<Hold>, HubError> {
    let mut holds = hub.feeds.holds(&[HoldState::Waiting]).await?;
    holds.retain(|hold| hub.settings.feed(&hold.feed).is_some());
    Ok(holds)
}

/// Payloads that wait for a decision.
pub async fn holds(hub: &Hub) -> Result<Vec<HoldLine>, HubError> {
    Ok(waiting(hub).await?.iter().map(|hold| line(hub, hold)).collect())
}

/// One hold, decided or not.
pub async fn hold(hub: &Hub, id: &str) -> Result<Option<HoldDetail>, HubError> {
    let Some(hold) = &hub.feeds.hold(id).await? else { return Ok(None) };
    let schools = serde_json::from_str(&hold.schools).map_err(|_| HubError::Stored("hold"))?;
    let run = hub.feeds.run(&hold.feed, hold.run).await?.ok_or(HubError::Stored("hold"))?;
    let waits = hold.state == HoldState::Waiting;
    let report = run.summary.as_deref().filter(|_| waits).map(serde_json::from_str::<RunReport>);
    let report = report.transpose().map_err(|_| HubError::Stored("run's summary"))?.unwrap_or_default();
    let mut rejects = hub.feeds.reject_groups().await?;
    rejects.retain(|group| waits && group.feed == hold.feed && group.first.file == run.name);
    Ok(Some(HoldDetail {
        file: run.name,
        rejects,
        unmatched: report.counts.unmatched,
        doubtful: report.counts.doubtful,
        warnings: report.warnings,
        line: line(hub, hold),
        state: match hold.state {
            HoldState::Waiting => "waiting",
            HoldState::Approved => "approved",
            HoldState::Refused => "refused",
            HoldState::Superseded => "superseded",
            HoldState::Done => "done",
        },
        schools,
        decided_by: hold.decided_by.clone(),
        decided_reason: hold.decided_reason.clone(),
    }))
}

fn line(hub: &Hub, hold: &Hold) -> HoldLine {
    HoldLine {
        id: hold.id.clone(),
        feed: hub.settings.names.called(&hold.feed).to_owned(),
        reason: hold.reason.clone(),
        would_end: hold.would_end,
        since: local(hub, hold.since_ms),
    }
}
