//! What is kept of one student in one school year.

mod in_hand;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_consume::folder::Who;
use signalbox_event::StudentKey;
use signalbox_hub::shard::Place;
use signalbox_risk::{Announced, Registers, Rule};
use signalbox_store::outbox::WithheldBecause;
use signalbox_store::state::Subject;
use uuid::Uuid;

pub use self::in_hand::StudentInHand;

const STUDENT: u8 = b's';

/// The state of one student in one school year.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StudentState {
    pub profile: Option<Profile>,
    /// What feeds call the student, one of each feed.
    names: Vec<Named>,
    pub registers: Registers,
    /// In the order of their names, those that have flags.
    pub rules: Vec<RuleState>,
}

/// What is kept of one rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleState {
    /// Its name.
    pub rule: String,
    pub announced: Announced,
    /// Which alert told whom of which flag: what a withdrawal takes back.
    pub told: Vec<Told>,
    /// What each flag was last judged by.
    pub bases: Vec<Basis>,
}

/// How the district's own tools know the student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub id: String,
    pub id_system: String,
}

/// What a feed calls the student.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Named {
    feed: String,
    revision: u64,
    /// Family name, given name; `None`: the feed says it no more.
    name: Option<String>,
}

/// A recipient that was told of a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub number: u32,
    pub to: String,
    pub alert_id: Uuid,
    /// Why what was not sent yet is not to be sent for now.
    pub held: Option<WithheldBecause>,
}

/// What a flag was judged by when it last changed: it can be judged by the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    pub number: u32,
    /// The day of the evaluation.
    pub as_of: Date,
    pub rule: Rule,
    pub place: Place,
}

impl RuleState {
    pub fn basis(&self, number: u32) -> Option<&Basis> {
        self.bases.iter().find(|basis| basis.number == number)
    }
}

impl StudentState {
    /// What the first of the feeds that say it calls the student; `rank`: the least is heard, none not at all.
    pub fn name(&self, rank: impl Fn(&str) -> Option<usize>) -> Option<String> {
        let said = self.names.iter().filter(|named| named.name.is_some());
        let ranked = said.filter_map(|named| Some((rank(&named.feed)?, named)));
        ranked.min_by_key(|(rank, _)| *rank)?.1.name.clone()
    }

    /// A feed calls the student so. `true`: that is news. The higher revision wins, and of two of one the greater.
    pub(super) fn call(&mut self, feed: &str, revision: u64, name: impl FnOnce() -> Option<String>) -> bool {
        let place = self.names.binary_search_by(|named| named.feed.as_str().cmp(feed));
        if place.is_ok_and(|at| self.names[at].revision > revision) {
            return false;
        }
        let said = Named { feed: feed.to_owned(), revision, name: name() };
        match place {
            Err(at) => self.names.insert(at, said),
            Ok(at) if self.names[at] < said => self.names[at] = said,
            Ok(_) => return false,
        }
        true
    }

    pub fn rule(&self, name: &str) -> Option<&RuleState> {
        self.rules.iter().find(|state| state.rule == name)
    }
}

/// Whom a state row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudentYear {
    pub school_year: u16,
    pub student: StudentKey,
}

impl Who for StudentYear {
    fn subject(self) -> Subject {
        let mut subject = Vec::with_capacity(19);
        subject.push(STUDENT);
        subject.extend_from_slice(&self.school_year.to_be_bytes());
        subject.extend_from_slice(self.student.as_uuid().as_bytes());
        subject
    }

    fn of_subject(subject: &[u8]) -> Option<Self> {
        let (&[STUDENT, high, low], uuid) = subject.split_first_chunk::<3>()? else { return None };
        let uuid = Uuid::from_slice(uuid).ok()?;
        Some(Self { school_year: u16::from_be_bytes([high, low]), student: StudentKey::from_uuid(uuid) })
    }
}
