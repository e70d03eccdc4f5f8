//! One go at a shard: its records are folded and, when it has caught up, who waits is decided on. One transaction does,
//! unless many wait.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_event::Event;
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::Place;
use signalbox_hub::{Hub, HubError};
use signalbox_log::Record;
use signalbox_store::outbox::NewEntry;

use super::SUBJECTS;
use super::admit::Admission;
use super::batch::{Draft, Leaves, Loaded};
use super::folder::{Decided, Deciding, Folder, Folding, Who, hear};
use super::in_hand::InHand;
use super::position::advances;
use super::waiting::{Pages, Waiting};
use crate::dead_letters;

/// Folds records of a shard and, given the calendars, decides on who waits; returns how many were. `None`: it was not the
/// time to decide. On failure nothing was written, or nobody knows; what is in hand is to be dropped.
pub(super) async fn work<F: Folder>(
    hub: Arc<Hub>,
    mut in_hand: InHand<F>,
    records: Vec<Record>,
    calendars: Option<Arc<ReferenceView>>,
    now: Timestamp,
) -> (InHand<F>, Result<Option<usize>, HubError>) {
    let worked = worked(&hub, &mut in_hand, records, calendars, now).await;
    (in_hand, worked)
}

async fn worked<F: Folder>(
    hub: &Hub,
    in_hand: &mut InHand<F>,
    records: Vec<Record>,
    calendars: Option<Arc<ReferenceView>>,
    now: Timestamp,
) -> Result<Option<usize>, HubError> {
    let mut draft = Draft::of(advances(&in_hand.lease, &records));
    let events = hear_all(hub, in_hand, &records, &mut draft, now).await?;
    drop(records);
    let view = calendars.filter(|_| !in_hand.state.has_open_run());
    fold(hub, in_hand, &events, &mut draft, view.is_some(), now).await?;
    drop(events);
    let Some(view) = view else {
        draft.commit(hub, in_hand).await?;
        return Ok(None);
    };
    in_hand.follow(&view);
    let today = hub.settings.district.local_date(now);
    in_hand.turn_to(today, &view);
    hear_due(hub, in_hand, today).await?;
    let reference = in_hand.take_reference(hub, &view);
    let place = place(hub, in_hand, &draft);
    let decided = decide(hub, in_hand, &Against { reference: &reference, place, now }, draft).await?;
    in_hand.reference = Some(reference);
    Ok(Some(decided))
}

/// An event, and whose state it needs.
type Admitted<F> = (Event, Option<<F as Folder>::Who>);

/// The shard hears this hub's events.
async fn hear_all<F: Folder>(
    hub: &Hub,
    in_hand: &mut InHand<F>,
    records: &[Record],
    draft: &mut Draft<F>,
    now: Timestamp,
) -> Result<Vec<Admitted<F>>, HubError> {
    let events = admitted::<F>(hub, &mut in_hand.admission, records, &mut draft.leaves.outbox, now).await?;
    for (event, _) in &events {
        let change = hear::<F>(&mut in_hand.state, event);
        in_hand.heard(change);
    }
    Ok(events)
}

/// Folds all that is said of one, then of the next. Unless this transaction `decides`, what became of each is made a row
/// while it is still near the processor.
async fn fold<F: Folder>(
    hub: &Hub,
    in_hand: &mut InHand<F>,
    events: &[Admitted<F>],
    draft: &mut Draft<F>,
    decides: bool,
    now: Timestamp,
) -> Result<(), HubError> {
    let mut said: Vec<(F::Who, &Event)> =
        events.iter().filter_map(|(event, who)| Some(((*who)?, event))).collect();
    said.sort_by_key(|(who, _)| *who);
    let who: Vec<F::Who> = said.chunk_by(|a, b| a.0 == b.0).map(|of_one| of_one[0].0).collect();
    let rows = in_hand.kept.load(&*hub.states, &in_hand.lease, &who).await?;
    let on = Folding { district: &hub.settings.district.id, now };
    for ((who, row), of_one) in who.into_iter().zip(rows).zip(said.chunk_by(|a, b| a.0 == b.0)) {
        // Who has no state yet has an empty one.
        let mut loaded = row.map(Loaded::of).transpose()?.unwrap_or_default();
        for (_, event) in of_one {
            let change = F::fold(&on, &mut loaded.state, event)?;
            loaded.heard(change);
        }
        if loaded.waits {
            in_hand.waiting.add([who]);
        }
        if decides {
            draft.states.insert(who, loaded);
        } else {
            draft.write(hub, in_hand, who, loaded)?;
        }
    }
    Ok(())
}

