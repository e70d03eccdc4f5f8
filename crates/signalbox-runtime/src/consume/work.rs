//! One go at a shard: its records are folded and, when it has caught up, who waits is evaluated. One transaction does,
//! unless many wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use signalbox_event::Event;
use signalbox_event::codec::from_record;
use signalbox_log::Record;
use signalbox_risk::{Reference, announce, evaluate};
use signalbox_store::outbox::NewEntry;

use super::STUDENTS;
use super::alerts::Announcer;
use super::batch::{Draft, InHand};
use super::fold::{Fold, StudentInHand};
use super::in_force::Law;
use super::position::advances;
use super::shard::ShardState;
use super::student::StudentYear;
use super::waiting::{Pages, Waiting};
use crate::dead_letters;
use crate::hub::{Hub, HubError};
use crate::reference::ReferenceView;

/// How often the store is asked whose date has come.
const DUE_EVERY_MS: i64 = 60_000;

/// Folds records of a shard and, given the calendars, evaluates who waits; returns how many were. `None`: it was not the
/// time to evaluate. On failure nothing was written, or nobody knows; what is in hand is to be dropped.
pub(super) async fn work(
    hub: Arc<Hub>,
    mut in_hand: InHand,
    records: Vec<Record>,
    calendars: Option<Arc<ReferenceView>>,
    now: Timestamp,
) -> (InHand, Result<Option<usize>, HubError>) {
    let worked = worked(&hub, &mut in_hand, &records, calendars, now).await;
    (in_hand, worked)
}

async fn worked(
    hub: &Hub,
    in_hand: &mut InHand,
    records: &[Record],
    calendars: Option<Arc<ReferenceView>>,
    now: Timestamp,
) -> Result<Option<usize>, HubError> {
    let draft = fold(hub, in_hand, records, now).await?;
    let Some(view) = calendars.filter(|_| !in_hand.state.has_open_run()) else {
        draft.commit(hub, in_hand).await?;
        return Ok(None);
    };
    in_hand.follow(&view);
    hear_due(hub, in_hand, now).await?;
    let reference = in_hand.reference(hub, &view);
    let evaluated = decide(hub, in_hand, &reference, draft, now).await?;
    in_hand.reference = Some(reference);
    Ok(Some(evaluated))
}

async fn fold(
    hub: &Hub,
    in_hand: &mut InHand,
    records: &[Record],
    now: Timestamp,
) -> Result<Draft, HubError> {
    let mut draft = Draft { advances: advances(&in_hand.lease, records), ..Draft::default() };
    let events = read(records, &mut draft.outbox, now);
    draft.load_for(hub, in_hand, &events).await?;
    let mut fold = Fold {
        district: &hub.settings.district.id,
        now,
        shard: &mut in_hand.state,
        students: &mut draft.students,
        all_wait: false,
        shard_changed: false,
        coverage_changed: false,
    };
    for event in &events {
        fold.apply(event);
    }
    let Fold { all_wait, shard_changed, coverage_changed, .. } = fold;
    in_hand.changed |= shard_changed;
    if coverage_changed {
        in_hand.reference = None;
    }
    if all_wait {
        in_hand.waiting = Waiting::Everybody;
    }
    in_hand.waiting.add(draft.students.iter().filter(|(_, student)| student.waits).map(|(who, _)| *who));
    Ok(draft)
}

/// The events; of what is none, an entry for the dead-letter topic.
fn read(records: &[Record], dead: &mut Vec<NewEntry>, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::with_capacity(records.len());
    for record in records {
        let headers = record.headers.iter().map(|(name, value)| (name.as_str(), &value[..]));
        match from_record(headers, &record.value) {
            Ok(event) => events.push(event),
            Err(error) => dead.push(dead_letters::entry(record, &error, now)),
        }
    }
    events
}

impl InHand {
    /// A change of the calendars is everybody's.
    fn follow(&mut self, view: &ReferenceView) {
        let version = view.version();
        if self.state.reference_version != version {
            self.state.reference_version = version;
            self.changed = true;
            self.reference = None;
            self.waiting = Waiting::Everybody;
        }
    }

    fn reference(&mut self, hub: &Hub, view: &ReferenceView) -> Reference {
        self.reference.take().unwrap_or_else(|| self.state.reference(&hub.settings, view))
    }
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

/// Evaluates all who wait: with what was folded if they are few, else page by page after it. What is written last says
/// that nobody waits any more.
async fn decide(
    hub: &Hub,
    in_hand: &mut InHand,
    reference: &Reference,
    mut draft: Draft,
    now: Timestamp,
) -> Result<usize, HubError> {
    let mut evaluated = 0;
    match &in_hand.waiting {
        Waiting::Students(few) if few.len() <= STUDENTS => {
            let few: Vec<StudentYear> = few.iter().copied().collect();
            draft.load(hub, in_hand, few.iter().copied()).await?;
            let deciding = Deciding::on(hub, &in_hand.state, reference, now);
            for who in few {
                let Some(student) = draft.students.get_mut(&who) else { continue };
                draft.outbox.extend(deciding.evaluate(who, student));
                evaluated += 1;
            }
        }
        many => {
            let mut pages = Pages::of(many);
            std::mem::take(&mut draft).commit(hub, in_hand).await?;
            while let Some(page) = pages.next(&*hub.states, in_hand, STUDENTS).await? {
                std::mem::take(&mut draft).commit(hub, in_hand).await?;
                draft.add(page)?;
                let deciding = Deciding::on(hub, &in_hand.state, reference, now);
                draft.outbox = deciding.evaluate_all(&mut draft.students);
                evaluated += draft.students.len();
            }
        }
    }
    in_hand.waiting = Waiting::default();
    draft.commit(hub, in_hand).await?;
    Ok(evaluated)
}

/// What everybody on a shard is evaluated with.
struct Deciding<'a> {
    hub: &'a Hub,
    shard: &'a ShardState,
    reference: &'a Reference,
    law: Law,
    now: Timestamp,
}

impl<'a> Deciding<'a> {
    fn on(hub: &'a Hub, shard: &'a ShardState, reference: &'a Reference, now: Timestamp) -> Self {
        Self { hub, shard, reference, law: Law::of(shard, &hub.settings), now }
    }

    fn evaluate_all(&self, students: &mut BTreeMap<StudentYear, StudentInHand>) -> Vec<NewEntry> {
        students.iter_mut().flat_map(|(who, student)| self.evaluate(*who, student)).collect()
    }

    /// Returns what leaves.
    fn evaluate(&self, who: StudentYear, student: &mut StudentInHand) -> Vec<NewEntry> {
        let Self { hub, shard, reference, ref law, now } = *self;
        let as_of = hub.settings.district.local_date(now);
        let state = student.evaluated();
        let heard = law.hear(shard, &state.registers);
        if heard.is_undecided {
            return Vec::new();
        }
        let evaluation = evaluate(&heard.registers, reference, &law.in_force.policy, who.school_year, as_of);
        let changes = announce(&evaluation, &mut state.announced, now);
        Announcer { hub, shard, in_force: &law.in_force, who, evaluation: &evaluation, now }
            .entries(state, &changes)
    }
}
