//! Records and their line numbers.
//!
//! The parser is csv-core's; this file holds the buffer, because only who sees the bytes can count lines as people
//! do (LF, CRLF and lone CR; blank lines; line ends inside quotes) and can go back after a quote that never closes.

use std::io::Read;
use std::ops::{ControlFlow, Range};

use csv_core::ReadRecordResult;

use super::decode::{Head, decode};
use super::lines::{is_line_end, is_well_quoted, line_ends, looks_like_rows};
use super::{Format, Header, Misread, Row};
use crate::draft::{Reject, RejectCode};
use crate::source::Refusal;
use crate::words::plural;

/// The longest record that is read. A longer one is almost always a quote that never closes.
pub const MAX_RECORD_BYTES: usize = 256 * 1024;

/// How much of a file may be read twice to find the rows behind unclosed quotes. More means that it is no CSV file.
const MAX_REREAD_BYTES: u64 = 1 << 30;

const FIRST_BUFFER_BYTES: usize = 64 * 1024;

/// Reads one file's rows.
pub struct Reader<'a> {
    file: Option<&'static str>,
    delimiter: u8,
    input: Box<dyn Read + 'a>,
    transcoded: bool,
    parser: csv_core::Reader,
    /// Bytes read; those at `at..filled` are not worked through.
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    at_end: bool,
    /// The line of the byte at `at`.
    line: u64,
    /// The byte before `at` is a CR: an LF there is its second half.
    after_cr: bool,
    /// The record in hand: the fields one after the other, without quotes, and where each ends.
    fields: Vec<u8>,
    ends: Vec<usize>,
    header: Header,
    reread_bytes: u64,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("file", &self.file).field("line", &self.line).finish_non_exhaustive()
    }
}

/// A record as the parser found it.
#[derive(Clone, Copy)]
struct Record {
    line: u64,
    /// How much of `fields` and `ends` is filled.
    bytes: usize,
    count: usize,
    /// Line ends inside its quotes, or a quote that is no quote: what it holds may be several rows.
    doubtful: bool,
}

enum Found {
    Record(Record),
    /// The line of a record that is longer than allowed.
    TooLong(u64),
    End,
}

