//! Delimited text in any encoding.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::sync::LazyLock;

use bolero::TypeGenerator;
use encoding_rs::{Encoding, UTF_8};
use signalbox_connector::delimited::{Format, MAX_RECORD_BYTES, MAX_TEXT_BYTES, Misread, Reader};
use signalbox_connector::{Refusal, RejectCode};

use signalbox_fuzz::Edited;

use crate::lines::Lines;
use crate::memory;

const QUIRKS: &[u8] = include_bytes!("../../connectors/csv/fixtures/attendance-quirks.in.csv");

static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let long = "x".repeat(MAX_RECORD_BYTES + 5);
    let too_long = "x".repeat(MAX_TEXT_BYTES + 1);
    vec![
        QUIRKS.to_vec(),
        include_bytes!("../../connectors/csv/fixtures/utf16.in.csv").to_vec(),
        include_bytes!("../../connectors/csv/fixtures/enrollment-quirks.in.tsv").to_vec(),
        include_bytes!("../../connectors/csv/fixtures/old-mac-line-ends.in.csv").to_vec(),
        b"a;b\n1;\"2\n2\"\n\n3;4".to_vec(),
        format!("a,b\n1,2\n{long},1\n3,4\n").into_bytes(),
        format!("a,b\n1,\"{too_long}\n2\"\n3,4\n").into_bytes(),
        Vec::new(),
    ]
});

const ENCODINGS: &[&str] =
    &["utf-8", "windows-1252", "utf-16le", "utf-16be", "shift_jis", "gb18030", "iso-2022-jp", "replacement"];

#[derive(Debug, Clone, TypeGenerator)]
struct Input {
    encoding: u8,
    delimiter: u8,
    file: Edited,
    /// How many bytes a pipe gives at a time.
    #[generator(1_usize..600)]
    piece_bytes: usize,
}

impl Input {
    fn format(&self) -> Format {
        let encoding = ENCODINGS[usize::from(self.encoding) % ENCODINGS.len()];
        let delimiter = [",", "\t", ";", "|"][usize::from(self.delimiter) % 4];
        Format::new(Some(encoding), Some(delimiter)).expect("known labels")
    }
}

/// What was said of a row, and its line.
type Found = (u64, Said);

#[derive(Debug, PartialEq)]
enum Said {
    /// Its values, or what is wrong with one of them.
    Read(Result<Vec<String>, RejectCode>),
    /// Where it ends is not known.
    GivenUp(RejectCode),
}

fn rows(input: impl Read, format: Format, each: &mut dyn FnMut(Found)) -> Result<usize, Refusal> {
    let mut reader = Reader::open(input, format, None)?;
    let names = reader.header().names().to_vec();
    let columns: Vec<_> = names.iter().filter_map(|name| reader.header().optional(Some(name))).collect();
    let flow = reader.rows(|row| {
        each(match row {
            Err(Misread { reject, .. }) => {
                (reject.row.expect("a row's reject names its line"), Said::GivenUp(reject.code))
            }
            Ok(row) => {
                let values = columns.iter().map(|column| row.text(*column).map(str::to_owned));
                (row.line(), Said::Read(values.collect::<Result<_, _>>().map_err(|reject| reject.code)))
            }
        });
        ControlFlow::Continue(())
    })?;
    assert!(flow.is_continue());
    Ok(names.len())
}

fn all(input: impl Read, format: Format) -> Result<Vec<Found>, Refusal> {
    let mut found = Vec::new();
    rows(input, format, &mut |row| found.push(row)).map(|_| found)
}

/// Gives few bytes at a time.
struct Pipe<'b>(&'b [u8], usize);

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

/// The text as the encoding standard reads it.
fn text(file: &[u8], format: Format) -> Vec<u8> {
    let (encoding, mark_bytes) = Encoding::for_bom(file).unwrap_or((format.encoding, 0));
    let file = &file[mark_bytes..];
    if encoding == UTF_8 {
        return file.to_vec();
    }
    encoding.decode_without_bom_handling(file).0.into_owned().into_bytes()
}

/// Every line that is not blank is the header, a row, a reject, or inside the quotes of one of them.
fn nothing_is_lost(lines: &Lines<'_>, found: &[Found], delimiter: u8) {
    let mut before = lines.next(0).expect("a file that is read has a header");
    let mut whole = true;
    for next in found.iter().map(Some).chain([None]) {
        let line = next.map(|(line, _)| *line);
        assert!(line.is_none_or(|line| line > before), "lines go back from {before} to {line:?}");
        let skips = line != lines.next(before);
        assert!(
            !skips || (whole && lines.is_one_record(before, line, delimiter)),
            "rows between line {before} and {line:?} are lost"
        );
        if let Some((line, row)) = next {
            before = *line;
            // A row that is given up takes no other with it.
            whole = matches!(row, Said::Read(_));
        }
    }
}

#[test]
fn delimited_text() {
    bolero::check!().with_iterations(600).with_type::<Input>().for_each(|input| {
        let (file, format) = (input.file.bytes(&SAMPLES), input.format());
        let found = all(Cursor::new(&file), format);
        assert_eq!(found, all(Pipe(&file, input.piece_bytes), format), "a pipe changes what is read");
        let text = text(&file, format);
        let Ok(found) = found else { return };
        nothing_is_lost(&Lines::of(&text), &found, format.delimiter);
    });
}

#[test]
fn delimited_text_in_bounded_memory() {
    bolero::check!().with_iterations(60).with_type::<Input>().for_each(|input| {
        let (file, format) = (input.file.bytes(&SAMPLES).repeat(40), input.format());
        // The outcome is another target's; here, only what was held on the way to it counts.
        let _outcome = memory::at_most(8 << 20, || rows(Cursor::new(&file), format, &mut drop));
    });
}
