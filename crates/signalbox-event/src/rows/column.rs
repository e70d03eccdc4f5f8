//! The columns of an entity: what a feed maps, and what people read about it.

/// A column that a feed maps to one of its file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its key under `columns`.
    pub name: &'static str,
    /// What it holds, as a sentence without its end.
    pub about: &'static str,
    pub holds: Holds,
    /// Whether a feed has to map it, and a row has to have a value.
    pub required: bool,
    /// What becomes of a row whose value cannot be read, or is missing though required.
    pub unread: Unread,
    /// The name of the date that this one may not lie before.
    pub not_before: Option<&'static str>,
}

/// What becomes of a row of which a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is none: whose it is, or which, is not known.
    Rejects,
    /// It counts as a reject, and goes out as one of which that is not known.
    Disputes,
    /// The value is left out.
    LeftOut,
    /// The value is left out, and what the row said of it before stands on.
    Kept(Kept),
}

/// A column whose earlier word stands on while today's cannot be read: which of those of its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept(u8);

impl Kept {
    pub const FIRST: Self = Self(0);
    pub const SECOND: Self = Self(1);
    /// An entity has so many at most.
    pub const AT_MOST: u8 = 2;

    pub const fn place(self) -> u8 {
        self.0
    }
}

/// What a row lacks that it may have said before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lacks {
    /// By [`Kept::place`], what could not be read.
    pub unread: [bool; Kept::AT_MOST as usize],
    /// The day that it happened on has not come: a slip of the pen.
    pub is_ahead: bool,
}

impl Lacks {
    pub const fn has_unread(&self, kept: Kept) -> bool {
        self.unread[kept.0 as usize]
    }
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The id of the student, as the tool writes it.
    Student,
    /// The id of the school, as the tool writes it.
    School,
    /// An id of the tool's own: of a class, of an incident.
    Id,
    /// The one day that the row is about.
    Day,
    Date,
    /// A date that some rows lack; a feed may have words for that.
    DateOrNone,
    /// A last day, itself included, that some rows lack. A feed may write the first day out instead.
    LastDay,
    /// Text on one line.
    Text,
    /// A grade: a number, or a letter.
    Grade,
    /// One of these words, as it stands or as codes of the file are mapped to it. Several of its columns may be joined.
    Word(&'static [&'static str]),
    /// A code of the file, mapped to one of these words: no code says by itself what it means.
    Code(&'static [&'static str]),
}

impl Column {
    /// One that a row is none without.
    pub(super) const fn key(name: &'static str, holds: Holds, about: &'static str) -> Self {
        Self { name, about, holds, required: true, unread: Unread::Rejects, not_before: None }
    }

    /// One without whose value the row says nothing that could be believed.
    pub(super) const fn required(name: &'static str, holds: Holds, about: &'static str) -> Self {
        Self { unread: Unread::Disputes, ..Self::key(name, holds, about) }
    }

    pub(super) const fn optional(name: &'static str, holds: Holds, about: &'static str) -> Self {
        Self { required: false, unread: Unread::LeftOut, ..Self::key(name, holds, about) }
    }

    /// The same, as one of which the earlier word stands on.
    pub(super) const fn kept(self, kept: Kept) -> Self {
        Self { unread: Unread::Kept(kept), ..self }
    }

    /// The same, as one that some rows lack, and that disputes a row where it cannot be read.
    pub(super) const fn or_blank(self) -> Self {
        Self { required: false, unread: Unread::Disputes, ..self }
    }

    pub(super) const fn not_before(self, name: &'static str) -> Self {
        Self { not_before: Some(name), ..self }
    }
}

impl Holds {
    pub const fn is_date(self) -> bool {
        matches!(self, Self::Day | Self::Date | Self::DateOrNone | Self::LastDay)
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
            Self::Id => "id, as the tool has it",
            Self::Day | Self::Date => "date",
            Self::DateOrNone => "date, or none",
            Self::LastDay => "last day, or none",
            Self::Text => "text",
            Self::Grade => "number from 0 to 200, or a letter; blank: none yet",
            Self::Word(_) | Self::Code(_) => "code, mapped to one of the hub's words",
        }
    }
}
