//! Evaluating those who wait, on shards that have caught up and have no open run.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use signalbox_event::Domain;
use signalbox_log::Shard;
use signalbox_risk::{Reference, announce, evaluate};
use signalbox_store::outbox::NewEntry;
use signalbox_store::state::{Batch, StateRow};
use tokio::task::JoinSet;

use super::alerts::Announcer;
use super::batch::InHand;
use super::position::behind_of;
use super::shard::ShardState;
use super::student::{StudentState, StudentYear};
use super::waiting::{Pages, Waiting};
use super::{AT_WORK, RiskConsumer, STUDENTS};
use crate::hub::{Hub, HubError};
use crate::reference::ReferenceView;

/// How often the store is asked whose date has come.
const DUE_EVERY_MS: i64 = 60_000;

impl RiskConsumer {
    /// Evaluates who waits on those of `shards` that may be evaluated now; the others stay news. Returns how many
    /// students were.
    pub(super) async fn evaluate(
        &mut self,
        shards: BTreeSet<Shard>,
        now: Timestamp,
    ) -> Result<usize, HubError> {
        self.news = shards;
        self.news.retain(|shard| self.shards.contains_key(shard));
        let (mut at_work, mut evaluated) = (JoinSet::new(), Ok(0));
        for shard in self.ready().await? {
            if at_work.len() == AT_WORK {
                let one = self.evaluated(&mut at_work).await;
                evaluated = evaluated.and_then(|sum: usize| Ok(sum + one?));
            }
            let Some(mut in_hand) = self.shards.remove(&shard) else { continue };
            in_hand.follow(&self.view);
            let reference = in_hand.reference(&self.hub, &self.view);
            at_work.spawn(evaluate_shard(self.hub.clone(), in_hand, reference, now));
        }
        while !at_work.is_empty() {
            let one = self.evaluated(&mut at_work).await;
            evaluated = evaluated.and_then(|sum| Ok(sum + one?));
        }
        evaluated
    }

    /// Waits for one of the shards.
    async fn evaluated(
        &mut self,
        at_work: &mut JoinSet<(InHand, Result<usize, HubError>)>,
    ) -> Result<usize, HubError> {
        let Some(done) = at_work.join_next().await else { return Ok(0) };
        let (in_hand, evaluated) = done.expect("evaluating does not panic, and nobody aborts it");
        let shard = in_hand.lease.shard;
        let evaluated = self.keep_or_take_again(in_hand, evaluated)?;
        if evaluated.is_some() {
            self.news.remove(&shard);
        }
        Ok(evaluated.unwrap_or(0))
    }

    /// The shards with news that have no open run and are read to where their topics ended when this was first asked.
    /// Asks the log once.
    async fn ready(&mut self) -> Result<Vec<Shard>, HubError> {
        let mut ready: Vec<Shard> = self.news.iter().copied().collect();
        ready.retain(|shard| !self.shards[shard].state.has_open_run());
        if ready.is_empty() {
            return Ok(ready);
        }
        let unknown = ready.iter().filter(|shard| self.shards[shard].catch_up.is_none());
        let unknown: Vec<Shard> = unknown.copied().collect();
        let mut places = vec![(self.hub.settings.topics.name(Domain::Reference), 0)];
        for shard in &unknown {
            places.extend(self.topics.iter().map(|topic| (topic.clone(), *shard)));
        }
        let mut ends = self.hub.log.ends(&places).await?.into_iter();
        let calendars = ends.next().unwrap_or_default();
        for shard in &unknown {
            let ends = ends.by_ref().take(self.topics.len()).collect();
            self.shards.get_mut(shard).expect("news is of shards in hand").catch_up = Some(ends);
        }
        let mut caught_up = Vec::with_capacity(ready.len());
        for shard in ready {
            if self.has_caught_up(shard).await? {
                caught_up.push(shard);
            }
        }
        // Calendars that were announced before these rows count for them, also in a process that never had a quiet
        // moment since its start.
        if !caught_up.is_empty() && self.view.refresh_to(&self.hub, calendars).await? {
            self.news.extend(self.shards.keys());
        }
        Ok(caught_up)
    }

