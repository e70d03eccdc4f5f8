//! The values of a row of a feed of mapped columns.

use jiff::civil::Date;

use super::Text;

/// The most columns that an entity has.
pub const COLUMNS_AT_MOST: usize = 12;

/// The values of one row, in the order of its entity's columns.
pub type Cells<'a> = [Cell<'a>; COLUMNS_AT_MOST];

/// One value, as its column holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Cell<'a> {
    /// There is none, or the column is not mapped.
    #[default]
    Blank,
    /// What it is cannot be read, or is not to be believed.
    Unread,
    Text(Text<'a>),
    Date(Date),
    /// Which of its column's words it is, and the code as the file has it; `None`: it is not known which.
    Word(Option<usize>, Option<Text<'a>>),
}

impl<'a> Cell<'a> {
    /// Takes the text out.
    #[inline]
    pub fn text(&mut self) -> Option<Text<'a>> {
        match std::mem::take(self) {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    #[inline]
    pub fn date(&self) -> Option<Date> {
        match self {
            Self::Date(date) => Some(*date),
            _ => None,
        }
    }

    /// The word that it is, of `all` in the order of its column's.
    #[inline]
    pub fn word<T: Copy>(&self, all: &[T]) -> Option<T> {
        match self {
            Self::Word(Some(at), _) => all.get(*at).copied(),
            _ => None,
        }
    }

    /// Takes the code out, as the file has it.
    #[inline]
    pub fn code(&mut self) -> Option<Text<'a>> {
        match std::mem::take(self) {
            Self::Word(_, code) => code,
            _ => None,
        }
    }
}
