//! A row between draft and event: ids resolved, ready to be hashed, sorted, compared and published.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_connector::{Entity, Record};
use signalbox_event::data::{
    AttendanceCategory, AttendanceDaily, Enrollment, IdValue, School, Status, Student,
};
use signalbox_event::{Data, StudentKey};
use signalbox_store::feed::{LedgerKey, Scope};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::identity::Person;
use crate::hub::HubError;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

/// What the ledger keeps of a row, and what an event is made of. Ids as the tool writes them are no part of it: a tool
/// that writes another id of the same student says the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row<'a> {
    /// It was missing from its feed's last payload and stands on, because one that could not be used may have been it.
    pub doubtful: bool,
    /// `None`: the student is not found (yet), or the row is about no student.
    pub student: Option<Uuid>,
    #[serde(borrow)]
    pub body: Body<'a>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Body<'a> {
    School {
        #[serde(borrow)]
        id: Cow<'a, str>,
        #[serde(borrow)]
        identifier: Option<Cow<'a, str>>,
        #[serde(borrow)]
        name: Option<Cow<'a, str>>,
    },
    Student {
        #[serde(borrow)]
        id: Cow<'a, str>,
        #[serde(borrow)]
        ids: Vec<(Cow<'a, str>, Cow<'a, str>)>,
        #[serde(borrow)]
        given_name: Option<Cow<'a, str>>,
        #[serde(borrow)]
        family_name: Option<Cow<'a, str>>,
        birth_date: Option<Day>,
    },
    Enrollment {
        #[serde(borrow)]
        key: Option<Cow<'a, str>>,
        /// The school's first id.
        #[serde(borrow)]
        school: Cow<'a, str>,
        entry: Day,
        exit: Option<Day>,
        #[serde(borrow)]
        grade: Option<Cow<'a, str>>,
    },
    Attendance {
        /// The school's first id; blank where the row's school cannot be used.
        #[serde(borrow)]
        school: Cow<'a, str>,
        date: Day,
        category: AttendanceCategory,
        #[serde(borrow)]
        source_code: Option<Cow<'a, str>>,
    },
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

/// A civil date in four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(i16, i8, i8)")]
pub(crate) struct Day(i16, i8, i8);

/// Stored numbers are believed only if they are a date: damage must not become another day.
impl TryFrom<(i16, i8, i8)> for Day {
    type Error = jiff::Error;

    fn try_from((year, month, day): (i16, i8, i8)) -> Result<Self, jiff::Error> {
        Date::new(year, month, day).map(Self::from)
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(date.year(), date.month(), date.day())
    }
}

impl From<Day> for Date {
    fn from(day: Day) -> Self {
        Self::new(day.0, day.1, day.2).expect("a day is made of a date, or checked")
    }
}

impl<'a> Row<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, HubError> {
        postcard::from_bytes(bytes).map_err(|_| HubError::Stored("ledger row"))
    }

    /// Encodes into `buffer`, which is cleared first.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        *buffer =
            postcard::to_extend(self, std::mem::take(buffer)).expect("a buffer that grows takes any row");
    }

    /// Whether an encoded row is marked as doubtful: its first field.
    pub(crate) fn is_marked(bytes: &[u8]) -> bool {
        bytes.first() == Some(&1)
    }

    pub(crate) const fn entity(&self) -> Entity {
        match self.body {
            Body::School { .. } => Entity::School,
            Body::Student { .. } => Entity::Student,
            Body::Enrollment { .. } => Entity::Enrollment,
            Body::Attendance { .. } => Entity::Attendance,
        }
    }

    /// The school the row belongs to, for extents and guards.
    pub(crate) fn school(&self) -> Option<&str> {
        match &self.body {
            Body::School { id, .. } => Some(id),
            Body::Student { .. } => None,
            Body::Enrollment { school, .. } | Body::Attendance { school, .. } => Some(school),
        }
    }

    /// The day that extents are judged by.
    pub(crate) fn date(&self) -> Option<Date> {
        match self.body {
            Body::Enrollment { entry, .. } => Some(entry.into()),
            Body::Attendance { date, .. } => Some(date.into()),
            Body::School { .. } | Body::Student { .. } => None,
        }
    }

    /// Who it says that the student is.
    pub(crate) fn person(&self) -> Option<Person> {
        let Body::Student { given_name, family_name, birth_date, .. } = &self.body else { return None };
        Person::of([given_name.as_deref(), family_name.as_deref()], birth_date.map(Into::into))
    }

    /// Whether it is one that its feed wrote: not a day whose silence is in doubt, nor one without a usable school.
    pub(crate) fn is_counted(&self) -> bool {
        !self.is_silence() && !matches!(&self.body, Body::Attendance { school, .. } if school.is_empty())
    }

    /// Whether it says that a day's silence is in doubt.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self.body, Body::Attendance { category: AttendanceCategory::Doubtful, .. })
    }

    /// Whether it is an enrolment that holds on that day.
    pub(crate) fn is_enrolled_on(&self, date: Date) -> bool {
        let Body::Enrollment { entry, exit, .. } = &self.body else { return false };
        let day = Day::from(date);
        *entry <= day && exit.is_none_or(|exit| day <= exit)
    }

    /// The ledger key: rows of one student stand together.
    pub(crate) fn ledger_key(&self, scratch: &mut String) -> LedgerKey {
        scratch.clear();
        self.push_natural_key(scratch);
        let group = match (&self.body, &self.student) {
            (Body::School { id, .. }, _) => xxh3_64(id.as_bytes()),
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
        self.push_natural_key(&mut key);
        key
    }

    /// What tells the row from others of its student, or of the district.
    fn push_natural_key(&self, to: &mut String) {
        match &self.body {
            Body::School { id, .. } | Body::Student { id, .. } => to.push_str(id),
            Body::Enrollment { key: Some(key), .. } => {
                to.push('#');
                to.push_str(key);
            }
            Body::Enrollment { school, entry: date, .. } | Body::Attendance { school, date, .. } => {
                push_part(to, school);
                push_day(to, *date);
            }
        }
    }

    /// What the event says. `first_id` is the student's first id in the roster of record and its system.
    pub(crate) fn data(&self, status: Status, first_id: (&str, &str)) -> Data {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        match &self.body {
            Body::School { id, identifier, name } => Data::ReferenceSchool(School {
                id: id.clone().into_owned(),
                identifier: owned(identifier),
                name: owned(name),
                status,
            }),
            Body::Student { id, ids, given_name, family_name, birth_date } => Data::RosterStudent(Student {
                id: id.clone().into_owned(),
                id_system: first_id.1.to_owned(),
                ids: ids
                    .iter()
                    .map(|(kind, value)| IdValue {
                        kind: kind.clone().into_owned(),
                        value: value.clone().into_owned(),
                    })
                    .collect(),
                given_name: owned(given_name),
                family_name: owned(family_name),
                birth_date: birth_date.map(Into::into),
                status,
            }),
            Body::Enrollment { school, entry, exit, grade, .. } => Data::RosterEnrollment(Enrollment {
                enrollment_id: self.enrollment_id(),
                student_id: first_id.0.to_owned(),
                id_system: first_id.1.to_owned(),
                school: school.clone().into_owned(),
                entry_date: (*entry).into(),
                exit_date: exit.map(Into::into),
                grade: owned(grade),
                status,
            }),
            Body::Attendance { school, date, category, source_code } => {
                Data::AttendanceDaily(AttendanceDaily {
                    school: (!school.is_empty()).then(|| school.clone().into_owned()),
                    date: (*date).into(),
                    category: *category,
                    source_code: owned(source_code),
                    status,
                })
            }
        }
    }

    /// The enrolment's key within its student: the feed's own, or school and entry date.
    fn enrollment_id(&self) -> String {
        match &self.body {
            Body::Enrollment { key: Some(key), .. } => key.clone().into_owned(),
            Body::Enrollment { school, entry, .. } => {
                let mut id = school.clone().into_owned();
                push_day(&mut id, *entry);
                id
            }
            _ => String::new(),
        }
    }

    pub(crate) fn student_key(&self) -> Option<StudentKey> {
        self.student.map(StudentKey::from_uuid)
    }

    /// The same day, its category unknown: what is published of rows that disagree.
    pub(crate) fn into_unknown(mut self) -> Self {
        if let Body::Attendance { category, source_code, .. } = &mut self.body {
            *category = AttendanceCategory::Unknown;
            *source_code = None;
        }
        self
    }

    /// A student's day of which it is only known that it is not known; at whatever school, if that is blank.
    pub(crate) fn of_unknown_day(
        student: StudentKey,
        school: &str,
        date: Date,
        category: AttendanceCategory,
    ) -> Row<'_> {
        let body = Body::Attendance { school: school.into(), date: date.into(), category, source_code: None };
        Row { student: Some(*student.as_uuid()), doubtful: false, body }
    }
}