/// This hub's events, with whose state each needs; of what is none, an entry for the dead-letter topic.
async fn admitted<F: Folder>(
    hub: &Hub,
    admission: &mut Admission,
    records: &[Record],
    dead: &mut Vec<NewEntry>,
    now: Timestamp,
) -> Result<Vec<Admitted<F>>, HubError> {
    let mut events = Vec::with_capacity(records.len());
    admission.next_batch();
    for record in records {
        match admission.admit(hub, record).await? {
            Ok(event) => {
                let who = F::who(&event);
                events.push((event, who));
            }
            Err(unfit) if keeps(hub, F::NAME, &record.topic) => {
                dead.push(dead_letters::entry(F::NAME, record, &unfit, now));
            }
            // Another consumer keeps it.
            Err(_) => {}
        }
    }
    Ok(events)
}

/// Whether what nobody can read of a topic is this consumer's to keep.
fn keeps(hub: &Hub, consumer: &str, topic: &str) -> bool {
    hub.settings.topics.keepers().iter().any(|(kept, keeper)| kept == topic && keeper.name == consumer)
}

/// Adds all whose date has come. Dates come by the day, so they are looked for once a day.
async fn hear_due<F: Folder>(hub: &Hub, in_hand: &mut InHand<F>, today: Date) -> Result<(), HubError> {
    let as_of = in_hand.state.day(today);
    if in_hand.due_asked == Some(as_of) {
        return Ok(());
    }
    let until_ms = hub.settings.district.start_of(as_of);
    let due = hub.states.due(&in_hand.lease, until_ms, usize::MAX).await?;
    in_hand.waiting.add(due.iter().filter_map(|subject| F::Who::of_subject(subject)));
    in_hand.due_asked = Some(as_of);
    Ok(())
}

/// Where the shard will be when what is in hand is written.
fn place<F: Folder>(hub: &Hub, in_hand: &InHand<F>, draft: &Draft<F>) -> Place {
    let next = |topic: String| {
        let advance = draft.advances.iter().rev().map(|advance| &advance.to).find(|to| to.topic == topic);
        let held = in_hand.lease.positions.iter().find(|position| position.topic == topic);
        advance.or(held).map_or(0, |position| position.next)
    };
    Place {
        next: F::DOMAINS.iter().map(|domain| next(hub.settings.topics.name(*domain))).collect(),
        calendars: in_hand.state.calendars,
        turns: in_hand.state.turns,
    }
}

/// What everybody is decided against, where that stands on the log, and when.
struct Against<'a, F: Folder> {
    reference: &'a F::Reference,
    place: Place,
    now: Timestamp,
}

/// Decides on all who wait: with what was folded if they are few, else page by page after it. What is written last says
/// that nobody waits any more.
async fn decide<F: Folder>(
    hub: &Hub,
    in_hand: &mut InHand<F>,
    against: &Against<'_, F>,
    mut draft: Draft<F>,
) -> Result<usize, HubError> {
    let mut decided = 0;
    match &in_hand.waiting {
        Waiting::Some(few) if few.len() <= SUBJECTS => {
            let few: Vec<F::Who> = few.iter().copied().collect();
            draft.load(hub, in_hand, few.iter().copied()).await?;
            let on = against.deciding(hub, in_hand);
            for who in few {
                let Some(loaded) = draft.states.get_mut(&who) else { continue };
                decide_one(&on, who, loaded, &mut draft.leaves)?;
                decided += 1;
            }
        }
        many => {
            let mut pages = Pages::of(many);
            std::mem::take(&mut draft).commit(hub, in_hand).await?;
            while let Some(page) = pages.next(&*hub.states, in_hand, SUBJECTS).await? {
                std::mem::take(&mut draft).commit(hub, in_hand).await?;
                draft.add(page)?;
                let on = against.deciding(hub, in_hand);
                for (who, loaded) in &mut draft.states {
                    decide_one(&on, *who, loaded, &mut draft.leaves)?;
                }
                decided += draft.states.len();
            }
        }
    }
    in_hand.waiting = Waiting::default();
    draft.commit(hub, in_hand).await?;
    Ok(decided)
}

impl<F: Folder> Against<'_, F> {
    fn deciding<'b>(&'b self, hub: &'b Hub, in_hand: &'b InHand<F>) -> Deciding<'b, F> {
        let Self { reference, ref place, now } = *self;
        let as_of = in_hand.state.day(hub.settings.district.local_date(now));
        Deciding { hub, shard: &in_hand.state, reference, place, as_of, now }
    }
}

fn decide_one<F: Folder>(
    on: &Deciding<'_, F>,
    who: F::Who,
    loaded: &mut Loaded<F::State>,
    leaves: &mut Leaves,
) -> Result<(), HubError> {
    let Decided { entries, amendments, looks_again } = F::decide(on, who, &mut loaded.state)?;
    loaded.decided(looks_again.map(|date| on.hub.settings.district.start_of(date)));
    leaves.outbox.extend(entries);
    leaves.amendments.extend(amendments);
    Ok(())
}
