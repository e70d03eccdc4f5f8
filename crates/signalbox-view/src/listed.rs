//! Flags that a standing list told of. Their alerts of before, which were withheld in test, are no news any more.

use std::collections::HashSet;

use signalbox_store::outbox::Entry;
use uuid::Uuid;

/// Why such an alert is not sent.
pub(super) const TOLD: &str = "it goes with a standing list";

/// By flag and recipient.
#[derive(Debug, Default)]
pub(super) struct Listed(HashSet<(Uuid, String)>);

impl Listed {
    pub(super) fn see(&mut self, entry: &Entry) {
        if let Some(flag) = entry.flag_id.filter(|_| entry.is_listed()) {
            self.0.insert((flag, entry.target.clone()));
        }
    }

    pub(super) fn has(&self, flag: Uuid, to: &str) -> bool {
        self.0.contains(&(flag, to.to_owned()))
    }
}
