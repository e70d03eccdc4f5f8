//! Rows, one file per entity: one shape for what a connector drafts and the ledger keeps, and the event that is made of it.
//!
//! A row says nothing of whose it is: the ids that its tool writes are *claims*, which stand beside it. Rows borrow from the
//! text that they are read from.

#[macro_use]
mod words;

mod cells;
mod column;
mod day;
mod key;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use self::cells::{COLUMNS_AT_MOST, Cell, Cells};
pub use self::column::{Column, Holds, Kept, Lacks, Unread};
pub use self::day::Day;
pub use self::key::{push_day, push_part};
use crate::data::{Data, Status};
use crate::kind::{Domain, Kind};

/// A row of one entity.
pub trait Row<'a>: Sized {
    /// What its rows are to those of other entities.
    const ROLE: Role;

    /// What tells one row from another, for people.
    const KEY: &'static str;

    /// What a feed of mapped columns maps; empty: no such feed has it.
    const COLUMNS: &'static [Column] = &[];

    /// What becomes of rows of one key that disagree, as a sentence for people.
    const WHILE_DISPUTED: &'static str = "What was known stands until the source says one thing; of what is new the row \
                                          that lasts longer is used.";

    /// Says what the cells of a mapped row say, in the order of [`COLUMNS`](Self::COLUMNS), and takes their values out: the row
    /// itself comes last, after what else it is that there is. Cells of what rejects a row are there.
    fn of_cells(_cells: &mut Cells<'a>, _say: &mut dyn FnMut(Body<'a>)) {}

    /// Which days it speaks of.
    fn stands(&self) -> Stands;

    /// The first id of the school that it belongs to; blank where the row's school cannot be used.
    fn school(&self) -> Option<&str> {
        None
    }

    /// Takes in the school's first id.
    fn set_school(&mut self, _first_id: Cow<'a, str>) {}

    /// The term that it belongs to: a file speaks for those that it has rows of.
    fn term(&self) -> Option<&str> {
        None
    }

    /// Writes what tells the row from others of its student, or of the district.
    fn push_key(&self, to: &mut String);

    /// What is known where rows of one key disagree; `None`: what was known before.
    fn disputed(self) -> Option<Self> {
        None
    }

    /// Whether it may lack what no column says: then what stood before is always asked for.
    const MAY_LACK: bool = false;

    /// Takes over from the row that stood before what this one lacks. `false`: nothing.
    fn complete(&mut self, _before: Self, _lacks: Lacks) -> bool {
        false
    }

    /// Writes the key of the row of the same student whose place it takes: that one ends by being gone. `false`: of none.
    fn push_replaced(&self, _to: &mut String) -> bool {
        false
    }

    /// What the event says.
    fn data(&self, status: Status, of: Subject<'_>) -> Data;
}

/// What the rows of an entity are to those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// They say whom or what there is, and by which ids it is known.
    Identity,
    /// They say where a student is when.
    Enrollment,
    /// They say something of a student.
    Fact,
}

/// Which days a row speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// No day in particular.
    Throughout,
    /// This day and those after it.
    From(Date),
    /// This school day alone.
    On(Date),
    /// It happened on this day, whether school was held or not.
    At(Date),
    /// It stood so by this day.
    By(Date),
}

/// Whose row it is, as events name students.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The student's first id in the roster of record; blank of a row about no student.
    pub first_id: &'a str,
    /// The name of the roster of record.
    pub id_system: &'a str,
}

