//! Delimited text (CSV, TSV) as districts export it: any encoding, any line end, broken rows in between.
//!
//! [`Reader`] yields the rows of one file, each with the line where it starts. What is wrong with one row is a
//! [`Reject`](crate::Reject) and the next row is read; what is wrong with the file is a [`Refusal`](crate::Refusal).
//! Rows borrow from the reader's buffer: nothing is allocated for a row that is good, and memory stays bounded by
//! [`MAX_RECORD_BYTES`] whatever the file's size.
//!
//! # Layout
//! - [`reader`](Reader): records, line numbers, recovery after an unclosed quote; `lines`: line ends and quotes
//! - [`header`](Header): columns by name; [`row`](Row): values and what is wrong with them
//! - [`date`](DateFormat): dates; `decode`: encodings and byte order marks
//! - [`sum`](line_sum): the same rows known again without parsing them

mod date;
mod decode;
mod header;
mod lines;
mod reader;
mod row;
mod sum;
#[cfg(test)]
mod tests;

pub use date::{DateFormat, InvalidFormat};
pub use header::{Column, Header};
pub use reader::{MAX_RECORD_BYTES, Reader};
pub use row::{MAX_TEXT_BYTES, Misread, Row, is_blank, is_id};
pub use sum::line_sum;

use encoding_rs::Encoding;

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// A byte order mark in the file outranks it.
    pub encoding: &'static Encoding,
    pub delimiter: u8,
}

impl Default for Format {
    /// UTF-8, separated by commas.
    fn default() -> Self {
        Self { encoding: encoding_rs::UTF_8, delimiter: b',' }
    }
}

impl Format {
    /// The format for an encoding label of the WHATWG standard (`windows-1252`, `utf-16le`, `iso-8859-1` …) and a
    /// delimiter of one ASCII character. The error is one sentence for people.
    pub fn new(encoding: Option<&str>, delimiter: Option<&str>) -> Result<Self, String> {
        let mut format = Self::default();
        if let Some(label) = encoding {
            format.encoding = Encoding::for_label(label.as_bytes())
                .ok_or_else(|| format!("\"{label}\" is no encoding; one of utf-8, windows-1252, utf-16le"))?;
        }
        if let Some(delimiter) = delimiter {
            format.delimiter = one_byte(delimiter)?;
        }
        Ok(format)
    }
}

fn one_byte(delimiter: &str) -> Result<u8, String> {
    match delimiter.as_bytes() {
        [byte @ (b'\t' | b' '..=b'~')] if !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err(r#"delimiter is one character, such as ",", ";", "|" or "\t""#.to_owned()),
    }
}
