//! Feeds under one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::feed::{
    Closing, CrosswalkRow, Decision, FeedLease, FeedRow, Hold, HoldState, LedgerCounts, LedgerKey, LedgerRow,
    LedgerStatus, Mark, Named, NewRun, Outcome, Reject, RejectGroup, Run, Scope, Superseded, Term, Unsent,
    are_in_order,
};
use crate::{FeedStore, StoreError};

/// [`FeedStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryFeeds {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    feeds: BTreeMap<String, Feed>,
    crosswalk: BTreeMap<CrosswalkKey, CrosswalkRow>,
    /// In the order of opening.
    holds: Vec<Hold>,
    notes: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Feed {
    epoch: u64,
    /// The holder, and when its term is over.
    held: Option<(String, i64)>,
    cursor: BTreeMap<String, String>,
    settings: Option<String>,
    /// In the order of their numbers.
    runs: Vec<Run>,
    ledger: BTreeMap<Scope, BTreeMap<LedgerKey, LedgerRow>>,
    groups: Vec<RejectGroup>,
    rejects: Vec<Reject>,
}

/// (what, id type, id, target)
type CrosswalkKey = (Named, String, String, String);

impl MemoryFeeds {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no call panics under the lock")
    }
}

impl Inner {
    fn take(&mut self, feed: &str, term: Term<'_>) -> FeedLease {
        let row = self.feeds.entry(feed.to_owned()).or_default();
        row.epoch += 1;
        row.held = Some((term.holder.to_owned(), term.until_ms));
        FeedLease { feed: feed.to_owned(), epoch: row.epoch }
    }

    /// The feeds of a holder.
    fn held_by(&mut self, holder: &str) -> impl Iterator<Item = &mut Feed> {
        self.feeds.values_mut().filter(move |feed| feed.held.as_ref().is_some_and(|(by, _)| by == holder))
    }

    fn owned(&mut self, lease: &FeedLease) -> Result<&mut Feed, StoreError> {
        self.feeds.get_mut(&lease.feed).filter(|feed| feed.epoch == lease.epoch).ok_or(StoreError::Fenced)
    }

    fn move_holds(&mut self, from: HoldState, to: HoldState, which: impl Fn(&Hold) -> bool) -> usize {
        let moved = self.holds.iter_mut().filter(|hold| hold.state == from && which(hold));
        moved.map(|hold| hold.state = to).count()
    }

    fn is_refused(&self, run: &Run) -> bool {
        self.holds
            .iter()
            .any(|hold| hold.feed == run.feed && hold.run == run.number && hold.state == HoldState::Refused)
    }

    fn is_usable(&self, run: &Run) -> bool {
        let good = match run.outcome {
            Some(Outcome::Accepted) => true,
            Some(Outcome::Held) => !self.is_refused(run),
            Some(Outcome::Refused | Outcome::Abandoned) | None => false,
        };
        good && !run.payload.is_empty()
    }
}

impl Feed {
    fn row(&self, name: &str) -> FeedRow {
        FeedRow {
            feed: name.to_owned(),
            holder: self.held.as_ref().map(|(holder, _)| holder.clone()),
            held_until_ms: self.held.as_ref().map(|(_, until_ms)| *until_ms),
            settings: self.settings.clone(),
            last_run: self.runs.iter().rev().find(|run| run.outcome.is_some()).cloned(),
        }
    }

    fn is_anothers(&self, term: Term<'_>) -> bool {
        self.held.as_ref().is_some_and(|(holder, until_ms)| holder != term.holder && *until_ms > term.now_ms)
    }

    fn unfinished(&mut self) -> Option<&mut Run> {
        self.runs.last_mut().filter(|run| run.outcome.is_none())
    }

    fn record(&mut self, scope: Scope, rows: &[LedgerRow]) -> Result<(), StoreError> {
        if !are_in_order(rows) {
            return Err(StoreError::out_of_order());
        }
        if !rows.is_empty() {
            self.ledger.entry(scope).or_default().extend(rows.iter().map(|row| (row.key, row.clone())));
            if let Some(run) = self.unfinished() {
                run.unsent = Unsent::of(scope, rows);
            }
        }
        Ok(())
    }