impl<'a> Reader<'a> {
    /// Reads up to the header. `file` is named in every reject and refusal.
    pub fn open(input: impl Read + 'a, format: Format, file: Option<&'static str>) -> Result<Self, Refusal> {
        let decoded = match decode(input, format.encoding) {
            Ok(Head::Text(decoded)) => decoded,
            Ok(Head::Zip) => {
                return Err(unreadable(
                    file,
                    "the file is a zip archive or an Excel workbook, not text",
                    SAVE_AS_CSV,
                ));
            }
            Err(error) => return Err(broken_off(file, &error)),
        };
        let mut reader = Self {
            file,
            delimiter: format.delimiter,
            input: decoded.input,
            transcoded: decoded.transcoded,
            parser: csv_core::ReaderBuilder::new().delimiter(format.delimiter).build(),
            buffer: vec![0; FIRST_BUFFER_BYTES],
            at: 0,
            filled: 0,
            at_end: false,
            line: 1,
            after_cr: false,
            fields: vec![0; 1024],
            ends: vec![0; 64],
            header: Header::default(),
            reread_bytes: 0,
        };
        reader.header = reader.read_header()?;
        Ok(reader)
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Hands every row to `each` in the file's order, or why it cannot be used. Ends early when `each` breaks.
    pub fn rows(
        &mut self,
        mut each: impl FnMut(Result<Row<'_>, Misread<'_>>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Refusal> {
        loop {
            let flow = match self.next_record()? {
                Found::End => return Ok(ControlFlow::Continue(())),
                Found::TooLong(line) => each(Err(self.too_long(line).into())),
                Found::Record(record) if record.doubtful => each(Err(self.malformed(&record).into())),
                Found::Record(record) if !self.header.fits(record.count) => {
                    each(Err(Misread { reject: self.malformed(&record), parts: Some(self.parts(&record)) }))
                }
                Found::Record(record) => each(Ok(self.row(&record))),
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }

    /// What stands where it should of a row that is too short or too long. Whether the last field of a short one is whole, nobody
    /// knows.
    fn parts(&self, record: &Record) -> Row<'_> {
        let count = (record.count - 1).min(self.header.names().len());
        let bytes = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        self.row(&Record { bytes, count, ..*record })
    }

    fn row(&self, record: &Record) -> Row<'_> {
        let bytes = &self.fields[..record.bytes];
        Row {
            file: self.file,
            line: record.line,
            header: &self.header,
            bytes,
            text: std::str::from_utf8(bytes).ok(),
            ends: &self.ends[..record.count],
            transcoded: self.transcoded,
        }
    }

    fn read_header(&mut self) -> Result<Header, Refusal> {
        let Found::Record(record) = self.next_record()? else {
            return Err(unreadable(
                self.file,
                "the file has no header line",
                "Export the file again with its header line",
            ));
        };
        // Its names would be rows.
        if record.doubtful {
            let help = "Close the quote in the header line, or write it twice (\"\") inside a name";
            return Err(unreadable(self.file, "a quote in the header line is not closed", help));
        }
        let row = &self.fields[..record.bytes];
        if row.contains(&0) {
            let help = "Set the feed's encoding: utf-16le or utf-16be";
            return Err(unreadable(self.file, "the header is not text in the declared encoding", help));
        }
        let mut start = 0;
        let names = self.ends[..record.count].iter().map(|&end| {
            let name = String::from_utf8_lossy(&row[start..end]);
            let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}').to_owned();
            start = end;
            name
        });
        Ok(Header::new(self.file, names.collect()))
    }

    /// The next record that is not a blank line.
    fn next_record(&mut self) -> Result<Found, Refusal> {
        if !self.skip_line_ends()? {
            return Ok(Found::End);
        }
        let (mut read, mut bytes, mut count) = (self.at, 0, 0);
        loop {
            let input = &self.buffer[read..self.filled];
            let last = input.is_empty();
            let (result, nin, nout, nend) =
                self.parser.read_record(input, &mut self.fields[bytes..], &mut self.ends[count..]);
            (read, bytes, count) = (read + nin, bytes + nout, count + nend);
            match result {
                ReadRecordResult::Record => return self.finish(read, bytes, count, !last),
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty if read - self.at >= MAX_RECORD_BYTES => return self.give_up(),
                ReadRecordResult::InputEmpty => {
                    read -= self.at;
                    self.refill()?;
                    read += self.at;
                }
                ReadRecordResult::End => return Ok(Found::End),
            }
        }
    }

    /// Moves on behind a record whose bytes end at `read`; `terminated` unless the file ends with it.
    fn finish(
        &mut self,
        read: usize,
        bytes: usize,
        count: usize,
        terminated: bool,
    ) -> Result<Found, Refusal> {
        let raw = self.at..read - usize::from(terminated);
        let mut record = Record { line: self.line, bytes, count, doubtful: false };
        // Bytes that are neither data nor delimiters are quotes; only they can hide line ends.
        let quoted = raw.len() != bytes + count - 1;
        let inner = if quoted { line_ends(&self.buffer[raw.clone()]) } else { 0 };
        if quoted && (inner > 0 || !terminated) {
            record.doubtful = !is_well_quoted(&self.buffer[raw.clone()], self.delimiter)
                || inner > 0 && self.swallows_rows(&record);
        }
        self.leave_out_trailing(&mut record);
        let columns = self.header.names().len();
        let wrong = record.doubtful || (columns > 0 && !self.header.fits(record.count));
        if wrong && inner > 0 {
            self.resume_after_line(raw)?;
        } else {
            self.line += inner + u64::from(terminated);
            self.after_cr = terminated && self.buffer[read - 1] == b'\r';
            self.at = read;
        }
        Ok(Found::Record(record))
    }

    /// Whether a value in quotes has rows in it, between two stray quotes: its lines have fields of the same shape as those
    /// beside the value.
    fn swallows_rows(&self, record: &Record) -> bool {
        let bytes = &self.fields[..record.bytes];
        let mut start = 0;
        let fields: Vec<&[u8]> = self.ends[..record.count]
            .iter()
            .map(|&end| &bytes[std::mem::replace(&mut start, end)..end])
            .collect();
        (0..fields.len())
            .any(|at| looks_like_rows(&fields[..at], fields[at], &fields[at + 1..], self.delimiter))
    }

    /// Trailing commas: fields behind the last column are none, if all of them are blank.
    fn leave_out_trailing(&self, record: &mut Record) {
        let columns = self.header.names().len();
        if columns == 0 || record.count <= columns {
            return;
        }
        let end = self.ends[columns - 1];
        if self.fields[end..record.bytes].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            (record.bytes, record.count) = (end, columns);
        }
    }

    /// A quote that never closes would swallow rows: only the record's first line is given up.
    fn resume_after_line(&mut self, raw: Range<usize>) -> Result<(), Refusal> {
        self.reread(raw.len())?;
        let end = raw.start
            + self.buffer[raw].iter().position(|byte| is_line_end(*byte)).expect("it has a line end");
        self.at = end;
        self.after_cr = false;
        self.parser.reset();
        Ok(())
    }

    fn reread(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.reread_bytes += bytes as u64;
        if self.reread_bytes <= MAX_REREAD_BYTES {
            return Ok(());
        }
        let message = format!("quotes that never close, up to line {}", self.line);
        Err(unreadable(self.file, &message, "Export the file again with quotes as RFC 4180 has them"))
    }

    /// Gives up a record that is too long: its first line, or all bytes up to the next line end.
    fn give_up(&mut self) -> Result<Found, Refusal> {
        let line = self.line;
        self.reread(self.filled - self.at)?;
        self.parser.reset();
        loop {
            if let Some(end) = self.buffer[self.at..self.filled].iter().position(|byte| is_line_end(*byte)) {
                self.at += end;
                self.after_cr = false;
                return Ok(Found::TooLong(line));
            }
            self.at = self.filled;
            if !self.refill()? {
                return Ok(Found::TooLong(line));
            }
        }
    }

    /// Goes to the first byte of the next record; `false` at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, Refusal> {
        loop {
            while self.at < self.filled {
                match self.buffer[self.at] {
                    b'\n' if self.after_cr => self.after_cr = false,
                    byte if is_line_end(byte) => {
                        self.line += 1;
                        self.after_cr = byte == b'\r';
                    }
                    _ => {
                        self.after_cr = false;
                        return Ok(true);
                    }
                }
                self.at += 1;
            }
            if !self.refill()? {
                return Ok(false);
            }
        }
    }

