//! The values of one row, and what is wrong with them.

use std::borrow::Cow;

use jiff::civil::Date;

use super::{Column, DateFormat, Header};
use crate::draft::{Claims, Reject, RejectCode, mark_of, value_class};

/// The longest id that is taken, in bytes (OneRoster's GUIDs have at most 255 characters).
const MAX_ID_BYTES: usize = 255;

/// The longest value of any other kind, in bytes: room for a list of ids.
pub const MAX_TEXT_BYTES: usize = 4_096;

/// One row: a field for each name of the header; the rest is blank.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    pub(super) file: Option<&'static str>,
    pub(super) line: u64,
    pub(super) header: &'r Header,
    pub(super) bytes: &'r [u8],
    /// `bytes` as text, when all of them are.
    pub(super) text: Option<&'r str>,
    pub(super) ends: &'r [usize],
    pub(super) transcoded: bool,
}

/// A row that cannot be told into its columns.
#[derive(Debug)]
pub struct Misread<'r> {
    pub reject: Reject,
    /// What stands where it should, before the row breaks off: nothing else of it is to be believed.
    pub parts: Option<Row<'r>>,
}

impl From<Reject> for Misread<'_> {
    fn from(reject: Reject) -> Self {
        Self { reject, parts: None }
    }
}

impl<'r> Misread<'r> {
    /// Why it cannot be used, with whom and when it speaks of as far as that can be read.
    pub fn claiming(self, claims: impl FnOnce(&Row<'r>) -> Claims<'r>) -> Reject {
        match &self.parts {
            Some(parts) => self.reject.claiming(claims(parts)),
            None => self.reject,
        }
    }
}

impl<'r> Row<'r> {
    /// The line where the row starts; the header's is 1 when nothing stands before it.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The value without the blanks around it, at most [`MAX_TEXT_BYTES`]; empty when there is none.
    #[inline]
    pub fn text(&self, column: Column) -> Result<&'r str, Reject> {
        let range = self.range(column);
        let text = match self.text {
            Some(text) => text.get(range),
            None => std::str::from_utf8(&self.bytes[range]).ok(),
        };
        match text {
            Some(text) if text.len() > MAX_TEXT_BYTES => Err(self.too_long(column)),
            Some(text) if !(self.transcoded && text.contains('\u{FFFD}')) => Ok(trim(text)),
            _ => Err(self.not_text(column)),
        }
    }

