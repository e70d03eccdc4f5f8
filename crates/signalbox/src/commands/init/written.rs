//! How a file is written: its delimiter and encoding, and the rows of it that can be read so.

use std::ops::ControlFlow;
use std::path::Path;

use signalbox_connector::RejectCode;
use signalbox_connector::delimited::{Format, Reader};
use signalbox_connector::regular_file;

use super::table::{Kind, kind};

/// Rows looked at.
const ROWS: usize = 20_000;
/// The likelier first.
const DELIMITERS: [&str; 4] = [",", ";", "\t", "|"];
/// What exports write that are no UTF-8.
const OTHER_ENCODING: &str = "windows-1252";

/// A file as far as it was looked at.
pub(super) struct Written {
    /// What is to be said of it where it is not as expected.
    pub(super) encoding: Option<&'static str>,
    pub(super) delimiter: Option<&'static str>,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    pub(super) kind: (Kind, &'static [&'static str]),
}

/// Reads the beginning of a file; `Err` says why nothing can be done with it.
pub(super) fn read(path: &Path) -> Result<Written, String> {
    let mut refused = None;
    for delimiter in DELIMITERS {
        let said = (delimiter != ",").then_some(delimiter);
        match read_as(path, None, said) {
            Ok(Some((written, is_text))) if is_text => return Ok(written),
            Ok(Some((written, _))) => {
                let other = read_as(path, Some(OTHER_ENCODING), said)?;
                return Ok(other.map_or(written, |(written, _)| written));
            }
            Ok(None) => {}
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    Err(refused.unwrap_or_else(|| {
        "neither attendance (student, school, date, code) nor enrolment (student, school, entry date)"
            .to_owned()
    }))
}

/// The file read so, and whether all of it is text then; `None`: it is no table that is known.
fn read_as(
    path: &Path,
    encoding: Option<&'static str>,
    delimiter: Option<&'static str>,
) -> Result<Option<(Written, bool)>, String> {
    let file = regular_file::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let format = Format::new(encoding, delimiter)?;
    let mut reader = Reader::open(file, format, None).map_err(|refusal| refusal.message)?;
    let header: Vec<String> = reader.header().names().to_vec();
    let Some(kind) = kind(&header) else { return Ok(None) };
    let columns: Vec<_> = header.iter().map(|name| reader.header().optional(Some(name))).collect();
    let (mut rows, mut is_text) = (Vec::new(), true);
    let read = reader.rows(|row| {
        let Ok(row) = row else { return ControlFlow::Continue(()) };
        let mut cell = |column: &Option<_>| match column.map(|column| row.text(column)) {
            Some(Ok(text)) => text.to_owned(),
            Some(Err(reject)) => {
                is_text &= reject.code != RejectCode::InvalidEncoding;
                String::new()
            }
            None => String::new(),
        };
        rows.push(columns.iter().map(&mut cell).collect());
        if rows.len() < ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let _ended = read.map_err(|refusal| refusal.message)?;
    Ok(Some((Written { encoding, delimiter, header, rows, kind }, is_text)))
}
