//! The hub that works a district's configuration.

use std::sync::Arc;

use signalbox_log::EventLog;
use signalbox_store::{FeedStore, Outbox, StateStore};

use crate::land::Landing;
use crate::settings::Settings;

/// The hub: settings and stores.
pub struct Hub {
    pub settings: Settings,
    pub log: Arc<dyn EventLog>,
    pub states: Arc<dyn StateStore>,
    pub outbox: Arc<dyn Outbox>,
    pub feeds: Arc<dyn FeedStore>,
    pub landing: Landing,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("district", &self.settings.district.id).finish_non_exhaustive()
    }
}
