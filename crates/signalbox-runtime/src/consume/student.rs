//! What is kept of one student in one school year.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_event::StudentKey;
use signalbox_log::Offset;
use signalbox_risk::{Announced, Policy, Registers};
use signalbox_store::state::Subject;
use uuid::Uuid;

use crate::hub::HubError;

/// The first byte of every stored state: which shape follows.
const FORMAT: u8 = 2;
const STUDENT: u8 = b's';

/// The state of one student in one school year.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StudentState {
    pub profile: Option<Profile>,
    pub registers: Registers,
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

/// A recipient that was told of a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub number: u32,
    pub to: String,
    pub alert_id: Uuid,
}

/// What a flag was judged by when it last changed: it can be judged by the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    pub number: u32,
    /// The day of the evaluation.
    pub as_of: Date,
    pub policy: Policy,
    pub place: Place,
}

/// A place on the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Of each of the consumer's topics, up to where the shard was folded.
    pub next: Vec<Offset>,
    /// Changes of the calendars by then.
    pub calendars: u64,
    /// Changes of the coverage by then.
    pub coverage: u64,
}

impl StudentState {
    pub fn basis(&self, number: u32) -> Option<&Basis> {
        self.bases.iter().find(|basis| basis.number == number)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, HubError> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => {
                postcard::from_bytes(rest).map_err(|_| HubError::Stored("student's state"))
            }
            _ => Err(HubError::Stored("student's state")),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FORMAT]).expect("a buffer that grows takes any state")
    }
}

/// Whom a state row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudentYear {
    pub school_year: u16,
    pub student: StudentKey,
}

impl StudentYear {
    pub fn subject(self) -> Subject {
        let mut subject = Vec::with_capacity(19);
        subject.push(STUDENT);
        subject.extend_from_slice(&self.school_year.to_be_bytes());
        subject.extend_from_slice(self.student.as_uuid().as_bytes());
        subject
    }

    /// `None`: the row is not about a student.
    pub fn of_subject(subject: &[u8]) -> Option<Self> {
        let (&[STUDENT, high, low], uuid) = subject.split_first_chunk::<3>()? else { return None };
        let uuid = Uuid::from_slice(uuid).ok()?;
        Some(Self { school_year: u16::from_be_bytes([high, low]), student: StudentKey::from_uuid(uuid) })
    }
}
