//! What normalising a payload yields: drafts and rejects.
//!
//! A draft is a row in the hub's vocabulary with the ids its tool *claims*; only the runtime, which knows the
//! roster, makes an event of it. Drafts borrow from the row in hand: nothing holds a file in memory.

mod mark;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use signalbox_event::Status;
use signalbox_event::data::AttendanceCategory;

pub use self::mark::{is_own_mark, mark_of};

/// What a row is about. The numbers stand in stores and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Entity {
    School = 1,
    Student = 2,
    Enrollment = 3,
    Attendance = 4,
}

impl Entity {
    pub const ALL: [Self; 4] = [Self::School, Self::Student, Self::Enrollment, Self::Attendance];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::School => "reference.school",
            Self::Student => "roster.student",
            Self::Enrollment => "roster.enrollment",
            Self::Attendance => "attendance.daily",
        }
    }

    /// Whether its feed is read before the others in a pass.
    pub const fn is_roster(self) -> bool {
        !matches!(self, Self::Attendance)
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no entity.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is no entity that a feed can carry")]
pub struct UnknownEntity(pub String);

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.as_str() == text)
            .ok_or_else(|| UnknownEntity(text.to_owned()))
    }
}

/// One thing that `normalize` found.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'a> {
    Draft(Draft<'a>),
    Reject(Reject),
}

impl Item<'_> {
    /// The same, free of the row it was read from.
    pub fn into_owned(self) -> Item<'static> {
        match self {
            Self::Draft(draft) => Item::Draft(Draft {
                file: draft.file,
                row: draft.row,
                status: draft.status,
                record: draft.record.into_owned(),
                fault: draft.fault,
                left_out: draft.left_out,
            }),
            Self::Reject(reject) => Item::Reject(reject),
        }
    }
}

/// A row in the hub's vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<'a> {
    /// The file inside the payload, where a payload has several (`users.csv`).
    pub file: Option<&'static str>,
    /// The line where the record starts (header = 1).
    pub row: u64,
    /// `ToBeDeleted` for a delta row that ends its record.
    pub status: Status,
    pub record: Record<'a>,
    /// Why the row counts as a reject though student and day can be read: a code without a meaning, or blank, or not
    /// text; a school that cannot be used. Its day goes out as `unknown`.
    pub fault: Option<Reject>,
    /// What could not be used in columns that are not required: those values are left out, the row is used.
    pub left_out: Vec<LeftOut>,
}

/// A value that could not be used, of a column that is not required.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    pub field: Field,
    pub why: Reject,
}

/// Which value of a record: of an enrolment, what was said of it before stands on while it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Exit,
    Grade,
    /// What says only how a person or a school is called and found.
    Name,
}

/// What the row says. Ids are as the tool writes them.
#[derive(Debug, Clone, PartialEq)]
pub enum Record<'a> {
    School {
        id: Cow<'a, str>,
        identifier: Option<Cow<'a, str>>,
        name: Option<Cow<'a, str>>,
    },
    Student {
        id: Cow<'a, str>,
        /// Further ids: (type, value).
        ids: Vec<(Cow<'a, str>, Cow<'a, str>)>,
        given_name: Option<Cow<'a, str>>,
        family_name: Option<Cow<'a, str>>,
        birth_date: Option<Date>,
    },
    Enrollment {
        /// The row's own key in its feed (OneRoster `sourcedId`); without one, student, school and entry are the key.
        key: Option<Cow<'a, str>>,
        student: Cow<'a, str>,
        school: Cow<'a, str>,
        entry: Date,
        /// Last day enrolled, itself included. The day before `entry` where there was none: the student never came.
        exit: Option<Date>,
        grade: Option<Cow<'a, str>>,
    },
    Attendance {
        student: Cow<'a, str>,
        /// `None`: it could not be read, which is the draft's fault.
        school: Option<Cow<'a, str>>,
        date: Date,
        category: AttendanceCategory,
        source_code: Option<Cow<'a, str>>,
    },
}

