//! What normalising a payload yields: drafts and rejects.
//!
//! A draft is a row in the hub's vocabulary with the ids its tool *claims*; only the runtime, which knows the
//! roster, makes an event of it. Drafts borrow from the row in hand: nothing holds a file in memory.

mod mark;

use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
use signalbox_event::rows::Kept;
pub use signalbox_event::rows::{Entity, UnknownEntity};
use signalbox_event::{Body, Status};

pub use self::mark::{is_own_mark, mark_of};

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
                claims: draft.claims.into_owned(),
                body: draft.body.into_owned(),
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
    /// Of a row about a student, whose it is.
    pub claims: Claims<'a>,
    /// What the row says. Its school is filled in when the one it claims is found.
    pub body: Body<'a>,
    /// Why the row counts as a reject though student and day can be read: a code without a meaning, or blank, or not
    /// text; a school that cannot be used. Its day goes out as `unknown`.
    pub fault: Option<Box<Reject>>,
    /// What could not be used in columns that are not required: those values are left out, the row is used.
    pub left_out: Vec<LeftOut>,
}

/// A value that could not be used, of a column that is not required.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// What was said of it before stands on, where it is such a value.
    pub kept: Option<Kept>,
    pub why: Reject,
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
    /// The value's shape (`"99/99/9999"`, `"blank"`), or an unmapped code itself; [`shown_class`] says which.
    pub value_class: String,
    /// What to do about it, in plain words.
    pub help: String,
    /// Whom and when the row speaks of, as far as that can be read: it may be the very row that seems to be missing. Used
    /// while its payload is read, and never stored or shown.
    pub claims: Box<Claims<'static>>,
    /// Tells the row from others that speak of the same: [`mark_of`] the value at fault, 0 where there is none. Used while the
    /// payload is read.
    pub mark: u32,
}

/// Whom and when a row speaks of, as its tool writes it. An id may be somebody else's by tomorrow: it is no part of what the
/// row says, and never stored but beside a row that waits.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Claims<'a> {
    pub student: Option<Cow<'a, str>>,
    /// `None`: it could not be read, or the row names none.
    pub school: Option<Cow<'a, str>>,
    /// The day of attendance.
    pub date: Option<Date>,
}

impl Claims<'_> {
    /// The same, free of the row it was read from.
    pub fn into_owned(self) -> Claims<'static> {
        let owned = |id: Cow<'_, str>| Cow::Owned(id.into_owned());
        Claims { student: self.student.map(owned), school: self.school.map(owned), date: self.date }
    }
}

/// Says what can be read, not what it says.
impl fmt::Debug for Claims<'_> {
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
    pub fn claiming(mut self, claims: Claims<'_>) -> Self {
        *self.claims = claims.into_owned();
        self
    }
}

/// A value that is not required: where it cannot be read it is left out, and `left_out` says why.
#[inline]
pub fn or_left_out<T>(
    value: Result<Option<T>, Reject>,
    kept: Option<Kept>,
    left_out: &mut Vec<LeftOut>,
) -> Option<T> {
    value.unwrap_or_else(|why| {
        left_out.push(LeftOut { kept, why });
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
    InvalidGrade = "invalid_grade", "neither a number from 0 to 200 nor a letter";
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

/// A [`Reject::value_class`] for people: a shape looks like a value, so it is said to be a shape. `code`: the reject's.
pub fn shown_class(code: &str, class: &str) -> String {
    let may_stand_in_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '|');
    let is_code = code == RejectCode::UnmappedCode.as_str() && class.chars().all(may_stand_in_code);
    if is_code && !class.is_empty() {
        return format!("\"{class}\"");
    }
    // Words of the hub's own have small letters, which no shape has.
    let is_word = class.is_empty() || class.contains(char::is_lowercase);
    if is_word { class.to_owned() } else { shape_of(class) }
}

/// A shape, said to be one.
pub fn shape_of(class: &str) -> String {
    format!("of the shape \"{class}\" (9 is any digit, A any letter)")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_said_to_be_one_and_nothing_else_is() {
        for (code, class, shown) in [
            ("invalid_grade", "999", "of the shape \"999\" (9 is any digit, A any letter)"),
            ("invalid_grade", "9A9", "of the shape \"9A9\" (9 is any digit, A any letter)"),
            ("unknown_school", "AAA", "of the shape \"AAA\" (9 is any digit, A any letter)"),
            ("invalid_text", "????", "of the shape \"????\" (9 is any digit, A any letter)"),
            ("unmapped_code", "AAAA AA", "of the shape \"AAAA AA\" (9 is any digit, A any letter)"),
            ("unmapped_code", "VIR", "\"VIR\""),
            ("unmapped_code", "late", "\"late\""),
            ("missing_value", "blank", "blank"),
            ("too_large", "over 65536 bytes", "over 65536 bytes"),
            ("conflicting_rows", "the same key", "the same key"),
            ("unusable", "", ""),
        ] {
            assert_eq!(shown_class(code, class), shown, "{code} {class}");
        }
        assert_eq!(value_class("Ärger 7"), "AAAAA 9");
    }
}
