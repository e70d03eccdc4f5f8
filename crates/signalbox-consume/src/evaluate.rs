//! When a shard is worked on, and whether it may be decided on then.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use signalbox_hub::HubError;
use signalbox_hub::reference::ReferenceView;
use signalbox_log::Shard;
use tokio::task::JoinError;

use super::folder::Folder;
use super::position::{behind_of, reached};
use super::work::work;
use super::{AT_WORK, Member, Worked};

impl<F: Folder> Member<F> {
    /// Asks where the topics end, for the shards of which that is not known, also those that are being worked on. One
    /// request.
    pub(super) async fn ask_ends(&mut self) -> Result<(), HubError> {
        let unknown = self.taken.iter().filter(|shard| !self.ends.contains_key(shard));
        let unknown: Vec<Shard> = unknown.copied().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let of_shard = |shard: &Shard| {
            let shard = *shard;
            self.topics.iter().map(move |topic| (topic.clone(), shard))
        };
        let places: Vec<_> = unknown.iter().flat_map(of_shard).collect();
        let mut ends = self.hub.log.ends(&places).await?.into_iter();
        for shard in unknown {
            self.ends.insert(shard, ends.by_ref().take(self.topics.len()).collect());
        }
        Ok(())
    }

    /// Begins to fold what was brought, and to decide on who waits, on the shards that have caught up and have no open
    /// run; the others stay news, and what they were brought is folded when there is enough of it, or nothing more comes.
    pub(super) async fn settle(&mut self, now: Timestamp) -> Result<(), HubError> {
        self.news.extend(self.brought.shards());
        let caught_up = self.caught_up().await?;
        // Calendars that were announced before these rows count for them, also in a process that never had a quiet
        // moment since its start.
        if !caught_up.is_empty() && self.refresh().await? {
            self.news.extend(&self.taken);
        }
        for shard in caught_up {
            self.begin(shard, Some(self.view.clone()), now).await?;
        }
        Ok(())
    }

    /// Begins to fold what was brought, without deciding: there is much.
    pub(super) async fn begin_all(&mut self, now: Timestamp) -> Result<(), HubError> {
        for shard in self.brought.shards().collect::<Vec<_>>() {
            self.begin(shard, None, now).await?;
        }
        Ok(())
    }

    /// Begins to work on a shard as soon as there is a place for it. Records of a shard that is no longer in hand are
    /// nobody's.
    pub(super) async fn begin(
        &mut self,
        shard: Shard,
        calendars: Option<Arc<ReferenceView>>,
        now: Timestamp,
    ) -> Result<(), HubError> {
        while self.at_work.len() >= AT_WORK || !self.at_work.is_empty() && !self.shards.contains_key(&shard) {
            self.finish_one().await?;
        }
        let records = self.brought.take(shard);
        if let Some(in_hand) = self.shards.remove(&shard) {
            if calendars.is_some() {
                self.ends.remove(&shard);
                self.news.remove(&shard);
            }
            self.at_work.spawn(work::<F>(self.hub.clone(), in_hand, records, calendars, now));
        }
        Ok(())
    }

    /// Waits until nobody works. Of several failures the first is told; their shards are taken again.
    pub(super) async fn finish(&mut self) -> Result<(), HubError> {
        let mut finished = Ok(());
        while !self.at_work.is_empty() {
            let one = self.finish_one().await;
            finished = finished.and(one);
        }
        finished
    }

    async fn finish_one(&mut self) -> Result<(), HubError> {
        match self.at_work.join_next().await {
            Some(done) => self.worked(done).await,
            None => Ok(()),
        }
    }

    /// Keeps what comes back from work.
    pub(super) async fn worked(&mut self, done: Result<Worked<F>, JoinError>) -> Result<(), HubError> {
        let (in_hand, worked) = done.expect("work does not panic, and nobody aborts it");
        let shard = in_hand.lease.shard;
        match worked {
            Ok(Some(decided)) => self.decided += decided,
            // There is still to be decided.
            Ok(None) | Err(_) => drop(self.news.insert(shard)),
        }
        if self.keep_or_take_again(in_hand, worked)?.is_some() {
            self.report(shard).await;
            self.look_how_far(shard).await?;
        }
        Ok(())
    }

    /// The shards with news that may be decided on once what was brought is folded.
    async fn caught_up(&self) -> Result<BTreeSet<Shard>, HubError> {
        let mut caught_up = BTreeSet::new();
        for &shard in &self.news {
            // Who is being worked on comes to it later.
            let Some(in_hand) = self.shards.get(&shard) else { continue };
            let brought = self.brought.of(shard);
            let Some(ends) = self.ends.get(&shard) else { continue };
            if brought.is_empty() && in_hand.state.has_open_run() {
                continue;
            }
            let positions = reached(&in_hand.lease, brought);
            if behind_of(&*self.hub.log, &self.topics, shard, &positions, ends).await? == 0 {
                caught_up.insert(shard);
            }
        }
        Ok(caught_up)
    }

    /// Reads calendars that are new. `true`: some were, also if they were read by a look that failed half way.
    pub(super) async fn refresh(&mut self) -> Result<bool, HubError> {
        Arc::make_mut(&mut self.view).refresh(&self.hub).await?;
        let changes = self.view.changes();
        Ok(std::mem::replace(&mut self.heard_calendars, changes) != changes)
    }
}