impl Record<'_> {
    /// The same, free of the row it was read from.
    pub fn into_owned(self) -> Record<'static> {
        match self {
            Self::School { id, identifier, name } => {
                Record::School { id: owned(id), identifier: identifier.map(owned), name: name.map(owned) }
            }
            Self::Student { id, ids, given_name, family_name, birth_date } => Record::Student {
                id: owned(id),
                ids: ids.into_iter().map(|(kind, value)| (owned(kind), owned(value))).collect(),
                given_name: given_name.map(owned),
                family_name: family_name.map(owned),
                birth_date,
            },
            Self::Enrollment { key, student, school, entry, exit, grade } => Record::Enrollment {
                key: key.map(owned),
                student: owned(student),
                school: owned(school),
                entry,
                exit,
                grade: grade.map(owned),
            },
            Self::Attendance { student, school, date, category, source_code } => Record::Attendance {
                student: owned(student),
                school: school.map(owned),
                date,
                category,
                source_code: source_code.map(owned),
            },
        }
    }

    pub const fn entity(&self) -> Entity {
        match self {
            Self::School { .. } => Entity::School,
            Self::Student { .. } => Entity::Student,
            Self::Enrollment { .. } => Entity::Enrollment,
            Self::Attendance { .. } => Entity::Attendance,
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

/// A row (or file) that cannot be used, why, and the mend. Carries no value of the row but an unmapped code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub file: Option<&'static str>,
    /// The line where the record starts (header = 1); `None` when the whole file is meant.
    pub row: Option<u64>,
    /// The column's name in the header.
    pub column: Option<String>,
    pub code: RejectCode,
    /// The value's shape (`"99/99/9999"`, `"blank"`), or an unmapped code itself.
    pub value_class: String,
    /// What to do about it, in plain words.
    pub help: String,
    /// Whom and when the row speaks of, as far as that can be read.
    pub claims: Claims,
    /// Tells the row from others that speak of the same: [`mark_of`] the value at fault, 0 where there is none. Used while the
    /// payload is read.
    pub mark: u32,
}

/// What can still be read of a row that cannot be used: it may be the very row that seems to be missing. Used while its
/// payload is read, and never stored or shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The student's id as the row writes it.
    pub student: Option<Box<str>>,
    /// The school's id as the row writes it.
    pub school: Option<Box<str>>,
    /// The day of attendance.
    pub date: Option<Date>,
}

/// Says what can be read, not what it says.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("student", &self.student.is_some())
            .field("school", &self.school.is_some())
            .field("date", &self.date.is_some())
            .finish()
    }
}

impl Reject {
    /// The same, with whom and when the row speaks of.
    #[must_use]
    pub fn claiming(mut self, claims: Claims) -> Self {
        self.claims = claims;
        self
    }
}

/// A value that is not required: where it cannot be read it is left out, and `left_out` says why.
#[inline]
pub fn kept<T>(value: Result<Option<T>, Reject>, field: Field, left_out: &mut Vec<LeftOut>) -> Option<T> {
    value.unwrap_or_else(|why| {
        left_out.push(LeftOut { field, why });
        None
    })
}

/// Types of ids that the hub gives itself: no row may claim that one of its further ids is of such a type.
pub const RESERVED_ID_TYPES: [&str; 2] = ["sourcedId", "identifier"];

/// Whether a type of id is the hub's own, however it is written.
pub fn is_reserved_id_type(name: &str) -> bool {
    RESERVED_ID_TYPES.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

macro_rules! reject_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $plain:literal;)*) => {
        /// The kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RejectCode { $($(#[$doc])* $variant,)* }

        impl RejectCode {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable word for scripts.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The fault in plain words.
            pub const fn plain(self) -> &'static str {
                match self { $(Self::$variant => $plain,)* }
            }
        }
    };
}

reject_codes! {
    MissingValue = "missing_value", "a required value is blank";
    InvalidDate = "invalid_date", "not a date in the declared format";
    InvalidId = "invalid_id", "not a usable id";
    InvalidEnum = "invalid_enum", "not one of the words the standard allows";
    UnmappedCode = "unmapped_code", "a code without a meaning yet";
    OutsideYears = "outside_years", "a day in no school year that is configured";
    UnknownSchool = "unknown_school", "a school that no roster row names";
    UnknownReference = "unknown_reference", "points to a row that is not there";
    DeletedReference = "deleted_reference", "points to a row that is marked tobedeleted";
    ConflictingRows = "conflicting_rows", "rows of one key that disagree";
    WrongFieldCount = "wrong_field_count", "more or fewer fields than the header";
    InvalidEncoding = "invalid_encoding", "bytes that are not text in the declared encoding";
    InvalidText = "invalid_text", "characters that cannot be printed";
    InvalidRange = "invalid_range", "ends before it begins";
    MissingColumn = "missing_column", "a mapped column is not in the header";
    MissingFile = "missing_file", "a required file is not in the package";
    UnreadableFile = "unreadable_file", "cannot be read as what it claims to be";
    UnsafeArchive = "unsafe_archive", "an archive that is not safe to open";
    FailedTooOften = "failed_too_often", "a file at which the hub failed whatever it tried";
    TooLarge = "too_large", "larger than allowed";
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The shape of a value: digits become 9, letters A, at most 16 characters. Says what is wrong with a value without
/// saying the value.
pub fn value_class(value: &str) -> String {
    if value.trim().is_empty() {
        return "blank".to_owned();
    }
    let mut class: String = value
        .chars()
        .take(16)
        .map(|c| match c {
            '0'..='9' => '9',
            c if c.is_alphabetic() => 'A',
            c if c.is_control() => '?',
            c => c,
        })
        .collect();
    if value.chars().nth(16).is_some() {
        class.push('…');
    }
    class
}
