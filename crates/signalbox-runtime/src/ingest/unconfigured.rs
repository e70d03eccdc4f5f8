//! What a feed left behind that is no longer configured: a run that nobody would ever finish, and that would hold up
//! every decision for ever.

use jiff::Timestamp;
use signalbox_event::Domain;
use signalbox_store::feed::{Closing, FeedLease, Outcome, Run};

use super::emit::end_run;
use super::{Holder, RunReport};
use crate::feeds;
use crate::hub::{Hub, HubError};

/// The topics that a feed's runs write to; which of them this one's did, its configuration would say.
const TOPICS: [Domain; 2] = [Domain::Roster, Domain::Attendance];

/// Ends the open runs of feeds that are no longer configured, unless another process is reading them. Their payloads are
/// not worked through; they are read when the feed comes back.
pub(super) async fn end_open_runs(hub: &Hub, holder: &Holder, now: Timestamp) -> Result<(), HubError> {
    // For this only: what is held as a reader of feeds is kept.
    let holder = Holder { name: format!("{}-ends", holder.name), term: holder.term };
    for row in hub.feeds.feeds().await? {
        if hub.settings.feed(&row.feed).is_some() || feeds::open_run(hub, &row).await?.is_none() {
            continue;
        }
        if let Some(lease) = hub.feeds.lease(&row.feed, holder.term_at(now)).await? {
            let ended = end_open_run(hub, &lease).await;
            hub.feeds.let_go(&holder.name).await?;
            ended?;
        }
    }
    Ok(())
}

/// Ends the open run of a feed that is no longer configured, if there is one.
pub(crate) async fn end_open_run(hub: &Hub, lease: &FeedLease) -> Result<(), HubError> {
    let Some(run) = hub.feeds.open(lease).await? else { return Ok(()) };
    for domain in TOPICS {
        // With no coverage: shards hear that the run is over, and that it said nothing of any day.
        end_run(hub, &run, domain, None, &[]).await?;
    }
    hub.feeds.close_run(lease, run.number, abandoned(&run)).await?;
    let feed = hub.settings.names.called(&run.feed);
    tracing::warn!(
        feed,
        run = run.number,
        "the feed is no longer configured: its open run was ended, its file not used"
    );
    Ok(())
}

fn abandoned(run: &Run) -> Closing {
    let why =
        "The feed was no longer configured when this was being read. It is read when the feed comes back.";
    let report = RunReport {
        feed: run.feed.clone(),
        payload: run.name.clone(),
        refused: Some(why.to_owned()),
        ..RunReport::default()
    };
    Closing {
        outcome: Outcome::Abandoned,
        summary: serde_json::to_string(&report).expect("a report with text keys always serialises"),
        rejects: None,
        hold: None,
        hold_done: None,
        supersede_holds: false,
    }
}