impl<'a> Waiting<'a> {
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
        self.row.push_natural_key(scratch);
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
        [false, true].into_iter().flat_map(|waits| Entity::ALL.map(|entity| Self { waits, entity }))
    }

    /// Stands in stores.
    pub(crate) const fn number(self) -> u8 {
        self.entity as u8 | if self.waits { Self::WAITS } else { 0 }
    }

    pub(crate) fn scope(self, school_year: u16) -> Scope {
        Scope { entity: u16::from(self.number()), school_year }
    }
}

/// An id as a part of a key: one that holds what parts are joined with makes no other key's beginning.
fn push_part(to: &mut String, id: &str) {
    if id.contains(['|', '\\']) {
        to.push_str(&id.replace('\\', r"\\").replace('|', r"\|"));
    } else {
        to.push_str(id);
    }
}

fn push_day(to: &mut String, day: Day) {
    let Day(year, month, day) = day;
    if (1000..=9999).contains(&year) {
        // What `write!` does, several times faster: this runs once or twice for every row.
        let digit = |number: i16, unit: i16| char::from(b'0' + (number / unit % 10) as u8);
        let (month, day) = (i16::from(month), i16::from(day));
        to.extend(['|', digit(year, 1000), digit(year, 100), digit(year, 10), digit(year, 1)]);
        to.extend(['-', digit(month, 10), digit(month, 1), '-', digit(day, 10), digit(day, 1)]);
    } else {
        write!(to, "|{year:04}-{month:02}-{day:02}").expect("writing to a string cannot fail");
    }
}

/// The hash that tells whether a row's content changed.
pub(crate) fn content_hash(encoded: &[u8]) -> u64 {
    xxh3_64(encoded)
}

/// Makes a row of a record whose ids are resolved: `student` and the school's first id.
pub(crate) fn of_record<'a>(
    record: Record<'a>,
    student: Option<StudentKey>,
    school: Option<Cow<'a, str>>,
) -> Row<'a> {
    let body = match record {
        Record::School { id, identifier, name } => Body::School { id, identifier, name },
        Record::Student { id, ids, given_name, family_name, birth_date } => {
            Body::Student { id, ids, given_name, family_name, birth_date: birth_date.map(Into::into) }
        }
        Record::Enrollment { key, school: claimed, entry, exit, grade, .. } => Body::Enrollment {
            key,
            school: school.unwrap_or(claimed),
            entry: entry.into(),
            exit: exit.map(Into::into),
            grade,
        },
        Record::Attendance { date, category, source_code, .. } => {
            Body::Attendance { school: school.unwrap_or_default(), date: date.into(), category, source_code }
        }
    };
    Row { student: student.map(|key| *key.as_uuid()), doubtful: false, body }
}