    async fn has_caught_up(&mut self, shard: Shard) -> Result<bool, HubError> {
        let in_hand = self.shards.get_mut(&shard).expect("news is of shards in hand");
        let Some(ends) = &in_hand.catch_up else { return Ok(false) };
        let positions = &in_hand.lease.positions;
        let has = behind_of(&*self.hub.log, &self.topics, shard, positions, ends).await? == 0;
        if has {
            in_hand.catch_up = None;
        }
        Ok(has)
    }
}

impl InHand {
    /// A change of the calendars is everybody's.
    fn follow(&mut self, view: &ReferenceView) {
        let version = view.version();
        if self.state.reference_version != version {
            self.state.reference_version = version;
            self.reference = None;
            self.waiting = Waiting::Everybody;
        }
    }

    fn reference(&mut self, hub: &Hub, view: &ReferenceView) -> Reference {
        self.reference.take().unwrap_or_else(|| self.state.reference(&hub.settings, view))
    }
}

async fn evaluate_shard(
    hub: Arc<Hub>,
    mut in_hand: InHand,
    reference: Reference,
    now: Timestamp,
) -> (InHand, Result<usize, HubError>) {
    let evaluated = evaluate_waiting(&hub, &mut in_hand, &reference, now).await;
    in_hand.reference = Some(reference);
    (in_hand, evaluated)
}

/// Evaluates all who wait, in as few transactions as there are pages with a change. The last says that nobody waits
/// any more.
async fn evaluate_waiting(
    hub: &Hub,
    in_hand: &mut InHand,
    reference: &Reference,
    now: Timestamp,
) -> Result<usize, HubError> {
    hear_due(hub, in_hand, now).await?;
    if in_hand.waiting.is_nobody() && !in_hand.is_due {
        return Ok(0);
    }
    let mut pages = Pages::of(&in_hand.waiting);
    let (mut batch, mut evaluated) = (Batch::default(), 0);
    while let Some(page) = pages.next(&*hub.states, in_hand, STUDENTS).await? {
        if !batch.states.is_empty() {
            decide(hub, in_hand, std::mem::take(&mut batch)).await?;
        }
        evaluated += page.len();
        for (who, row) in page {
            let (row, entries) = evaluate_row(hub, &in_hand.state, reference, who, row, now)?;
            batch.states.extend(row);
            batch.outbox.extend(entries);
        }
    }
    in_hand.is_due = false;
    batch.states.push(in_hand.row());
    decide(hub, in_hand, batch).await?;
    in_hand.waiting = Waiting::default();
    Ok(evaluated)
}

/// Adds those whose date has come. Dates come by the day, so they are looked for now and then only.
async fn hear_due(hub: &Hub, in_hand: &mut InHand, now: Timestamp) -> Result<(), HubError> {
    let now_ms = now.as_millisecond();
    if in_hand.due_asked_ms.is_some_and(|asked_ms| (asked_ms..asked_ms + DUE_EVERY_MS).contains(&now_ms)) {
        return Ok(());
    }
    let due = hub.states.due(&in_hand.lease, now_ms, STUDENTS).await?;
    in_hand.waiting.add(due.iter().filter_map(|subject| StudentYear::of_subject(subject)));
    in_hand.due_asked_ms = Some(now_ms);
    Ok(())
}

async fn decide(hub: &Hub, in_hand: &mut InHand, batch: Batch) -> Result<(), HubError> {
    hub.states.commit(&in_hand.lease, &batch).await?;
    crate::failpoint!("state.commit");
    in_hand.kept.keep(&batch.states);
    Ok(())
}

/// The row if it changed, and what leaves with it.
fn evaluate_row(
    hub: &Hub,
    shard: &ShardState,
    reference: &Reference,
    who: StudentYear,
    row: StateRow,
    now: Timestamp,
) -> Result<(Option<StateRow>, Vec<NewEntry>), HubError> {
    let StateRow { subject, state: before, due_ms } = row;
    let mut state = StudentState::decode(&before)?;
    let as_of = hub.settings.district.local_date(now);
    let evaluation = evaluate(&state.registers, reference, &hub.settings.policy, who.school_year, as_of);
    let changes = announce(&evaluation, &mut state.announced, now);
    let announcer = Announcer { hub, shard, who, evaluation: &evaluation, now };
    let entries = announcer.entries(&mut state, &changes);
    let after = state.encode();
    let changed = due_ms.is_some() || after != before;
    Ok((changed.then_some(StateRow { subject, state: after, due_ms: None }), entries))
}
