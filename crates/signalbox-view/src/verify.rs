//! A flag computed again from the log, at the place where it was decided.

use signalbox_consume::folder::hear;
use signalbox_event::Event;
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::Place;
use signalbox_hub::{Hub, HubError};
use signalbox_risk::{Fits, Flag, FlagState, Judging, Registers};
use signalbox_scoring::coverage::{self, reference_version};
use signalbox_scoring::law::Law;
use signalbox_scoring::student::{Basis, StudentYear};
use signalbox_scoring::{ScoredShard, Scoring, observation};

use super::events::{before, events_of};
use super::flags::Found;
use super::shard_of;

/// What the log had said of a student, and of their shard, by some place.
pub(super) struct Replay {
    /// Of the student in that school year.
    pub(super) events: Vec<Event>,
    shard: ScoredShard,
}

impl Replay {
    pub(super) async fn of(hub: &Hub, who: StudentYear, place: &Place) -> Result<Self, HubError> {
        let (mut events, mut shard) = (Vec::new(), ScoredShard::default());
        before(hub, shard_of(hub, who.student), place, |event| {
            hear::<Scoring>(&mut shard, &event);
            if event.subject == Some(who.student) && event.school_year == Some(who.school_year) {
                events.push(event);
            }
        })
        .await?;
        Ok(Self { events, shard })
    }

    /// What is stored of the student must be what all events say, and the flag what they said by its place.
    pub(super) async fn verifies(
        &self,
        hub: &Hub,
        found: &Found,
        flag: &Flag,
        basis: &Basis,
    ) -> Result<bool, HubError> {
        if digest(&registers(&events_of(hub, found.who).await?)) != digest(&found.state.registers) {
            return Ok(false);
        }
        let calendars = ReferenceView::as_of(hub, basis.place.calendars).await?;
        let (law, said) = (Law::of(&self.shard, &hub.settings), registers(&self.events));
        let reference = coverage::reference(&self.shard, &law.in_force, &calendars);
        let heard = law.hear(&self.shard, &said);
        let (school_year, as_of) = (found.who.school_year, basis.as_of);
        let on = Judging { registers: &heard.registers, reference: &reference, school_year, as_of };
        let gives = match law.fitting(&found.rule, &on) {
            Fits::Rule(rule) => *rule == basis.rule && rule.judge(&on).gives(flag),
            Fits::No => flag.state == FlagState::Cleared,
            Fits::Unknown => false,
        };
        let version = reference_version(basis.place.calendars, basis.place.turns);
        Ok(reference.version() == version && gives)
    }
}

fn registers(events: &[Event]) -> Registers {
    let mut registers = Registers::default();
    for observation in events.iter().filter_map(observation) {
        registers.apply(&observation);
    }
    registers
}

fn digest(registers: &Registers) -> Vec<u8> {
    let mut bytes = Vec::new();
    registers.digest_into(&mut bytes);
    bytes
}
