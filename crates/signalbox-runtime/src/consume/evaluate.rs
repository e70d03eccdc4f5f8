//! Evaluating who is due, on shards that have caught up and have no open run.

use jiff::Timestamp;
use signalbox_log::Shard;
use signalbox_risk::{Reference, announce, evaluate};
use signalbox_store::outbox::NewEntry;
use signalbox_store::state::{Batch, Lease, StateRow};

use super::alerts::Announcer;
use super::batch::InHand;
use super::position::{behind_of, ends_of};
use super::shard::ShardState;
use super::student::{StudentState, StudentYear};
use super::waiting::{Pages, Waiting};
use super::{RiskConsumer, STUDENTS};
use crate::hub::HubError;

impl RiskConsumer {
    /// Evaluates who is due on every shard in hand. Returns how many were.
    pub(super) async fn evaluate_due(&mut self, now: Timestamp) -> Result<usize, HubError> {
        self.view.refresh(&self.hub).await?;
        let mut evaluated = 0;
        for shard in self.shards.keys().copied().collect::<Vec<_>>() {
            evaluated += self.evaluate(shard, now).await?;
        }
        Ok(evaluated)
    }

    /// Evaluates who is due on a shard, if it has caught up and no run is open on it. Returns how many were.
    pub(super) async fn evaluate(&mut self, shard: Shard, now: Timestamp) -> Result<usize, HubError> {
        let Some(mut in_hand) = self.shards.remove(&shard) else {
            self.news.remove(&shard);
            return Ok(0);
        };
        let evaluated = self.evaluate_shard(&mut in_hand, now).await;
        let evaluated = self.keep_or_take_again(in_hand, evaluated)?.flatten();
        if evaluated.is_some() {
            self.news.remove(&shard);
        }
        Ok(evaluated.unwrap_or(0))
    }

    /// `None`: not now, the shard is behind or in the middle of a run.
    async fn evaluate_shard(
        &mut self,
        in_hand: &mut InHand,
        now: Timestamp,
    ) -> Result<Option<usize>, HubError> {
        if in_hand.state.has_open_run() {
            return Ok(None);
        }
        if !self.has_caught_up(in_hand).await? {
            return Ok(None);
        }
        // Calendars that were announced before these rows count for them, also in a process that never had a quiet
        // moment since its start.
        if self.view.refresh(&self.hub).await? {
            self.news.extend(self.shards.keys());
        }
        self.follow_reference(in_hand);
        self.hear_due(in_hand, now).await?;
        self.evaluate_waiting(in_hand, now).await.map(Some)
    }

    /// Whether the shard is read to where its topics ended when this was first asked.
    async fn has_caught_up(&self, in_hand: &mut InHand) -> Result<bool, HubError> {
        let Lease { shard, positions, .. } = &in_hand.lease;
        let ends = match in_hand.catch_up.take() {
            Some(ends) => ends,
            None => ends_of(&*self.hub.log, &self.topics, *shard).await?,
        };
        let behind = behind_of(&*self.hub.log, &self.topics, *shard, positions, &ends).await?;
        if behind > 0 {
            in_hand.catch_up = Some(ends);
        }
        Ok(behind == 0)
    }

    /// A change of the calendars is everybody's.
    fn follow_reference(&self, in_hand: &mut InHand) {
        let version = self.view.version();
        if in_hand.state.reference_version != version {
            in_hand.state.reference_version = version;
            in_hand.reference = None;
            in_hand.waiting = Waiting::Everybody;
        }
    }

    /// Those whose date has come.
    async fn hear_due(&self, in_hand: &mut InHand, now: Timestamp) -> Result<(), HubError> {
        let due = self.hub.states.due(&in_hand.lease, now.as_millisecond(), STUDENTS).await?;
        in_hand.waiting.add(due.iter().filter_map(|subject| StudentYear::of_subject(subject)));
        Ok(())
    }

    /// Evaluates all who wait, in as few transactions as there are pages with a change. The last says that nobody waits
    /// any more. Returns how many were evaluated.
    async fn evaluate_waiting(&self, in_hand: &mut InHand, now: Timestamp) -> Result<usize, HubError> {
        if in_hand.waiting.is_nobody() && !in_hand.is_due {
            return Ok(0);
        }
        let reference = match in_hand.reference.take() {
            Some(reference) => reference,
            None => in_hand.state.reference(&self.hub.settings, &self.view),
        };
        let mut pages = Pages::of(&in_hand.waiting);
        let mut batch = Batch::default();
        let mut evaluated = 0;
        while let Some(page) = pages.next(&*self.hub.states, in_hand, STUDENTS).await? {
            if !batch.states.is_empty() {
                self.decide(in_hand, std::mem::take(&mut batch)).await?;
            }
            evaluated += page.len();
            for (who, row) in page {
                let (row, entries) = self.evaluate_row(&in_hand.state, &reference, who, row, now)?;
                batch.states.extend(row);
                batch.outbox.extend(entries);
            }
        }
        in_hand.is_due = false;
        batch.states.push(in_hand.row());
        self.decide(in_hand, batch).await?;
        in_hand.waiting = Waiting::default();
        in_hand.reference = Some(reference);
        Ok(evaluated)
    }

    async fn decide(&self, in_hand: &mut InHand, batch: Batch) -> Result<(), HubError> {
        self.hub.states.commit(&in_hand.lease, &batch).await?;
        crate::failpoint!("state.commit");
        in_hand.kept.keep(batch.states);
        Ok(())
    }

    /// The row if it changed, and what leaves with it.
    fn evaluate_row(
        &self,
        shard: &ShardState,
        reference: &Reference,
        who: StudentYear,
        row: StateRow,
        now: Timestamp,
    ) -> Result<(Option<StateRow>, Vec<NewEntry>), HubError> {
        let mut state = StudentState::decode(&row.state)?;
        let entries = self.evaluate_student(shard, reference, who, &mut state, now);
        let after = StateRow { state: state.encode(), due_ms: None, subject: row.subject.clone() };
        Ok(((after != row).then_some(after), entries))
    }

    fn evaluate_student(
        &self,
        shard: &ShardState,
        reference: &Reference,
        who: StudentYear,
        state: &mut StudentState,
        now: Timestamp,
    ) -> Vec<NewEntry> {
        let as_of = self.hub.settings.district.local_date(now);
        let policy = &self.hub.settings.policy;
        let evaluation = evaluate(&state.registers, reference, policy, who.school_year, as_of);
        let changes = announce(&evaluation, &mut state.announced, now);
        Announcer { hub: &self.hub, shard, who, evaluation: &evaluation, now }.entries(state, &changes)
    }
}
