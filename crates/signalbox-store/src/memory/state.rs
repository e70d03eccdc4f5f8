//! States, positions and the outbox under one lock, because a batch writes them together.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, RangeInclusive};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use uuid::Uuid;

use super::outbox::Entries;
use crate::card::{Card, CardQuery, Cards};
use crate::outbox::{Again, Bundle, Claim, Entry, Settled, Tally};
use crate::state::{Advance, Batch, Lease, Position, StateRow, Subject};
use crate::{Outbox, StateStore, StoreError};

/// [`StateStore`] and [`Outbox`] in memory.
#[derive(Debug, Default)]
pub struct MemoryState {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    shards: HashMap<(String, u32), Shard>,
    /// By consumer, kind and id.
    cards: BTreeMap<(String, String, Uuid), Card>,
    outbox: Entries,
}

#[derive(Debug, Default)]
struct Shard {
    epoch: u64,
    positions: BTreeMap<String, Position>,
    states: BTreeMap<Subject, StateRow>,
}

impl MemoryState {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no call panics under the lock")
    }
}

impl Inner {
    fn shard(&self, consumer: &str, shard: u32) -> Option<&Shard> {
        self.shards.get(&(consumer.to_owned(), shard))
    }

    fn cards_of(&self, consumer: &str) -> impl Iterator<Item = &Card> {
        self.cards.iter().filter(move |((of, ..), _)| of == consumer).map(|(_, card)| card)
    }

    fn owned(&mut self, lease: &Lease) -> Result<&mut Shard, StoreError> {
        self.shards
            .get_mut(&(lease.consumer.clone(), lease.shard))
            .filter(|shard| shard.epoch == lease.epoch)
            .ok_or(StoreError::Fenced)
    }
}

impl Shard {
    fn check(&self, advance: &Advance) -> Result<(), StoreError> {
        let stored = self.positions.get(&advance.to.topic).map_or(0, |position| position.next);
        if stored == advance.from { Ok(()) } else { Err(StoreError::Moved) }
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn acquire(&self, consumer: &str, shard: u32) -> Result<Lease, StoreError> {
        let mut inner = self.lock();
        let row = inner.shards.entry((consumer.to_owned(), shard)).or_default();
        row.epoch += 1;
        Ok(Lease {
            consumer: consumer.to_owned(),
            shard,
            epoch: row.epoch,
            positions: row.positions.values().cloned().collect(),
        })
    }

    async fn load(&self, lease: &Lease, subjects: &[Subject]) -> Result<Vec<Option<StateRow>>, StoreError> {
        let mut inner = self.lock();
        let shard = inner.owned(lease)?;
        Ok(subjects.iter().map(|subject| shard.states.get(subject).cloned()).collect())
    }

    async fn commit(&self, lease: &Lease, batch: &Batch) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let shard = inner.owned(lease)?;
        for advance in &batch.advances {
            shard.check(advance)?;
        }
        for Advance { to, .. } in &batch.advances {
            shard.positions.insert(to.topic.clone(), to.clone());
        }
        for row in &batch.states {
            shard.states.insert(row.subject.clone(), row.clone());
        }
        for card in &batch.cards {
            let key = (lease.consumer.clone(), card.kind.clone(), card.id);
            inner.cards.insert(key, card.clone());
        }
        for entry in &batch.outbox {
            inner.outbox.add(entry.clone());
        }
        for amendment in &batch.amendments {
            inner.outbox.amend(*amendment);
        }
        Ok(())
    }

    async fn due(&self, lease: &Lease, now_ms: i64, max: usize) -> Result<Vec<Subject>, StoreError> {
        let mut inner = self.lock();
        let shard = inner.owned(lease)?;
        let mut due: Vec<(i64, &Subject)> = shard
            .states
            .values()
            .filter_map(|row| row.due_ms.map(|due_ms| (due_ms, &row.subject)))
            .filter(|(due_ms, _)| *due_ms <= now_ms)
            .collect();
        due.sort();
        Ok(due.into_iter().take(max).map(|(_, subject)| subject.clone()).collect())
    }

