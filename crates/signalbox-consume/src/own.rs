//! Owning shards: who is given one takes its lease, and reads on where its state ends.

use signalbox_hub::HubError;
use signalbox_hub::shard::ShardState;
use signalbox_log::{Shard, StartAt};
use signalbox_store::StoreError;
use signalbox_store::state::Position;

use super::folder::Folder;
use super::in_hand::InHand;
use super::position::{behind_of, ends_of, record_id};
use super::{AT_WORK, Member, RECORDS};

impl<F: Folder> Member<F> {
    /// Whether a shard waits to be taken and its turn has come.
    pub(super) fn may_take(&self) -> bool {
        !self.to_take.is_empty() && self.far_behind.len() < AT_WORK
    }

    /// Takes what was assigned and is not in hand. What fails is tried again the next time.
    pub(super) async fn take_due(&mut self) -> Result<(), HubError> {
        while self.may_take() {
            let Some(shard) = self.to_take.first().copied() else { break };
            self.take(shard).await?;
            self.to_take.remove(&shard);
        }
        Ok(())
    }

    /// Takes a shard and begins to read where its state ends.
    async fn take(&mut self, shard: Shard) -> Result<(), HubError> {
        let lease = self.hub.states.acquire(F::KEPT_AS, shard).await?;
        for position in &lease.positions {
            self.check_position(shard, position).await?;
        }
        let row = self.hub.states.load(&lease, &[ShardState::<F::Shard>::subject()]).await?.pop().flatten();
        let in_hand = InHand::new(lease, row.as_ref(), self.hub.settings.topics.shards)?;
        // What was brought before goes with what was in hand before.
        drop(self.brought.take(shard));
        self.ends.remove(&shard);
        self.subscription.start(shard, &starts(&in_hand.lease.positions)).await?;
        self.shards.insert(shard, in_hand);
        self.taken.insert(shard);
        self.news.insert(shard);
        let ends = ends_of(&*self.hub.log, &self.topics, shard).await?;
        self.far_behind.insert(shard, ends);
        self.look_how_far(shard).await
    }

    /// Whoever was far behind and no longer is makes room for others.
    pub(super) async fn look_how_far(&mut self, shard: Shard) -> Result<(), HubError> {
        let (Some(ends), Some(in_hand)) = (self.far_behind.get(&shard), self.shards.get(&shard)) else {
            return Ok(());
        };
        let positions = &in_hand.lease.positions;
        if behind_of(&*self.hub.log, &self.topics, shard, positions, ends).await? <= RECORDS as u64 {
            self.far_behind.remove(&shard);
        }
        Ok(())
    }

    /// The record before a position must be the one that was folded, else the log was replaced.
    async fn check_position(&self, shard: Shard, position: &Position) -> Result<(), HubError> {
        let (Some(last_id), Some(before)) = (&position.last_id, position.next.checked_sub(1)) else {
            return Ok(());
        };
        let records = self.hub.log.read(&position.topic, shard, before, 1).await?;
        let found = records.first().filter(|record| record.offset == before).map(record_id);
        match found {
            // Retention may have taken it.
            None => Ok(()),
            Some(id) if id == *last_id => Ok(()),
            Some(_) => {
                Err(HubError::LogReplaced { topic: position.topic.clone(), shard, offset: position.next })
            }
        }
    }

    /// After work on a shard: keeps it, or, when the work failed, drops what was in hand and takes the shard again.
    /// `None`: somebody else had written, or nobody knows whether we had; whoever is told that it lost the shard
    /// meanwhile does not take it.
    pub(super) fn keep_or_take_again<T>(
        &mut self,
        in_hand: InHand<F>,
        worked: Result<T, HubError>,
    ) -> Result<Option<T>, HubError> {
        let shard = in_hand.lease.shard;
        match worked {
            Ok(done) => {
                self.shards.insert(shard, in_hand);
                Ok(Some(done))
            }
            Err(error) => {
                self.taken.remove(&shard);
                self.to_take.insert(shard);
                self.far_behind.remove(&shard);
                match error {
                    HubError::Store(StoreError::Fenced | StoreError::Moved | StoreError::Unknown) => Ok(None),
                    error => Err(error),
                }
            }
        }
    }

    /// Tells lag tools how far the shard is. Nobody reads it back, so a failure is no trouble.
    pub(super) async fn report(&mut self, shard: Shard) {
        let Some(in_hand) = self.shards.get(&shard) else { return };
        if let Err(error) = self.subscription.report(shard, &starts(&in_hand.lease.positions)).await {
            tracing::debug!(shard, %error, "lag tools could not be told");
        }
    }
}

fn starts(positions: &[Position]) -> Vec<StartAt> {
    let start = |position: &Position| StartAt { topic: position.topic.clone(), offset: position.next };
    positions.iter().map(start).collect()
}
