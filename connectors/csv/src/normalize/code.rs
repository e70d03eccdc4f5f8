//! Codes of a column of words, and what they mean.

use std::borrow::Cow;

use signalbox_connector::delimited::{Row, is_blank};
use signalbox_connector::draft::{shape_of, value_class};
use signalbox_connector::event::rows::Cell;
use signalbox_connector::{Reject, RejectCode};

use super::field::Field;

/// A code up to this long stands in its reject as it is: it is a code, not prose about a student.
const MAX_CODE_CHARS: usize = 12;

/// What the row writes for a word; several columns joined.
pub(super) struct Code<'r> {
    text: Cow<'r, str>,
    is_blank: bool,
}

impl<'r> Code<'r> {
    /// The code as the file has it, if there is one.
    #[inline]
    pub(super) fn written(self) -> Option<Cow<'r, str>> {
        (!self.is_blank).then_some(self.text)
    }
}

impl Field<'_> {
    /// The word that the code means.
    #[inline]
    pub(super) fn word<'r>(&self, row: &Row<'r>, words: &[&str]) -> Result<Cell<'r>, Reject> {
        let (code, meanings) = (self.code(row)?, &self.table.meanings);
        match meanings.of(&code.text) {
            Some(word) => Ok(Cell::Word(Some(word), code.written())),
            None if !code.is_blank => Err(self.unmapped(row, &code.text, words)),
            None if meanings.blank.is_some() => Ok(Cell::Word(meanings.blank, None)),
            None => self.value(row, None).map_err(|missing| self.or_say_what_blank_means(missing)),
        }
    }

    #[inline]
    pub(super) fn code<'r>(&self, row: &Row<'r>) -> Result<Code<'r>, Reject> {
        if self.joined.is_empty() {
            let text = row.line_of(self.column)?;
            return Ok(Code { is_blank: is_blank(&text), text });
        }
        let cells = self.joined.iter().map(|column| row.line_of(*column));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let is_blank = cells.iter().all(|cell| is_blank(cell));
        Ok(Code { is_blank, text: Cow::Owned(cells.join("|")) })
    }

    #[cold]
    fn or_say_what_blank_means(&self, mut missing: Reject) -> Reject {
        let Reject { help, .. } = &mut missing;
        *help = format!("{help}; or say under codes.{} of this feed what blank means", self.name());
        missing
    }

    #[cold]
    fn unmapped(&self, row: &Row<'_>, code: &str, words: &[&str]) -> Reject {
        let (shown, which) = if is_plain(code) {
            (code.to_owned(), format!("\"{code}\""))
        } else {
            let class = value_class(code);
            let which = format!("what \"{}\" says where it is {}", row.name(self.column), shape_of(&class));
            (class, which)
        };
        let (name, words) = (self.name(), words.join(", "));
        let help = format!("Map {which} under codes.{name} of this feed, as one of {words}");
        let mut reject = row.reject(self.column, RejectCode::UnmappedCode, code, help);
        reject.value_class = shown;
        reject
    }
}

fn is_plain(code: &str) -> bool {
    code.len() <= MAX_CODE_CHARS
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'|'))
}
