//! Encodings and byte order marks.

use std::io::{self, Cursor, Read};

use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// The head of a file that decides how the rest is read.
const HEAD_BYTES: usize = 4;

/// A file's bytes as UTF-8, without a byte order mark.
pub(super) struct Decoded<'a> {
    pub(super) input: Box<dyn Read + 'a>,
    /// Whether the bytes went through a decoder, which writes U+FFFD for what it cannot read. Otherwise they are
    /// what the file holds, valid or not.
    pub(super) transcoded: bool,
}

/// What the first bytes say.
pub(super) enum Head<'a> {
    Text(Decoded<'a>),
    /// A zip file, which includes Excel workbooks.
    Zip,
}

/// Looks at the first bytes. A byte order mark outranks `encoding`.
pub(super) fn decode<'a>(mut input: impl Read + 'a, encoding: &'static Encoding) -> io::Result<Head<'a>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    input.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    if head == b"PK\x03\x04" {
        return Ok(Head::Zip);
    }
    let (encoding, mark_bytes) = Encoding::for_bom(&head).unwrap_or((encoding, 0));
    let mut start = Cursor::new(head);
    start.set_position(mark_bytes as u64);
    let bytes = start.chain(input);
    if encoding == UTF_8 {
        return Ok(Head::Text(Decoded { input: Box::new(Filled(bytes)), transcoded: false }));
    }
    let decoder =
        DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_sniffing(false).build(Filled(bytes));
    Ok(Head::Text(Decoded { input: Box::new(decoder), transcoded: true }))
}

/// Fills every buffer as far as the file goes: what a decoder makes of a file must not depend on how a pipe cuts it.
struct Filled<R>(R);

impl<R: Read> Read for Filled<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}
