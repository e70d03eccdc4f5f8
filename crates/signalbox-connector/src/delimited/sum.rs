//! The lines of a file, summed: enough to know the same rows again without parsing them.

use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_8};
use memchr::{memchr, memchr_iter, memrchr};

use super::lines::is_well_quoted;
use super::{Format, MAX_RECORD_BYTES};
use crate::RowSum;

/// Marks the first line, which names the columns: as a row it would say something else.
const FIRST_LINE: &[u8] = b"first line\n";

/// A sum over the lines of a file, which does not mind the order of all but the first. Two files of one format with
/// the same sum have the same header and the same records, each as often.
///
/// `None` where a line need not be a record: a quote may be open at its end, a line may be too long to be read, the
/// encoding may be one in which the byte 0x0A says something else; or where the first line is blank.
pub fn line_sum(file: &mut dyn Read, format: Format) -> io::Result<Option<RowSum>> {
    let mut lines = Lines { delimiter: format.delimiter, sum: RowSum::default(), first: true };
    let mut buffer = vec![0; MAX_RECORD_BYTES];
    let mut filled = 0;
    loop {
        let read = match file.read(&mut buffer[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if read == 0 {
            break;
        }
        filled += read;
        let Some(end) = memrchr(b'\n', &buffer[..filled]) else {
            if filled == buffer.len() {
                return Ok(None);
            }
            continue;
        };
        if (lines.first && !has_plain_lines(&buffer[..filled], format.encoding)) || !lines.add(&buffer[..end])
        {
            return Ok(None);
        }
        buffer.copy_within(end + 1..filled, 0);
        filled -= end + 1;
    }
    let rest = &buffer[..filled];
    let whole = !lines.first && (rest.is_empty() || lines.add(rest));
    Ok(whole.then_some(lines.sum))
}

/// Whether each byte 0x0A ends a line and a line means the same wherever it stands. `head` begins the file.
fn has_plain_lines(head: &[u8], encoding: &'static Encoding) -> bool {
    let (encoding, _) = Encoding::for_bom(head).unwrap_or((encoding, 0));
    encoding == UTF_8 || (encoding.is_ascii_compatible() && encoding.is_single_byte())
}

struct Lines {
    delimiter: u8,
    sum: RowSum,
    first: bool,
}

impl Lines {
    /// Adds whole lines, the last without its end. `false`: one of them need not be a record.
    fn add(&mut self, lines: &[u8]) -> bool {
        let quoted = memchr(b'"', lines).is_some();
        let mut start = 0;
        for end in memchr_iter(b'\n', lines).chain([lines.len()]) {
            let line = &lines[start..end];
            if quoted && !ends_outside_quotes(line, self.delimiter) {
                return false;
            }
            match std::mem::take(&mut self.first) {
                false => self.sum.add(line),
                true if is_blank(line) => return false,
                true => self.sum.add(&[FIRST_LINE, line].concat()),
            }
            start = end + 1;
        }
        true
    }
}

/// Whether the reader would look for the header behind this line.
fn is_blank(first: &[u8]) -> bool {
    let mark_bytes = Encoding::for_bom(first).map_or(0, |(_, bytes)| bytes);
    first[mark_bytes..].iter().all(|byte| *byte == b'\r')
}

fn ends_outside_quotes(line: &[u8], delimiter: u8) -> bool {
    if memchr(b'"', line).is_none() {
        return true;
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    memchr(b'\r', line).is_none() && is_well_quoted(line, delimiter)
}

#[cfg(test)]
mod tests;
