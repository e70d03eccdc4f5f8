//! One go at a shard: its records are folded and, when it has caught up, who waits is evaluated. One transaction does,
//! unless many wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_event::Event;
use signalbox_log::Record;
use signalbox_risk::{Fits, FlagChange, Judgement, Judging, Reference, Rule};
use signalbox_store::outbox::NewEntry;

use super::STUDENTS;
use super::admit::Admission;
use super::alerts::{Announcer, Whom};
use super::basis::{note, place, said};
use super::batch::{Draft, InHand};
use super::fold::{Fold, StudentInHand};
use super::in_force::Law;
use super::position::advances;
use super::shard::{ShardState, Year};
use super::student::{Place, RuleState, StudentState, StudentYear};
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
    in_hand.turn_to(hub.settings.district.local_date(now), &view);
    hear_due(hub, in_hand, now).await?;
    let reference = in_hand.reference(hub, &view);
    let place = place(hub, in_hand, &draft, &view);
    let evaluated = decide(hub, in_hand, &Against { reference: &reference, place }, draft, now).await?;
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
    let events = admitted(hub, &mut in_hand.admission, records, &mut draft.outbox, now).await?;
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

/// This hub's events; of what is none, an entry for the dead-letter topic.
async fn admitted(
    hub: &Hub,
    admission: &mut Admission,
    records: &[Record],
    dead: &mut Vec<NewEntry>,
    now: Timestamp,
) -> Result<Vec<Event>, HubError> {
    let mut events = Vec::with_capacity(records.len());
    admission.next_batch();
    for record in records {
        match admission.admit(hub, record).await? {
            Ok(event) => events.push(event),
            Err(unfit) => dead.push(dead_letters::entry(record, &unfit, now)),
        }
    }
    Ok(events)
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

    /// The day never goes back with the clock. A new school year is everybody's.
    fn turn_to(&mut self, today: Date, view: &ReferenceView) {
        let as_of = self.state.day(today);
        let running_year = view.running_year(as_of);
        if self.state.running_year != running_year {
            self.state.running_year = running_year;
            self.changed = true;
            self.waiting = Waiting::Everybody;
        }
        if self.state.as_of != Some(as_of) {
            self.state.as_of = Some(as_of);
            self.changed = true;
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

/// What everybody is judged against, and where that stands on the log.
struct Against<'a> {
    reference: &'a Reference,
    place: Place,
}

/// Evaluates all who wait: with what was folded if they are few, else page by page after it. What is written last says
/// that nobody waits any more.
async fn decide(
    hub: &Hub,
    in_hand: &mut InHand,
    against: &Against<'_>,
    mut draft: Draft,
    now: Timestamp,
) -> Result<usize, HubError> {
    let mut evaluated = 0;
    match &in_hand.waiting {
        Waiting::Students(few) if few.len() <= STUDENTS => {
            let few: Vec<StudentYear> = few.iter().copied().collect();
            draft.load(hub, in_hand, few.iter().copied()).await?;
            let deciding = Deciding::on(hub, &in_hand.state, against, now);
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
                let deciding = Deciding::on(hub, &in_hand.state, against, now);
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
    against: &'a Against<'a>,
    law: Law,
    now: Timestamp,
}

impl<'a> Deciding<'a> {
    fn on(hub: &'a Hub, shard: &'a ShardState, against: &'a Against<'a>, now: Timestamp) -> Self {
        Self { hub, shard, against, law: Law::of(shard, &hub.settings), now }
    }

    fn evaluate_all(&self, students: &mut BTreeMap<StudentYear, StudentInHand>) -> Vec<NewEntry> {
        students.iter_mut().flat_map(|(who, student)| self.evaluate(*who, student)).collect()
    }

    /// Returns what leaves. Only the running school year is judged.
    fn evaluate(&self, who: StudentYear, student: &mut StudentInHand) -> Vec<NewEntry> {
        let state = student.evaluated();
        let (entries, looks_again) = match self.shard.year(who.school_year) {
            Year::Running => self.judge(who, state),
            Year::Over => self.end_year(state, true),
            // What was judged in it went by calendars that were corrected since.
            Year::ToCome => self.end_year(state, false),
        };
        student.looks_again(looks_again.map(|date| self.hub.settings.district.start_of(date)));
        entries
    }

    fn end_year(&self, state: &mut StudentState, is_over: bool) -> (Vec<NewEntry>, Option<Date>) {
        for rule in &mut state.rules {
            rule.announced.end_year(is_over, self.now);
        }
        (Vec::new(), None)
    }

    /// What leaves, and the next day on which time alone may change something.
    fn judge(&self, who: StudentYear, state: &mut StudentState) -> (Vec<NewEntry>, Option<Date>) {
        let Self { hub, shard, against, ref law, .. } = *self;
        let as_of = shard.day(hub.settings.district.local_date(self.now));
        let heard = law.hear(shard, &state.registers);
        if heard.is_undecided {
            return (Vec::new(), None);
        }
        let (school_year, reference) = (who.school_year, against.reference);
        let on = Judging { registers: &heard.registers, reference, school_year, as_of };
        let whom = Whom { who, profile: state.profile.as_ref(), on: &on, is_enrolled: on.is_enrolled() };
        let (mut entries, mut looks_again) = (Vec::new(), heard.registers.moves_after(as_of));
        let mut rules = std::mem::take(&mut state.rules);
        for name in law.names(&rules).collect::<Vec<_>>() {
            let at = rules.binary_search_by(|state| state.rule.as_str().cmp(name));
            let mut fresh = RuleState::default();
            let kept = match at {
                Ok(at) => &mut rules[at],
                Err(_) => &mut fresh,
            };
            let again = self.by_rule(&whom, name, kept, &mut entries);
            looks_again = looks_again.into_iter().chain(again).min();
            if let (Err(at), false) = (at, fresh.announced.flags().is_empty()) {
                rules.insert(at, RuleState { rule: name.to_owned(), ..fresh });
            }
        }
        drop(heard);
        state.rules = rules;
        (entries, looks_again)
    }

    /// Judges by the rules of one name; answers when to look again.
    fn by_rule(
        &self,
        whom: &Whom<'_>,
        name: &str,
        kept: &mut RuleState,
        entries: &mut Vec<NewEntry>,
    ) -> Option<Date> {
        let before = said(&kept.announced);
        let (rule, judgement, changes) = match self.law.fitting(name, whom.on) {
            Fits::Rule(rule) => {
                let judgement = rule.judge(whom.on);
                let changes = judgement.announce(&mut kept.announced, self.now);
                (rule, Some(judgement), changes)
            }
            Fits::No => {
                let rule = &kept.bases.last()?.rule.clone();
                let changes = kept.announced.no_longer_fits(self.now);
                note(kept, &before, rule, whom.on.as_of, &self.against.place);
                self.tell(whom, rule, None, kept, &changes, entries);
                return None;
            }
            Fits::Unknown => return None,
        };
        if judgement.as_ref().is_some_and(Judgement::decides) {
            note(kept, &before, rule, whom.on.as_of, &self.against.place);
        }
        self.tell(whom, rule, judgement.as_ref(), kept, &changes, entries);
        judgement.and_then(|judgement| judgement.looks_again())
    }

    fn tell(
        &self,
        whom: &Whom<'_>,
        rule: &Rule,
        judgement: Option<&Judgement>,
        kept: &mut RuleState,
        changes: &[FlagChange],
        entries: &mut Vec<NewEntry>,
    ) {
        let Self { hub, shard, ref law, now, .. } = *self;
        let announcer = Announcer { hub, shard, in_force: &law.in_force, whom, rule, judgement, now };
        entries.extend(announcer.entries(kept, changes));
    }
}
