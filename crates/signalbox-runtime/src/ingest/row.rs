//! A row between draft and event: ids resolved, ready to be hashed, sorted, compared and published.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_connector::{Entity, Record};
use signalbox_event::data::{
    AttendanceCategory, AttendanceDaily, Enrollment, IdValue, School, Status, Student,
};
use signalbox_event::{Data, StudentKey};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::hub::HubError;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

/// What the ledger keeps of a row, and what an event is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row<'a> {
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
        /// As the feed writes it.
        #[serde(borrow)]
        student_id: Cow<'a, str>,
        /// The school's first id.
        #[serde(borrow)]
        school: Cow<'a, str>,
        entry: Day,
        exit: Option<Day>,
        #[serde(borrow)]
        grade: Option<Cow<'a, str>>,
    },
    Attendance {
        #[serde(borrow)]
        student_id: Cow<'a, str>,
        #[serde(borrow)]
        school: Cow<'a, str>,
        date: Day,
        category: AttendanceCategory,
        #[serde(borrow)]
        source_code: Option<Cow<'a, str>>,
    },
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

    /// The student's id as the feed writes it, for rows that are about a student of another feed.
    pub(crate) fn claimed_student(&self) -> Option<&str> {
        match &self.body {
            Body::School { .. } | Body::Student { .. } => None,
            Body::Enrollment { student_id, .. } | Body::Attendance { student_id, .. } => Some(student_id),
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

    /// The ledger key: rows of one student stand together.
    pub(crate) fn ledger_key(&self, scratch: &mut String) -> [u8; 16] {
        scratch.clear();
        self.push_natural_key(scratch);
        let group = match &self.body {
            Body::School { id, .. } | Body::Student { id, .. } => id,
            Body::Enrollment { student_id, .. } | Body::Attendance { student_id, .. } => student_id,
        };
        let mut key = [0; 16];
        key[..8].copy_from_slice(&xxh3_64(group.as_bytes()).to_be_bytes());
        key[8..].copy_from_slice(&xxh3_64(scratch.as_bytes()).to_be_bytes());
        key
    }

    /// The natural key in its feed and school year.
    pub(crate) fn natural_key(&self, school_year: u16) -> String {
        let mut key = format!("{school_year}|");
        self.push_natural_key(&mut key);
        key
    }

    fn push_natural_key(&self, to: &mut String) {
        match &self.body {
            Body::School { id, .. } | Body::Student { id, .. } => to.push_str(id),
            Body::Enrollment { key: Some(key), .. } => to.push_str(key),
            Body::Enrollment { student_id, school, entry, .. } => {
                push_part(to, student_id);
                to.push('|');
                push_part(to, school);
                push_day(to, *entry);
            }
            Body::Attendance { student_id, school, date, .. } => {
                push_part(to, student_id);
                to.push('|');
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
            Body::Attendance { school, date, category, source_code, .. } => {
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
    use std::fmt::Write as _;
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
        Record::Enrollment { key, student: student_id, school: claimed, entry, exit, grade } => {
            Body::Enrollment {
                key,
                student_id,
                school: school.unwrap_or(claimed),
                entry: entry.into(),
                exit: exit.map(Into::into),
                grade,
            }
        }
        Record::Attendance { student: student_id, school: claimed, date, category, source_code } => {
            Body::Attendance {
                student_id,
                school: school.or(claimed).unwrap_or_default(),
                date: date.into(),
                category,
                source_code,
            }
        }
    };
    Row { student: student.map(|key| *key.as_uuid()), body }
}
