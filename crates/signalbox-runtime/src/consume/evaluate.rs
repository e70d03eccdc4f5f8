//! Evaluating who is due, on shards that have caught up and have no open run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use signalbox_log::Shard;
use signalbox_risk::{Reference, announce, evaluate};
use signalbox_store::outbox::NewEntry;
use signalbox_store::state::{Batch, Lease, Subject};

use super::alerts::Announcer;
use super::fold::AT_ONCE_MS;
use super::position::{behind_of, ends_of};
use super::shard::ShardState;
use super::student::{StudentState, StudentYear};
use super::{InHand, RiskConsumer, STUDENTS, shard_row, state_row};
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
        self.follow_reference(in_hand).await?;
        let mut evaluated = 0;
        loop {
            let due = self.hub.states.due(&in_hand.lease, now.as_millisecond(), STUDENTS).await?;
            if due.is_empty() {
                return Ok(Some(evaluated));
            }
            evaluated += due.len();
            self.evaluate_batch(in_hand, &due, now).await?;
        }
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

    /// A change of the calendars makes everybody due.
    async fn follow_reference(&self, in_hand: &mut InHand) -> Result<(), HubError> {
        let version = self.view.version();
        if in_hand.state.reference_version == version {
            return Ok(());
        }
        let mut state = in_hand.state.clone();
        state.reference_version = version;
        let batch =
            Batch { states: vec![shard_row(&state)], all_due_ms: Some(AT_ONCE_MS), ..Batch::default() };
        self.hub.states.commit(&in_hand.lease, batch).await?;
        in_hand.state = state;
        in_hand.reference = None;
        Ok(())
    }

    async fn evaluate_batch(
        &self,
        in_hand: &mut InHand,
        due: &[Subject],
        now: Timestamp,
    ) -> Result<(), HubError> {
        let reference = match in_hand.reference.take() {
            Some(reference) => reference,
            None => in_hand.state.reference(&self.hub.settings, &self.view),
        };
        let who: BTreeSet<StudentYear> =
            due.iter().filter_map(|subject| StudentYear::of_subject(subject)).collect();
        let mut batch = Batch::default();
        if who.len() < due.len() {
            batch.states.push(shard_row(&in_hand.state));
        }
        for (who, mut student) in self.load(&in_hand.lease, who).await? {
            let entries = self.evaluate_student(&in_hand.state, &reference, who, &mut student.state, now);
            batch.outbox.extend(entries);
            batch.states.push(state_row(who, &student.state, None));
        }
        in_hand.reference = Some(reference);
        self.hub.states.commit(&in_hand.lease, batch).await?;
        crate::failpoint!("state.commit");
        Ok(())
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