    fn unfinished_is(&mut self, number: u64) -> Result<&mut Run, StoreError> {
        self.unfinished().filter(|run| run.number == number).ok_or_else(|| StoreError::not_open(number))
    }
}

#[async_trait]
impl FeedStore for MemoryFeeds {
    async fn lease(&self, feed: &str, term: Term<'_>) -> Result<Option<FeedLease>, StoreError> {
        let mut inner = self.lock();
        if inner.feeds.get(feed).is_some_and(|row| row.is_anothers(term)) {
            return Ok(None);
        }
        Ok(Some(inner.take(feed, term)))
    }

    async fn take(&self, feed: &str, term: Term<'_>) -> Result<FeedLease, StoreError> {
        Ok(self.lock().take(feed, term))
    }

    async fn keep(&self, holder: &str, until_ms: i64) -> Result<u64, StoreError> {
        let mut inner = self.lock();
        let terms = inner.held_by(holder).filter_map(|feed| feed.held.as_mut());
        Ok(terms.map(|(_, until)| *until = (*until).max(until_ms)).count() as u64)
    }

    async fn let_go(&self, holder: &str) -> Result<(), StoreError> {
        self.lock().held_by(holder).for_each(|feed| feed.held = None);
        Ok(())
    }

    async fn feeds(&self) -> Result<Vec<FeedRow>, StoreError> {
        Ok(self.lock().feeds.iter().map(|(name, feed)| feed.row(name)).collect())
    }

    async fn feed(&self, feed: &str) -> Result<Option<FeedRow>, StoreError> {
        Ok(self.lock().feeds.get(feed).map(|row| row.row(feed)))
    }

