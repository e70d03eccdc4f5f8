//! A second, simple idea of lines and quotes, to hold the reader's against.

use std::ops::Range;

/// A text's lines as people count them: LF, CRLF and CR end one each.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t [u8],
    spans: Vec<Range<usize>>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t [u8]) -> Self {
        let (mut spans, mut start, mut at) = (Vec::new(), 0, 0);
        while at < text.len() {
            let end = at;
            at += 1;
            match text[end] {
                b'\r' if text.get(at) == Some(&b'\n') => at += 1,
                b'\r' | b'\n' => {}
                _ => continue,
            }
            spans.push(start..end);
            start = at;
        }
        spans.push(start..text.len());
        Self { text, spans }
    }

    /// Line `n`, from 1.
    pub(crate) fn line(&self, n: u64) -> &'t [u8] {
        &self.text[self.spans[n as usize - 1].clone()]
    }

    /// The first line after line `n` that is not blank.
    pub(crate) fn next(&self, n: u64) -> Option<u64> {
        (n + 1..=self.spans.len() as u64).find(|n| !self.line(*n).is_empty())
    }

    /// Whether the record that begins with line `n` may reach up to line `next`, or to the end: each line in between
    /// begins inside quotes, or is blank.
    pub(crate) fn is_one_record(&self, n: u64, next: Option<u64>, delimiter: u8) -> bool {
        let last = (n..next.unwrap_or(self.spans.len() as u64 + 1)).rfind(|n| !self.line(*n).is_empty());
        let Some(last) = last else { return true };
        let mut quotes = Quotes::FieldStart;
        let record = self.spans[n as usize - 1].start..self.spans[last as usize - 1].end;
        for &byte in &self.text[record] {
            quotes = quotes.after(byte, delimiter);
            if matches!(byte, b'\r' | b'\n') && quotes != Quotes::Inside {
                return false;
            }
        }
        true
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    FieldStart,
    Outside,
    Inside,
    /// Behind a quote inside quotes: the field ends, or the quote is the first of two.
    MayEnd,
}

impl Quotes {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Inside, b'"') => Self::MayEnd,
            (Self::FieldStart | Self::MayEnd, b'"') | (Self::Inside, _) => Self::Inside,
            (_, byte) if byte == delimiter => Self::FieldStart,
            _ => Self::Outside,
        }
    }
}

#[test]
fn lines_and_quotes() {
    let lines = Lines::of(b"a,b\r\n\r\"1\n2\",3\n4");
    assert_eq!((lines.next(1), lines.line(3)), (Some(3), &b"\"1"[..]));
    assert!(lines.is_one_record(3, Some(5), b','));
    assert!(!lines.is_one_record(3, None, b','));
    assert!(!lines.is_one_record(1, Some(5), b','));
}
