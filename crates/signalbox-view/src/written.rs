//! What feeds write, over all students: of grade levels, schools and grades.

use signalbox_hub::{Hub, HubError};
use signalbox_scoring::{Gradebook, Scopes};

use super::shard_state;

/// What any feed ever wrote.
#[derive(Debug, Clone, Default)]
pub struct Written {
    pub scopes: Scopes,
    pub gradebook: Gradebook,
}

/// Reads a row of each shard.
pub async fn written(hub: &Hub) -> Result<Written, HubError> {
    let mut all = Written::default();
    for shard in 0..hub.settings.topics.shards {
        let own = shard_state(hub, shard).await?.own;
        all.scopes.join(own.scopes);
        all.gradebook.join(own.gradebook);
    }
    Ok(all)
}