macro_rules! rows {
    ([$($(#[doc = $doc:literal])+ $module:ident: $variant:ident, $kind:ident($row:ident, $data:ident) = $number:literal, $name:literal,
        $domain:ident, $class:ident;)*]) => {
        $(mod $module;)*
        $(pub use self::$module::*;)*

        /// What a row is about. The numbers stand in stores and are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Entity { $($(#[doc = $doc])+ $variant = $number,)* }

        impl Entity {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// See [`Row::ROLE`].
            pub const fn role(self) -> Role {
                match self { $(Self::$variant => $row::ROLE,)* }
            }

            /// The kind of its events.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// See [`Row::COLUMNS`].
            pub const fn columns(self) -> &'static [Column] {
                match self { $(Self::$variant => $row::COLUMNS,)* }
            }

            /// See [`Row::KEY`].
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $row::KEY,)* }
            }

            /// See [`Row::WHILE_DISPUTED`].
            pub const fn while_disputed(self) -> &'static str {
                match self { $(Self::$variant => $row::WHILE_DISPUTED,)* }
            }

            /// See [`Row::MAY_LACK`].
            pub const fn may_lack(self) -> bool {
                match self { $(Self::$variant => $row::MAY_LACK,)* }
            }

            /// See [`Row::of_cells`].
            #[inline]
            pub fn of_cells<'a>(self, cells: &mut Cells<'a>, say: &mut dyn FnMut(Body<'a>)) {
                match self { $(Self::$variant => $row::of_cells(cells, say),)* }
            }

            /// What a row is about, in plain words.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)* }
            }
        }

        /// A row of any entity. The order of the variants stands in stores.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Body<'a> { $($variant(#[serde(borrow)] $row<'a>),)* }

        impl<'a> Body<'a> {
            pub const fn entity(&self) -> Entity {
                match self { $(Self::$variant(_) => Entity::$variant,)* }
            }

            /// The same, free of the text that it was read from.
            pub fn into_owned(self) -> Body<'static> {
                match self { $(Self::$variant(row) => Body::$variant(row.into_owned()),)* }
            }

            /// See [`Row::stands`].
            pub fn stands(&self) -> Stands {
                match self { $(Self::$variant(row) => row.stands(),)* }
            }

            /// See [`Row::school`].
            pub fn school(&self) -> Option<&str> {
                match self { $(Self::$variant(row) => row.school(),)* }
            }

            /// See [`Row::set_school`].
            pub fn set_school(&mut self, first_id: Cow<'a, str>) {
                match self { $(Self::$variant(row) => row.set_school(first_id),)* }
            }

            /// See [`Row::term`].
            pub fn term(&self) -> Option<&str> {
                match self { $(Self::$variant(row) => row.term(),)* }
            }

            /// See [`Row::push_key`].
            pub fn push_key(&self, to: &mut String) {
                match self { $(Self::$variant(row) => row.push_key(to),)* }
            }

            /// See [`Row::disputed`].
            pub fn disputed(self) -> Option<Self> {
                match self { $(Self::$variant(row) => row.disputed().map(Self::$variant),)* }
            }

            /// See [`Row::complete`].
            pub fn complete(&mut self, before: Self, lacks: Lacks) -> bool {
                match (self, before) {
                    $((Self::$variant(row), Self::$variant(before)) => row.complete(before, lacks),)*
                    _ => false,
                }
            }

            /// See [`Row::push_replaced`].
            pub fn push_replaced(&self, to: &mut String) -> bool {
                match self { $(Self::$variant(row) => row.push_replaced(to),)* }
            }

            /// See [`Row::data`].
            pub fn data(&self, status: Status, of: Subject<'_>) -> Data {
                match self { $(Self::$variant(row) => row.data(status, of),)* }
            }
        }

        $(impl<'a> From<$row<'a>> for Body<'a> {
            fn from(row: $row<'a>) -> Self {
                Self::$variant(row)
            }
        })*
    };
}

entities!(rows! {});

impl Body<'_> {
    /// The day that extents are judged by.
    pub fn date(&self) -> Option<Date> {
        match self.stands() {
            Stands::From(date) | Stands::On(date) | Stands::At(date) => Some(date),
            Stands::Throughout | Stands::By(_) => None,
        }
    }
}

impl Entity {
    /// Whether its feeds are read before the others in a pass.
    pub const fn is_roster(self) -> bool {
        !matches!(self.role(), Role::Fact)
    }

    /// Whether its rows say whom or what there is.
    pub const fn names_identity(self) -> bool {
        matches!(self.role(), Role::Identity)
    }

    /// Whose topic its events are on.
    pub const fn domain(self) -> Domain {
        self.kind().domain()
    }

    /// The topics that a feed's run may end on: a roster's are on one, schools beside it end with it.
    pub fn feed_domains() -> BTreeSet<Domain> {
        Self::ALL
            .iter()
            .map(|entity| if entity.is_roster() { Domain::Roster } else { entity.domain() })
            .collect()
    }

    /// Those that a feed of mapped columns can have.
    pub fn mapped() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|entity| !entity.columns().is_empty())
    }

    /// Its column of this name.
    pub fn column(self, name: &str) -> Option<&'static Column> {
        self.columns().iter().find(|column| column.name == name)
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
        let known = Self::ALL.iter().copied().find(|entity| entity.as_str() == text);
        known.ok_or_else(|| UnknownEntity(text.to_owned()))
    }
}

/// Text that a row owns.
type Text<'a> = Cow<'a, str>;

fn owned(text: Text<'_>) -> Text<'static> {
    Cow::Owned(text.into_owned())
}

fn string(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| text.clone().into_owned())
}
