//! What a feed left behind that is no longer configured: a run that nobody would ever finish, and that would hold up
//! every decision for ever.

use std::time::Duration;

use jiff::Timestamp;
use signalbox_event::Entity;
use signalbox_hub::{Hub, HubError};
use signalbox_store::feed::{Closing, FeedLease, Outcome, Run};

use super::emit::{end_run, send_again};
use super::identity::Resolver;
use super::{Holder, RunReport};
use crate::feeds;

/// Ends the open runs of feeds that are no longer configured, unless another process is reading them. Their payloads are
/// not worked through; they are read when the feed comes back.
pub(super) async fn end_open_runs(hub: &Hub, holder: &Holder, now: Timestamp) -> Result<(), HubError> {
    for row in hub.feeds.feeds().await? {
        if hub.settings.feed(&row.feed).is_some() || feeds::open_run(hub, &row).await?.is_none() {
            continue;
        }
        // As oneself: a process that is started again has at once what it held when it died.
        if let Some(lease) = hub.feeds.lease(&row.feed, holder.term_at(now)).await? {
            end_open_run(hub, &lease).await?;
            give_back(hub, &row.feed, now).await?;
        }
    }
    Ok(())
}

/// Whoever has the feed in the configuration may take it at once.
async fn give_back(hub: &Hub, feed: &str, now: Timestamp) -> Result<(), HubError> {
    let nobody = Holder { name: "nobody".to_owned(), term: Duration::ZERO };
    hub.feeds.take(feed, nobody.term_at(now)).await?;
    Ok(())
}

/// Ends the open run of a feed that is no longer configured, if there is one.
pub(crate) async fn end_open_run(hub: &Hub, lease: &FeedLease) -> Result<(), HubError> {
    let Some(run) = hub.feeds.open(lease).await? else { return Ok(()) };
    if run.unsent.is_some() {
        send_again(hub, lease, &run, &Resolver::load(&*hub.feeds).await?).await?;
    }
    // Which of the topics that runs write to its run wrote to, its configuration would say.
    for domain in Entity::feed_domains() {
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
    let summary = serde_json::to_string(&report).expect("a report with text keys always serialises");
    Closing::new(Outcome::Abandoned, summary)
}
