//! The columns of an entity: what a feed maps, and what people read about it.

/// A column that a feed maps to one of its file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its key under `columns`.
    pub name: &'static str,
    /// What it holds, as a sentence without its end.
    pub about: &'static str,
    pub holds: Holds,
    /// Whether a feed has to map it, and a row is none without it.
    pub required: bool,
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The id of the student, as the tool writes it.
    Student,
    /// The id of the school, as the tool writes it.
    School,
    Date,
    /// A date that some rows lack; a feed may have words for that.
    DateOrNone,
    /// A last day, itself included, that some rows lack. A feed may write the first day out instead.
    LastDay,
    /// Text on one line.
    Text,
    /// One of these words, to which the codes of the file are mapped. Several of its columns may be joined.
    Word(&'static [&'static str]),
}

impl Column {
    pub(super) const fn required(name: &'static str, holds: Holds, about: &'static str) -> Self {
        Self { name, about, holds, required: true }
    }

    pub(super) const fn optional(name: &'static str, holds: Holds, about: &'static str) -> Self {
        Self { name, about, holds, required: false }
    }
}

impl Holds {
    pub const fn is_date(self) -> bool {
        matches!(self, Self::Date | Self::DateOrNone | Self::LastDay)
    }

    /// Whether rows may lack it, and words may say so.
    pub const fn may_lack(self) -> bool {
        matches!(self, Self::DateOrNone | Self::LastDay)
    }

    /// What it is, for people.
    pub const fn plain(self) -> &'static str {
        match self {
            Self::Student => "id of a student",
            Self::School => "id of a school",
            Self::Date => "date",
            Self::DateOrNone => "date, or none",
            Self::LastDay => "last day, or none",
            Self::Text => "text",
            Self::Word(_) => "code, mapped to one of the hub's words",
        }
    }
}
