//! Scoring: the consumer that keeps what is known of each student, and decides flags by the district's rules.
//!
//! # Layout
//! - this file: `Scoring`, the folder; `judge`: one student by every rule
//! - `fold`: what an event changes of a student's state; `student`: that state
//! - `coverage`: what feeds cover on a shard; `law`: the rules and feeds that count there
//! - `alerts`: what leaves; `basis`: what flags were judged by

mod alerts;
mod basis;
pub mod coverage;
mod fold;
mod judge;
pub(crate) mod law;
pub mod student;

use signalbox_event::{Domain, Event};
use signalbox_risk::Reference;

pub use self::alerts::{reason_of, student_ref};
use self::coverage::{Coverage, ScoredShard};
pub(crate) use self::fold::observation;
use self::judge::Judge;
use self::law::Law;
use self::student::{StudentState, StudentYear};
use crate::consume::folder::{Decided, Deciding, Folded, Folder, Folding};
use crate::consume::listed;
use crate::consumer::Consumer;
use crate::hub::Settings;
use crate::reference::ReferenceView;

/// For the list of consumers.
pub const CONSUMER: Consumer = listed::<Scoring>();

/// The folder of risk.
#[derive(Debug)]
pub struct Scoring;

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
    type State = StudentState;
    type Shard = Coverage;
    type Reference = Against;

    fn who(event: &Event) -> Option<StudentYear> {
        fold::whose(event)
    }

    fn fold(
        on: &Folding<'_>,
        shard: &mut ScoredShard,
        state: Option<&mut StudentState>,
        event: &Event,
    ) -> Folded {
        Folded {
            state: state.map(|state| fold::apply(on, state, event)).unwrap_or_default(),
            shard: coverage::hear(shard, event),
        }
    }

    fn reference(shard: &ScoredShard, settings: &Settings, calendars: &ReferenceView) -> Against {
        Against { reference: coverage::reference(shard, settings, calendars), law: Law::of(shard, settings) }
    }

    fn decide(on: &Deciding<'_, Self>, who: StudentYear, state: &mut StudentState) -> Decided {
        Judge(on).decide(who, state)
    }
}
