//! A row between draft and event: ids resolved, ready to be hashed, sorted, compared and published.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_connector::{Claims, Draft, Entity};
use signalbox_event::rows::{AttendanceCategory, AttendanceRow, Subject, push_part};
use signalbox_event::{Body, Data, Status, StudentKey};
use signalbox_hub::HubError;
use signalbox_store::feed::{LedgerKey, Scope};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::identity::Person;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

/// What the ledger keeps of a row, and what an event is made of. Ids as the tool writes them are no part of it: a tool
/// that writes another id of the same student says the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row<'a> {
    pub mark: Mark,
    /// `None`: the student is not found (yet), or the row is about no student.
    pub student: Option<Uuid>,
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// A row whose student or school is not found, with the ids as the tool writes them: it is looked up again when the
/// roster changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting<'a> {
    #[serde(borrow)]
    pub student: Cow<'a, str>,
    #[serde(borrow)]
    pub school: Cow<'a, str>,
    /// Where it stood when it was read last.
    pub line: u32,
    #[serde(borrow)]
    pub row: Row<'a>,
}

/// How a row stands in the ledger, beside what it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mark {
    /// As its feed's last payload has it.
    #[default]
    None,
    /// It was missing there and stands on, because one that could not be used may have been it.
    Doubtful,
    /// It was missing there and stands on, because a person is asked about the rows that its school would lose.
    KeptBack,
    /// It came beside such rows, perhaps in the place of one.
    Beside,
}

impl<'a> Row<'a> {
    pub(crate) fn new(student: Option<StudentKey>, body: Body<'a>) -> Self {
        Self { mark: Mark::None, student: student.map(|key| *key.as_uuid()), body }
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, HubError> {
        postcard::from_bytes(bytes).map_err(|_| HubError::Stored("ledger row"))
    }

    /// Encodes into `buffer`, which is cleared first.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        *buffer =
            postcard::to_extend(self, std::mem::take(buffer)).expect("a buffer that grows takes any row");
    }

    /// Whether an encoded row has a mark: its first field.
    pub(crate) fn is_marked(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|mark| *mark != Mark::None as u8)
    }

    pub(crate) const fn entity(&self) -> Entity {
        self.body.entity()
    }

    /// The school the row belongs to, for extents and guards.
    pub(crate) fn school(&self) -> Option<&str> {
        self.body.school()
    }

    /// The day that extents are judged by.
    pub(crate) fn date(&self) -> Option<Date> {
        self.body.date()
    }

    /// Who it says that the student is.
    pub(crate) fn person(&self) -> Option<Person> {
        let Body::Student(row) = &self.body else { return None };
        let names = [row.given_name.as_deref(), row.family_name.as_deref()];
        Person::of(names, row.birth_date.map(Into::into))
    }

    /// Whether it is one that its feed wrote: not a day whose silence is in doubt, nor one without a usable school.
    pub(crate) fn is_counted(&self) -> bool {
        !self.is_silence() && self.school() != Some("")
    }

    /// Whether it says that a day's silence is in doubt.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(&self.body, Body::Attendance(day) if day.category == AttendanceCategory::Doubtful)
    }

    /// Whether it is an enrolment that holds on that day.
    pub(crate) fn is_enrolled_on(&self, date: Date) -> bool {
        matches!(&self.body, Body::Enrollment(row) if row.holds_on(date))
    }

    /// The ledger key: rows of one student stand together.
    pub(crate) fn ledger_key(&self, scratch: &mut String) -> LedgerKey {
        scratch.clear();
        self.body.push_key(scratch);
        let group = match (&self.body, &self.student) {
            (Body::School(row), _) => xxh3_64(row.id.as_bytes()),
            (_, Some(student)) => xxh3_64(student.as_bytes()),
            (_, None) => 0,
        };
        key_of(group, scratch)
    }

    /// The natural key in its feed and school year.
    pub(crate) fn natural_key(&self, school_year: u16) -> String {
        let mut key = format!("{school_year}|");
        if let Some(student) = &self.student {
            write!(key, "{student}|").expect("writing to a string cannot fail");
        }
        self.body.push_key(&mut key);
        key
    }

    /// What the event says.
    pub(crate) fn data(&self, status: Status, of: Subject<'_>) -> Data {
        self.body.data(status, of)
    }

    pub(crate) fn student_key(&self) -> Option<StudentKey> {
        self.student.map(StudentKey::from_uuid)
    }

    /// What is published of rows that disagree; `None`: nothing of it is believed.
    pub(crate) fn disputed(self) -> Option<Self> {
        Some(Self { body: self.body.disputed()?, ..self })
    }

    /// A student's day of which it is only known that it is not known; at whatever school, if that is blank.
    pub(crate) fn of_unknown_day(
        student: StudentKey,
        school: &str,
        date: Date,
        category: AttendanceCategory,
    ) -> Row<'_> {
        let day = AttendanceRow { school: school.into(), date: date.into(), category, source_code: None };
        Row::new(Some(student), day.into())
    }
}

impl<'a> Waiting<'a> {
    /// A draft that is not looked up, without the line where it stands.
    pub(crate) fn of(draft: &Draft<'a>) -> Self {
        let Claims { student, school, .. } = draft.claims.clone();
        let row = Row::new(None, draft.body.clone());
        Self { student: student.unwrap_or_default(), school: school.unwrap_or_default(), line: 0, row }
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, HubError> {
        postcard::from_bytes(bytes).map_err(|_| HubError::Stored("ledger row"))
    }

    /// Encodes into `buffer`, which is cleared first.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        *buffer =
            postcard::to_extend(self, std::mem::take(buffer)).expect("a buffer that grows takes any row");
    }

    /// The ledger key: rows about one id stand together.
    pub(crate) fn ledger_key(&self, scratch: &mut String) -> LedgerKey {
        scratch.clear();
        push_part(scratch, &self.student);
        scratch.push('|');
        push_part(scratch, &self.school);
        scratch.push('|');
        self.row.body.push_key(scratch);
        key_of(xxh3_64(self.student.as_bytes()), scratch)
    }
}

fn key_of(group: u64, natural_key: &str) -> LedgerKey {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&group.to_be_bytes());
    key[8..].copy_from_slice(&xxh3_64(natural_key.as_bytes()).to_be_bytes());
    key
}

/// One ledger of a feed: the rows of an entity, or those of them that wait for their student or school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub waits: bool,
    pub entity: Entity,
}

impl Slot {
    const WAITS: u8 = 0x80;

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [false, true]
            .into_iter()
            .flat_map(|waits| Entity::ALL.iter().map(move |entity| Self { waits, entity: *entity }))
    }

    /// Stands in stores.
    pub(crate) const fn number(self) -> u8 {
        self.entity as u8 | if self.waits { Self::WAITS } else { 0 }
    }

    pub(crate) fn scope(self, school_year: u16) -> Scope {
        Scope { entity: u16::from(self.number()), school_year }
    }
}

/// The hash that tells whether a row's content changed.
pub(crate) fn content_hash(encoded: &[u8]) -> u64 {
    xxh3_64(encoded)
}