    /// Reads more behind what is there; `false` when there is no more.
    fn refill(&mut self) -> Result<bool, Refusal> {
        if self.at_end {
            return Ok(false);
        }
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| broken_off(self.file, &error))?,
            }
        };
        self.filled += read;
        self.at_end = read == 0;
        Ok(read > 0)
    }

    #[cold]
    fn malformed(&self, record: &Record) -> Reject {
        let wanted = self.header.names().len();
        let (value_class, help) = if record.doubtful {
            (
                "unclosed quote".to_owned(),
                "A quote is not closed, or stands unescaped inside a value: write it twice (\"\")",
            )
        } else {
            let (fields, columns) = (plural(record.count as u64, "field"), plural(wanted as u64, "column"));
            let help = if record.count < wanted {
                "The row ends before the header does: it was cut off, or its tool leaves out what is blank at the end. \
                 Export it again, with a comma for each blank value"
            } else {
                "An unescaped comma or quote is likely: put the value in quotes, and write a quote inside it twice (\"\")"
            };
            (format!("{fields} for {columns}"), help)
        };
        Reject {
            file: self.file,
            row: Some(record.line),
            column: None,
            code: RejectCode::WrongFieldCount,
            value_class,
            help: help.to_owned(),
            claims: Box::default(),
            mark: 0,
        }
    }

    #[cold]
    fn too_long(&self, line: u64) -> Reject {
        Reject {
            file: self.file,
            row: Some(line),
            column: None,
            code: RejectCode::TooLarge,
            value_class: format!("over {MAX_RECORD_BYTES} bytes"),
            help: "A quote that is not closed is likely: close it, or write it twice (\"\") inside a value"
                .to_owned(),
            claims: Box::default(),
            mark: 0,
        }
    }
}

const SAVE_AS_CSV: &str = "Save it as CSV (UTF-8) and drop that file";

fn broken_off(file: Option<&'static str>, error: &std::io::Error) -> Refusal {
    let message = format!("reading broke off: {}", error.kind());
    unreadable(file, &message, "Drop the file again")
}

fn unreadable(file: Option<&'static str>, message: &str, help: &str) -> Refusal {
    Refusal {
        code: RejectCode::UnreadableFile,
        file: file.map(str::to_owned),
        column: None,
        message: message.to_owned(),
        help: help.to_owned(),
    }
}
