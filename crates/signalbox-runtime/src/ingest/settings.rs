//! What the hub remembers of a feed besides its ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signalbox_event::data::{Mode, SchoolCoverage};
use signalbox_risk::DateRanges;
use signalbox_store::feed::FeedLease;

use super::RunReport;
use super::same::Accepted;
use crate::hub::{Feed, Hub, HubError};
use crate::land::hex;

/// A feed's own notes, kept as JSON beside it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FeedSettings {
    /// The mode last told to the consumers, and how often it was told.
    pub mode: Option<Mode>,
    #[serde(default)]
    pub mode_changes: u32,
    /// Hash of the mapping that the last payload was read with.
    pub mapping: Option<String>,
    /// What is covered so far, per school.
    #[serde(default)]
    pub covered: BTreeMap<String, DateRanges>,
    /// The last run that had a payload.
    pub last: Option<RunReport>,
    /// The last payload that went through whole, while nothing came after it.
    #[serde(default)]
    pub(crate) accepted: Option<Accepted>,
}

impl FeedSettings {
    pub async fn load(hub: &Hub, feed: &str) -> Result<Self, HubError> {
        let row = hub.feeds.feed(feed).await?;
        match row.and_then(|row| row.settings) {
            None => Ok(Self::default()),
            Some(json) => serde_json::from_str(&json).map_err(|_| HubError::Stored("feed's settings")),
        }
    }

    pub(crate) async fn save(&self, hub: &Hub, lease: &FeedLease) -> Result<(), HubError> {
        let json = serde_json::to_string(self).expect("settings with text keys always serialise");
        Ok(hub.feeds.save_settings(lease, &json).await?)
    }

    /// Whether the coverage says anything new.
    pub(crate) fn extends(&self, covered: &[SchoolCoverage]) -> bool {
        covered.iter().any(|one| {
            let mut ranges = self.covered.get(&one.school).cloned().unwrap_or_default();
            let before = ranges.clone();
            ranges.insert(one.first, one.last);
            ranges != before
        })
    }

    pub(crate) fn extend(&mut self, covered: &[SchoolCoverage]) {
        for one in covered {
            self.covered.entry(one.school.clone()).or_default().insert(one.first, one.last);
        }
    }
}

/// A hash of all that a payload's meaning depends on besides its bytes.
pub(crate) fn mapping_of(feed: &Feed) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(feed.source.mapping())[..16])
}
