//! Offsets without records: the end of a transaction of somebody else who writes to our topics, or what was compacted
//! away. A shard that ends with one would never have caught up.

use signalbox_hub::HubError;
use signalbox_log::{Offset, Shard};
use signalbox_store::state::{Advance, Position};

use super::Member;
use super::batch::Draft;
use super::folder::Folder;

impl<F: Folder> Member<F> {
    /// Passes over them, on the shards with news that nothing is brought of and nobody works on. For when nothing has
    /// come for a while.
    pub(super) async fn pass_over_gaps(&mut self) -> Result<(), HubError> {
        for shard in self.news.clone() {
            let advances = self.over_gaps(shard).await?;
            if advances.is_empty() {
                continue;
            }
            let Some(mut in_hand) = self.shards.remove(&shard) else { continue };
            tracing::debug!(shard, "offsets without records are passed over");
            let draft = Draft::of(advances);
            let passed = draft.commit(&self.hub, &mut in_hand).await;
            self.keep_or_take_again(in_hand, passed)?;
            self.look_how_far(shard).await?;
        }
        Ok(())
    }

    /// From where the shard is to where its topics ended, where there is no record between.
    async fn over_gaps(&self, shard: Shard) -> Result<Vec<Advance>, HubError> {
        let (Some(in_hand), Some(ends)) = (self.shards.get(&shard), self.ends.get(&shard)) else {
            return Ok(Vec::new());
        };
        let mut advances = Vec::new();
        if !self.brought.of(shard).is_empty() {
            return Ok(advances);
        }
        for (topic, &end) in self.topics.iter().zip(ends) {
            let held = in_hand.lease.positions.iter().find(|position| position.topic == *topic);
            let from = held.map_or(0, |position| position.next);
            if from < end && self.is_gap(topic, shard, from, end).await? {
                let to = Position { topic: topic.clone(), next: end, last_id: None };
                advances.push(Advance { from, to });
            }
        }
        Ok(advances)
    }

    async fn is_gap(&self, topic: &str, shard: Shard, from: Offset, end: Offset) -> Result<bool, HubError> {
        let next = self.hub.log.read(topic, shard, from, 1).await?;
        Ok(next.first().is_none_or(|record| record.offset >= end))
    }
}
