//! Feeds as a person sees them: those that are configured, and those that are remembered.

use std::collections::BTreeMap;

use serde::Serialize;
use signalbox_hub::{Hub, HubError};

use super::{local, status};

/// A line of `signalbox feeds list`
#[derive(Debug, Clone, Serialize)]
pub struct FeedLine {
    pub feed: String,
    /// `None`: it is not configured.
    pub connector: Option<String>,
    pub entities: Vec<&'static str>,
    /// As in `status`.
    pub state: &'static str,
    /// When its last file was read.
    pub last_read: Option<String>,
    pub expected_by: Option<String>,
}

/// Every feed that is configured or remembered. `connectors`: the configured feeds' names with their connectors.
pub async fn list(hub: &Hub, connectors: &BTreeMap<String, String>) -> Result<Vec<FeedLine>, HubError> {
    let names = &hub.settings.names;
    let mut lines = Vec::new();
    for status in status::feeds(hub, false).await? {
        let kept = names.kept_as(&status.feed);
        let feed = hub.settings.feed(kept);
        let entities = feed.map(|feed| feed.source.entities()).unwrap_or_default();
        let last = hub.feeds.feed(kept).await?.and_then(|row| row.last_run);
        lines.push(FeedLine {
            connector: feed.and_then(|_| connectors.get(&status.feed).cloned()),
            entities: entities.iter().map(|entity| entity.as_str()).collect(),
            state: status.state,
            last_read: last.map(|run| local(hub, run.opened_ms)),
            expected_by: None,
            feed: status.feed,
        });
    }
    Ok(lines)
}
