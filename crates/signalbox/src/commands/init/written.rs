//! How a file is written: its delimiter and encoding, and the rows of it that can be read so.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use signalbox_connector::delimited::{Format, Reader};
use signalbox_connector::{RejectCode, regular_file};

use super::fit::{self, Fit};

/// Rows looked at.
const ROWS: usize = 20_000;
/// The likelier first.
const DELIMITERS: [&str; 4] = [",", ";", "\t", "|"];
/// What exports write that are no UTF-8.
const OTHER_ENCODING: &str = "windows-1252";

/// A file as far as it was looked at.
pub(super) struct Written {
    pub(super) how: How,
    pub(super) header: Vec<String>,
    pub(super) fit: Fit,
    /// In the order of the columns that were found.
    pub(super) rows: Vec<Vec<String>>,
}

/// What is to be said of a file that is not UTF-8, separated by commas.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct How {
    pub(super) encoding: Option<&'static str>,
    pub(super) delimiter: Option<&'static str>,
}

/// Reads the beginning of a file; `Err` says why nothing can be done with it.
pub(super) fn read(path: &Path, name: &str) -> Result<Written, String> {
    let (how, fit) = fitting(path, name)?;
    let beginning = Beginning::read(path, how, &fit)?;
    if beginning.is_text {
        return Ok(beginning.written(how, fit));
    }
    let how = How { encoding: Some(OTHER_ENCODING), ..how };
    Ok(Beginning::read(path, how, &fit)?.written(how, fit))
}

/// The delimiter with which the header says most.
fn fitting(path: &Path, name: &str) -> Result<(How, Fit), String> {
    let (mut fits, mut widest, mut refused) = (Vec::new(), Vec::new(), None);
    for delimiter in DELIMITERS {
        let how = How { delimiter: (delimiter != DELIMITERS[0]).then_some(delimiter), encoding: None };
        match open(path, how) {
            Ok(reader) => {
                let header = reader.header().names().to_vec();
                fits.extend(Fit::best(&header, name).map(|fit| (how, fit)));
                if header.len() > widest.len() {
                    widest = header;
                }
            }
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    let best = fits.into_iter().min_by_key(|(_, fit)| !fit.is_complete());
    best.ok_or_else(|| refused.unwrap_or_else(|| fit::why_not(&widest, name)))
}

fn open(path: &Path, how: How) -> Result<Reader<'static>, String> {
    let file: File = regular_file::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let format = Format::new(how.encoding, how.delimiter)?;
    Reader::open(file, format, None).map_err(|refusal| refusal.message)
}

/// What was read of a file, in one way of writing it.
struct Beginning {
    header: Vec<String>,
    /// The cells of the columns that were found.
    rows: Vec<Vec<String>>,
    /// Whether all of it is text.
    is_text: bool,
}

impl Beginning {
    fn read(path: &Path, how: How, fit: &Fit) -> Result<Self, String> {
        let mut reader = open(path, how)?;
        let header = reader.header().names().to_vec();
        let names = fit.found().map(|(_, at)| header.get(at).map(String::as_str));
        let columns: Vec<_> = names.map(|name| reader.header().optional(name)).collect();
        let (mut rows, mut is_text) = (Vec::new(), !header.iter().any(|name| name.contains('\u{FFFD}')));
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
        Ok(Self { header, rows, is_text })
    }

    fn written(self, how: How, fit: Fit) -> Written {
        let Self { header, rows, .. } = self;
        Written { how, header, fit, rows }
    }
}