    async fn cursor(&self, feed: &str) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(self.lock().feeds.get(feed).map(|feed| feed.cursor.clone()).unwrap_or_default())
    }

    async fn settings(&self, feed: &str) -> Result<Option<String>, StoreError> {
        Ok(self.lock().feeds.get(feed).and_then(|feed| feed.settings.clone()))
    }

    async fn save_settings(&self, lease: &FeedLease, settings: &str) -> Result<(), StoreError> {
        self.lock().owned(lease)?.settings = Some(settings.to_owned());
        Ok(())
    }

    async fn open(&self, lease: &FeedLease) -> Result<Option<Run>, StoreError> {
        Ok(self.lock().owned(lease)?.unfinished().cloned())
    }

    async fn open_run(&self, lease: &FeedLease, run: NewRun) -> Result<Run, StoreError> {
        let mut inner = self.lock();
        let feed = inner.owned(lease)?;
        if let Some(unfinished) = feed.unfinished() {
            return Ok(unfinished.clone());
        }
        let run = run.numbered(&lease.feed, feed.runs.last().map_or(1, |run| run.number + 1));
        feed.runs.push(run.clone());
        Ok(run)
    }

    async fn gate_run(
        &self,
        lease: &FeedLease,
        decision: &Decision,
        first: Option<(Scope, &[LedgerRow])>,
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let feed = inner.owned(lease)?;
        feed.unfinished_is(decision.run)?;
        if let Some((scope, rows)) = first {
            feed.record(scope, rows)?;
        }
        feed.unfinished_is(decision.run)?.gated = Some(decision.gated.clone());
        if let Some(settings) = &decision.settings {
            feed.settings = Some(settings.clone());
        }
        Ok(())
    }

    async fn ledger(
        &self,
        feed: &str,
        scope: Scope,
        after: Option<&LedgerKey>,
        max: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let inner = self.lock();
        let Some(rows) = inner.feeds.get(feed).and_then(|feed| feed.ledger.get(&scope)) else {
            return Ok(Vec::new());
        };
        Ok(rows
            .range::<LedgerKey, _>((from, Bound::Unbounded))
            .take(max)
            .map(|(_, row)| row.clone())
            .collect())
    }

    async fn ledger_scopes(&self, feed: &str) -> Result<Vec<Scope>, StoreError> {
        let inner = self.lock();
        Ok(inner.feeds.get(feed).into_iter().flat_map(|feed| feed.ledger.keys().copied()).collect())
    }

    async fn ledger_counts(&self, feed: &str) -> Result<LedgerCounts, StoreError> {
        let inner = self.lock();
        let mut counts = LedgerCounts::default();
        let rows = inner.feeds.get(feed).into_iter().flat_map(|feed| feed.ledger.values());
        for row in rows.flat_map(BTreeMap::values) {
            counts.highest_revision = counts.highest_revision.max(row.revision);
            match row.status {
                LedgerStatus::Live => counts.live += 1,
                LedgerStatus::Ended => counts.ended += 1,
                LedgerStatus::Unmatched => counts.unmatched += 1,
            }
        }
        Ok(counts)
    }

    async fn record(&self, lease: &FeedLease, scope: Scope, rows: &[LedgerRow]) -> Result<(), StoreError> {
        self.lock().owned(lease)?.record(scope, rows)
    }

    async fn close_run(&self, lease: &FeedLease, number: u64, closing: Closing) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let feed = inner.owned(lease)?;
        let run = feed.unfinished_is(number)?;
        run.unsent = None;
        run.outcome = Some(closing.outcome);
        run.summary = Some(closing.summary);
        if closing.outcome != Outcome::Abandoned {
            for Mark { name, value } in run.marks.clone() {
                match value {
                    Some(value) => feed.cursor.insert(name, value),
                    None => feed.cursor.remove(&name),
                };
            }
        }
        if let Some(settings) = closing.settings {
            feed.settings = Some(settings);
        }
        if let Some((groups, rejects)) = closing.rejects {
            (feed.groups, feed.rejects) = (groups, rejects);
        }
        let is_superseded = |hold: &Hold| {
            hold.feed == lease.feed
                && closing.decided_hold.as_ref().is_none_or(|(over, _)| *over != hold.id)
                && match &closing.superseded {
                    Superseded::None => false,
                    Superseded::All => true,
                    Superseded::These(ids) => ids.contains(&hold.id),
                }
        };
        for from in [HoldState::Waiting, HoldState::Approved] {
            inner.move_holds(from, HoldState::Superseded, is_superseded);
        }
        if let Some((id, state)) = closing.decided_hold {
            inner.move_holds(HoldState::Approved, state, |hold| hold.id == id);
        }
        if let Some(hold) = closing.hold {
            inner.holds.retain(|earlier| earlier.id != hold.id);
            inner.holds.push(hold);
        }
        Ok(())
    }

    async fn run(&self, feed: &str, number: u64) -> Result<Option<Run>, StoreError> {
        let inner = self.lock();
        Ok(inner.feeds.get(feed).and_then(|feed| feed.runs.iter().find(|run| run.number == number)).cloned())
    }

    async fn last_usable_run(&self, feed: &str) -> Result<Option<Run>, StoreError> {
        let inner = self.lock();
        Ok(inner
            .feeds
            .get(feed)
            .and_then(|feed| feed.runs.iter().rev().find(|run| inner.is_usable(run)))
            .cloned())
    }

    async fn change_crosswalk(
        &self,
        lease: &FeedLease,
        gone: &[CrosswalkRow],
        new: &[CrosswalkRow],
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.owned(lease)?;
        for row in gone {
            inner.crosswalk.remove(&key_of(row));
        }
        for row in new {
            inner.crosswalk.entry(key_of(row)).or_insert_with(|| row.clone());
        }
        Ok(())
    }

    async fn crosswalk(
        &self,
        after: Option<&CrosswalkRow>,
        max: usize,
    ) -> Result<Vec<CrosswalkRow>, StoreError> {
        let from = after.map_or(Bound::Unbounded, |row| Bound::Excluded(key_of(row)));
        let inner = self.lock();
        Ok(inner.crosswalk.range((from, Bound::Unbounded)).take(max).map(|(_, row)| row.clone()).collect())
    }

    async fn find_id(&self, what: Named, id: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        let inner = self.lock();
        let found = inner.crosswalk.values().filter(|row| row.what == what && row.id == id);
        Ok(found.cloned().collect())
    }

    async fn ids_of(&self, what: Named, target: &str) -> Result<Vec<CrosswalkRow>, StoreError> {
        let inner = self.lock();
        let found = inner.crosswalk.values().filter(|row| row.what == what && row.target == target);
        Ok(found.cloned().collect())
    }

    async fn holds(&self, states: &[HoldState]) -> Result<Vec<Hold>, StoreError> {
        let mut holds = self.lock().holds.clone();
        holds.retain(|hold| states.contains(&hold.state));
        holds.sort_by(|a, b| (a.since_ms, &a.id).cmp(&(b.since_ms, &b.id)));
        Ok(holds)
    }

    async fn hold(&self, id: &str) -> Result<Option<Hold>, StoreError> {
        Ok(self.lock().holds.iter().find(|hold| hold.id == id).cloned())
    }

    async fn decide_hold(
        &self,
        id: &str,
        state: HoldState,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let waiting = inner.holds.iter_mut().find(|hold| hold.id == id && hold.state == HoldState::Waiting);
        let Some(hold) = waiting else { return Ok(false) };
        hold.state = state;
        hold.decided_by = Some(by.to_owned());
        hold.decided_reason = Some(reason.to_owned());
        Ok(true)
    }

    async fn reject_groups(&self) -> Result<Vec<RejectGroup>, StoreError> {
        let inner = self.lock();
        let mut groups: Vec<_> = inner.feeds.values().flat_map(|feed| feed.groups.clone()).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        Ok(groups)
    }

    async fn rejects(&self, max: usize) -> Result<Vec<Reject>, StoreError> {
        let inner = self.lock();
        let mut rejects: Vec<_> = inner.feeds.values().flat_map(|feed| feed.rejects.clone()).collect();
        rejects
            .sort_by_cached_key(|reject| (reject.feed.clone(), reject.place.file.clone(), reject.place.row));
        rejects.truncate(max);
        Ok(rejects)
    }

    async fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.lock().notes.get(name).cloned())
    }

    async fn save_note(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.lock().notes.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let mut inner = self.lock();
        Ok(inner.notes.entry(name.to_owned()).or_insert_with(|| value.to_owned()).clone())
    }

    async fn prune(&self, lease: &FeedLease, before_ms: i64) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let runs = inner.owned(lease)?.runs.clone();
        let last =
            |which: &dyn Fn(&Run) -> bool| runs.iter().rev().find(|run| which(run)).map(|run| run.number);
        let needed = [
            last(&|run| run.outcome.is_some()),
            last(&|run| run.outcome.is_some() && !run.payload.is_empty()),
            last(&|run| run.outcome == Some(Outcome::Accepted) && !run.payload.is_empty()),
            last(&|run| inner.is_usable(run)),
        ];
        let is_over = |hold: &Hold| matches!(hold.state, HoldState::Superseded | HoldState::Done);
        let holds = inner.holds.iter().filter(|hold| hold.feed == lease.feed && !is_over(hold));
        let asked: Vec<u64> = holds.map(|hold| hold.run).collect();
        let is_old = |run: &Run| run.outcome.is_some() && run.opened_ms < before_ms;
        let is_needed = |run: &Run| needed.contains(&Some(run.number)) || asked.contains(&run.number);
        inner.owned(lease)?.runs.retain(|run| !is_old(run) || is_needed(run));
        inner.holds.retain(|hold| hold.feed != lease.feed || !is_over(hold) || hold.since_ms >= before_ms);
        Ok(())
    }

    async fn payloads(&self) -> Result<BTreeSet<String>, StoreError> {
        let inner = self.lock();
        let runs = inner.feeds.values().flat_map(|feed| &feed.runs);
        Ok(runs.map(|run| run.payload.clone()).filter(|payload| !payload.is_empty()).collect())
    }

    async fn forget(&self, lease: &FeedLease) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.owned(lease)?;
        inner.feeds.remove(&lease.feed);
        inner.holds.retain(|hold| hold.feed != lease.feed);
        Ok(())
    }
}

fn key_of(row: &CrosswalkRow) -> CrosswalkKey {
    (row.what, row.id_type.clone(), row.id.clone(), row.target.clone())
}
