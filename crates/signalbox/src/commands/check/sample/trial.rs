//! A sample before the hub's own gate, as the first file of its feed.

use std::path::PathBuf;

use jiff::Timestamp;
use signalbox_connector::{ReadSeek, Refusal};
use signalbox_hub::{HubError, Settings};
use signalbox_ingest::{FirstLoad, FirstLoads, Known};

use super::payload::{Nameless, unreadable};
use crate::config::Loaded;
use crate::config::parts::Feed;
use crate::open;

/// What files are judged by.
pub(super) struct Trial {
    settings: Settings,
    now: Timestamp,
    scratch: PathBuf,
}

impl Trial {
    pub(super) fn of(loaded: &Loaded, now: Timestamp) -> Self {
        let scratch = Nameless::of(loaded).folder().to_owned();
        Self { settings: open::settings_to_try(&loaded.config), now, scratch }
    }

    /// Judges a payload of the feed among those who are known; one of the roster of record adds to them.
    pub(super) fn judge(
        &self,
        feed: &Feed,
        payload: &mut dyn ReadSeek,
        known: &mut Known,
    ) -> Result<FirstLoad, Refusal> {
        let loads = FirstLoads { settings: &self.settings, now: self.now, scratch: &self.scratch };
        let feed = self.settings.feed(&feed.name).expect("the settings are of the same configuration");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| unreadable(&error))?;
        let judged = runtime.block_on(loads.judge(feed, payload, known));
        judged.map_err(|error| {
            unreadable(&match error {
                HubError::Io(error) => error,
                other => std::io::Error::other(other),
            })
        })?
    }
}