    async fn scan(
        &self,
        consumer: &str,
        shard: u32,
        after: Option<&Subject>,
        max: usize,
    ) -> Result<Vec<StateRow>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let inner = self.lock();
        let Some(shard) = inner.shard(consumer, shard) else { return Ok(Vec::new()) };
        Ok(shard
            .states
            .range::<Subject, _>((from, Bound::Unbounded))
            .take(max)
            .map(|(_, row)| row.clone())
            .collect())
    }

    async fn positions(&self, consumer: &str, shard: u32) -> Result<Vec<Position>, StoreError> {
        let inner = self.lock();
        Ok(inner
            .shard(consumer, shard)
            .map(|shard| shard.positions.values().cloned().collect())
            .unwrap_or_default())
    }
}

#[async_trait]
impl Cards for MemoryState {
    async fn cards(
        &self,
        consumer: &str,
        which: &CardQuery<'_>,
        after: Option<&Card>,
        max: usize,
    ) -> Result<Vec<Card>, StoreError> {
        let place = |card: &Card| (card.sort.clone(), card.id);
        let after = after.map(place);
        let inner = self.lock();
        let mut cards: Vec<&Card> = inner.cards_of(consumer).filter(|card| which.takes(card)).collect();
        cards.retain(|card| after.as_ref().is_none_or(|after| place(card) > *after));
        cards.sort_by_key(|card| place(card));
        Ok(cards.into_iter().take(max).cloned().collect())
    }

    async fn cards_by_id(
        &self,
        consumer: &str,
        kind: &str,
        ids: RangeInclusive<Uuid>,
        max: usize,
    ) -> Result<Vec<Card>, StoreError> {
        let inner = self.lock();
        let found = inner.cards_of(consumer).filter(|card| card.kind == kind && ids.contains(&card.id));
        Ok(found.take(max).cloned().collect())
    }

    async fn count_cards(&self, consumer: &str, kind: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let mut counts = BTreeMap::new();
        for card in self.lock().cards_of(consumer).filter(|card| card.kind == kind) {
            *counts.entry(card.state.clone()).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }
}

#[async_trait]
impl Outbox for MemoryState {
    async fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        Ok(self.lock().outbox.claim(target, now_ms, hold_ms, max))
    }

    async fn settle_all(
        &self,
        claims: &[Claim],
        how: Settled,
        error: Option<&str>,
    ) -> Result<usize, StoreError> {
        let outbox = &mut self.lock().outbox;
        Ok(claims.iter().filter(|claim| outbox.settle(claim, how, error)).count())
    }

    async fn resend(&self, which: Again<'_>, now_ms: i64) -> Result<u64, StoreError> {
        Ok(self.lock().outbox.resend(which, now_ms))
    }

    async fn hasten(&self, target: &str, now_ms: i64) -> Result<(), StoreError> {
        self.lock().outbox.hasten(target, now_ms);
        Ok(())
    }

    async fn release_claims(&self) -> Result<(), StoreError> {
        self.lock().outbox.release();
        Ok(())
    }

    async fn parts(&self, target: &str) -> Result<Vec<Entry>, StoreError> {
        Ok(self.lock().outbox.parts(target))
    }

    async fn bundle(&self, bundles: &[Bundle]) -> Result<bool, StoreError> {
        Ok(self.lock().outbox.bundle(bundles))
    }

    async fn prune(&self, before_ms: i64) -> Result<(), StoreError> {
        self.lock().outbox.prune(before_ms);
        Ok(())
    }

    async fn waiting(&self, target: &str, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self.lock().outbox.waiting(target, after_seq, max))
    }

    async fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        Ok(self.lock().outbox.tallies())
    }

    async fn entries(&self, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self.lock().outbox.after(after_seq, max))
    }
}