    /// The value; a blank one, or a database's `NULL`, is a fault.
    #[inline]
    pub fn required(&self, column: Column) -> Result<&'r str, Reject> {
        let text = self.text(column)?;
        if is_blank(text) {
            return Err(self.missing(column));
        }
        Ok(text)
    }

    /// The value, if there is one. The text `NULL` or `null`, as databases export it, is none.
    #[inline]
    pub fn optional(&self, column: Option<Column>) -> Result<Option<&'r str>, Reject> {
        let Some(column) = column else { return Ok(None) };
        let text = self.text(column)?;
        Ok((!is_blank(text)).then_some(text))
    }

    /// The value on one line: line breaks and tabs are a space, another control character is a fault.
    #[inline]
    pub fn line_of(&self, column: Column) -> Result<Cow<'r, str>, Reject> {
        let text = self.text(column)?;
        on_one_line(text).ok_or_else(|| self.not_printable(column, text))
    }

    /// The value on one line, if there is one.
    #[inline]
    pub fn optional_line(&self, column: Option<Column>) -> Result<Option<Cow<'r, str>>, Reject> {
        let (Some(column), Some(text)) = (column, self.optional(column)?) else { return Ok(None) };
        on_one_line(text).map(Some).ok_or_else(|| self.not_printable(column, text))
    }

    /// A required id: at most 255 bytes, none of them a control character.
    #[inline]
    pub fn id(&self, column: Column) -> Result<&'r str, Reject> {
        let id = self.required(column)?;
        if is_id(id) { Ok(id) } else { Err(self.invalid_id(column, id)) }
    }

    /// An id, if there is one.
    #[inline]
    pub fn optional_id(&self, column: Option<Column>) -> Result<Option<&'r str>, Reject> {
        let (Some(column), Some(id)) = (column, self.optional(column)?) else { return Ok(None) };
        if is_id(id) { Ok(Some(id)) } else { Err(self.invalid_id(column, id)) }
    }

    /// A required date.
    #[inline]
    pub fn date(&self, column: Column, format: &DateFormat) -> Result<Date, Reject> {
        let text = self.required(column)?;
        format.parse(text).ok_or_else(|| self.not_a_date(column, text, format))
    }

    /// A date, if there is one.
    pub fn optional_date(&self, column: Option<Column>, format: &DateFormat) -> Result<Option<Date>, Reject> {
        let (Some(column), Some(text)) = (column, self.optional(column)?) else { return Ok(None) };
        format.parse(text).map(Some).ok_or_else(|| self.not_a_date(column, text, format))
    }

    /// The column's name in the header.
    pub fn name(&self, column: Column) -> &'r str {
        self.header.name(column)
    }

    /// A reject for a value of this row. Only the value's shape is kept.
    #[cold]
    pub fn reject(&self, column: Column, code: RejectCode, value: &str, help: String) -> Reject {
        Reject {
            file: self.file,
            row: Some(self.line),
            column: Some(self.name(column).to_owned()),
            code,
            value_class: value_class(value),
            help,
            claims: Box::default(),
            mark: mark_of(value),
        }
    }

    #[inline]
    fn range(&self, Column(at): Column) -> std::ops::Range<usize> {
        let end = |field: usize| self.ends.get(field).copied().unwrap_or(self.bytes.len());
        if at == 0 { 0..end(0) } else { end(at - 1)..end(at) }
    }

    /// The reject for a required value that is blank.
    #[cold]
    pub fn missing(&self, column: Column) -> Reject {
        let help = format!("Fill in \"{}\" in the tool that wrote the file", self.name(column));
        self.reject(column, RejectCode::MissingValue, "", help)
    }

    #[cold]
    fn invalid_id(&self, column: Column, id: &str) -> Reject {
        let help = format!(
            "Mend \"{}\": an id has at most 255 characters, all of them printable",
            self.name(column)
        );
        self.reject(column, RejectCode::InvalidId, id, help)
    }

    #[cold]
    fn not_a_date(&self, column: Column, text: &str, format: &DateFormat) -> Reject {
        let help = format!(
            "Write \"{}\" as in {} ({}), with a year from 1900 to 2200",
            self.name(column),
            format.example(),
            format.pattern()
        );
        self.reject(column, RejectCode::InvalidDate, text, help)
    }

    #[cold]
    fn too_long(&self, column: Column) -> Reject {
        let name = self.name(column);
        let help = format!("Shorten \"{name}\" in the source: a value has at most {MAX_TEXT_BYTES} bytes");
        let mut reject = self.reject(column, RejectCode::TooLarge, "", help);
        reject.value_class = format!("over {MAX_TEXT_BYTES} bytes");
        reject
    }

    #[cold]
    fn not_printable(&self, column: Column, text: &str) -> Reject {
        let help = format!("Take the characters out of \"{}\" that cannot be printed", self.name(column));
        self.reject(column, RejectCode::InvalidText, text, help)
    }

    #[cold]
    fn not_text(&self, column: Column) -> Reject {
        let help = format!(
            "Export \"{}\" as UTF-8, or set the feed's encoding (often windows-1252)",
            self.name(column)
        );
        let mut reject = self.reject(column, RejectCode::InvalidEncoding, "", help);
        "not text".clone_into(&mut reject.value_class);
        reject
    }
}

/// Whether a value is none: empty, or a database's `NULL`.
#[inline]
pub fn is_blank(text: &str) -> bool {
    matches!(text, "" | "NULL" | "null")
}

/// Whether a text can be an id: at most 255 bytes, none of them of a control character.
#[inline]
pub fn is_id(text: &str) -> bool {
    text.len() <= MAX_ID_BYTES && !has_control(text)
}

#[inline]
fn has_control(text: &str) -> bool {
    let mut bytes = text.bytes();
    // U+0080 to U+009F, which terminals obey too, begin with 0xC2.
    bytes.any(|byte| byte.is_ascii_control() || byte == 0xC2) && text.chars().any(char::is_control)
}

/// A text with a space for each line break or tab, however many stand together. `None`: it has another control character.
#[inline]
fn on_one_line(text: &str) -> Option<Cow<'_, str>> {
    const BREAKS: [char; 3] = ['\r', '\n', '\t'];
    if !has_control(text) {
        return Some(Cow::Borrowed(text));
    }
    let words = text.split(BREAKS).map(str::trim).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    (!has_control(&line)).then_some(Cow::Owned(line))
}

/// `str::trim`, with a quick way for the usual value that has nothing to trim.
#[inline]
fn trim(text: &str) -> &str {
    let visible = |byte: Option<&u8>| matches!(byte, Some(b'!'..=b'~'));
    let bytes = text.as_bytes();
    if visible(bytes.first()) && visible(bytes.last()) { text } else { text.trim() }
}
