//! Feeds as a person changes them: those that are remembered; renaming and retiring them.

use jiff::Timestamp;
use signalbox_event::data::{Action, FeedRetired};
use signalbox_event::{Data, Domain};
use signalbox_hub::act;
use signalbox_hub::publish::{broadcast, hub_source};
use signalbox_hub::{Hub, HubError};
use signalbox_store::FeedStore;
use signalbox_store::feed::{FeedRow, Run};

use crate::Holder;
use signalbox_hub::names::Names;

/// Why a feed cannot be renamed or retired.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("nothing is remembered of a feed \"{0}\"")]
    Unknown(String),
    /// The new name has files of its own.
    #[error("\"{0}\" has read files of its own since")]
    HasRead(String),
    #[error("\"{0}\" is still in the configuration")]
    Configured(String),
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// The feed's open run, if it has one.
pub async fn open_run(hub: &Hub, row: &FeedRow) -> Result<Option<Run>, HubError> {
    let next = row.last_run.as_ref().map_or(1, |run| run.number + 1);
    Ok(hub.feeds.run(&row.feed, next).await?.filter(|run| run.outcome.is_none()))
}

/// Whether anything that it read is remembered of a feed.
pub(crate) async fn has_read(hub: &Hub, row: &FeedRow) -> Result<bool, HubError> {
    Ok(row.last_run.is_some() || open_run(hub, row).await?.is_some())
}

/// Feeds of which something is remembered and that are not in the configuration.
pub async fn not_configured(hub: &Hub) -> Result<Vec<FeedRow>, HubError> {
    let mut gone = Vec::new();
    for row in hub.feeds.feeds().await? {
        if hub.settings.feed(&row.feed).is_none()
            && !hub.settings.names.is_retired(&row.feed)
            && has_read(hub, &row).await?
        {
            gone.push(row);
        }
    }
    Ok(gone)
}

/// From here on the feed `old` is called `new`, with all that is remembered of it.
///
/// # Errors
/// Nothing is remembered of `old`, or `new` has read files already.
pub async fn rename(
    hub: &Hub,
    old: &str,
    new: &str,
    holder: &Holder,
    now: Timestamp,
) -> Result<(), ChangeError> {
    let feeds = &*hub.feeds;
    let mut names = Names::load(feeds).await.map_err(ChangeError::Hub)?;
    let kept = remembered(feeds, &names, old).await?;
    let taken = names.kept_as(new).to_owned();
    if taken != kept && !names.is_retired(&taken) {
        leave_no_trace(hub, &taken, new, holder, now).await?;
    }
    names.rename(&kept, new);
    names.save(feeds).await?;
    say(hub, "feed.rename", &format!("{old} to {new}"), ("the command line", "its name changed"), now).await
}

/// Ends what a feed said that is not configured any more: it counts nowhere from here on, and what is remembered of it
/// goes.
///
/// # Errors
/// Nothing is remembered of the feed, or it is still configured.
pub async fn retire(
    hub: &Hub,
    name: &str,
    (by, reason): (&str, &str),
    holder: &Holder,
    now: Timestamp,
) -> Result<(), ChangeError> {
    let feeds = &*hub.feeds;
    let mut names = Names::load(feeds).await.map_err(ChangeError::Hub)?;
    let kept = remembered(feeds, &names, name).await?;
    if hub.settings.feed(&kept).is_some() {
        return Err(ChangeError::Configured(name.to_owned()));
    }
    say(hub, "feed.retire", name, (by, reason), now).await?;
    let lease = feeds.take(&kept, holder.term_at(now)).await.map_err(HubError::from)?;
    crate::end_open_run(hub, &lease).await?;
    let (source, at_ms) = (hub_source(hub, "people"), now.as_millisecond());
    let data = Data::OpsFeedRetired(FeedRetired { feed: kept.clone() });
    broadcast(hub, Domain::Ops, &source, &kept, at_ms, None, data).await?;
    names.retire(&kept);
    names.save(feeds).await?;
    Ok(feeds.forget(&lease).await.map_err(HubError::from)?)
}

/// The name that a feed is kept under of which something is remembered.
async fn remembered(feeds: &dyn FeedStore, names: &Names, name: &str) -> Result<String, ChangeError> {
    let kept = names.kept_as(name);
    match feeds.feed(kept).await.map_err(HubError::from)? {
        Some(_) if names.called(kept) == name => Ok(kept.to_owned()),
        _ => Err(ChangeError::Unknown(name.to_owned())),
    }
}

/// Of a feed that was taken and never read a file, nothing need be kept.
async fn leave_no_trace(
    hub: &Hub,
    kept: &str,
    name: &str,
    holder: &Holder,
    now: Timestamp,
) -> Result<(), ChangeError> {
    let Some(row) = hub.feeds.feed(kept).await.map_err(HubError::from)? else { return Ok(()) };
    if has_read(hub, &row).await? {
        return Err(ChangeError::HasRead(name.to_owned()));
    }
    let lease = hub.feeds.take(kept, holder.term_at(now)).await.map_err(HubError::from)?;
    Ok(hub.feeds.forget(&lease).await.map_err(HubError::from)?)
}

async fn say(
    hub: &Hub,
    action: &str,
    target: &str,
    (by, reason): (&str, &str),
    now: Timestamp,
) -> Result<(), ChangeError> {
    let action = Action {
        actor: by.to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        reason: reason.to_owned(),
    };
    Ok(act::operate(hub, action, now).await?)
}
