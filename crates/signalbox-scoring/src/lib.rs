//! Scoring: the consumer that keeps what is known of each student, and decides flags by the district's rules.
//!
//! # Layout
//! - this file: `Scoring`, the folder; `judge`: one student by every rule
//! - `fold`: what an event changes of a student's state; `student`: that state
//! - `coverage`: what feeds cover on a shard; `law`: the rules and feeds that count there; `scopes`: for whom rules can be
//! - `alerts`: what leaves; `cards`: what lists show; `basis`: what flags were judged by
//!
//! **Architecture invariant:** it sees traits only; it names neither a database, nor Kafka, nor a vendor. No clock and no
//! randomness: `now` is an argument.

mod alerts;
mod basis;
pub mod cards;
pub mod coverage;
mod fold;
mod judge;
pub mod law;
mod scopes;
pub mod student;

use serde::{Deserialize, Serialize};
use signalbox_consume::folder::{Decided, Deciding, Folder, Folding, StateChange};
use signalbox_consume::listed;
use signalbox_event::{Data, Domain, Event};
use signalbox_hub::consumer::Consumer;
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::{ShardChange, ShardState};
use signalbox_hub::{HubError, Settings};
use signalbox_risk::Reference;
use signalbox_store::card::Card;

pub use self::alerts::{reason_of, student_ref};
use self::coverage::Coverage;
pub use self::fold::observation;
use self::judge::Judge;
use self::law::Law;
pub use self::scopes::{Scopes, Written};
use self::student::{StudentInHand, StudentYear};

/// For the list of consumers.
pub const CONSUMER: Consumer = listed::<Scoring>();

/// The folder of risk.
#[derive(Debug)]
pub struct Scoring;

/// A shard as scoring knows it.
pub type ScoredShard = ShardState<OfShard>;

/// What is scoring's own of a shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfShard {
    pub(crate) coverage: Coverage,
    pub scopes: Scopes,
}

/// What students of a shard are judged against, and by.
#[derive(Debug)]
pub struct Against {
    reference: Reference,
    law: Law,
}

impl Folder for Scoring {
    const NAME: &'static str = "risk";
    const ABOUT: &'static str = "Fold events and decide flags";
    const KEPT_AS: &'static str = "risk@1";
    const DOMAINS: &'static [Domain] = &[
        Domain::Ops,
        Domain::Roster,
        Domain::Attendance,
        Domain::Gradebook,
        Domain::Behavior,
        Domain::Intervention,
    ];

    type Who = StudentYear;
    type State = StudentInHand;
    type Shard = OfShard;
    type Reference = Against;

    fn who(event: &Event) -> Option<StudentYear> {
        fold::whose(event)
    }

    fn hear(own: &mut OfShard, event: &Event) -> ShardChange {
        match (&event.data, event.subject) {
            (Data::OpsRunEnded(ended), _) => own.coverage.run_ended(ended),
            (Data::RosterEnrollment(enrollment), Some(_)) if enrollment.status.is_active() => {
                own.scopes.see(enrollment)
            }
            _ => ShardChange::Same,
        }
    }

    fn fold(on: &Folding<'_>, state: &mut StudentInHand, event: &Event) -> Result<StateChange, HubError> {
        fold::apply(on, state, event)
    }

    fn reference(shard: &ScoredShard, settings: &Settings, calendars: &ReferenceView) -> Against {
        let law = Law::of(shard, settings);
        Against { reference: coverage::reference(shard, &law.in_force, calendars), law }
    }

    fn cards(
        shard: &ScoredShard,
        settings: &Settings,
        who: StudentYear,
        state: &mut StudentInHand,
    ) -> Result<Vec<Card>, HubError> {
        if !state.has_rules() {
            return Ok(Vec::new());
        }
        Ok(cards::cards(shard, settings, who, state.whole()?))
    }

    fn decide(
        on: &Deciding<'_, Self>,
        who: StudentYear,
        state: &mut StudentInHand,
    ) -> Result<Decided, HubError> {
        Ok(Judge(on).decide(who, state.whole()?))
    }
}

#[cfg(test)]
mod tests;
