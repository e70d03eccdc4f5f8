//! What strangers wrote, on its way to a terminal: names, ids, headers, file names, reasons.
//!
//! Characters that would act on a terminal instead of being seen are written as `\u001b` and the like, in JSON too, where
//! that is the same text. Line ends are the hub's own: cells, names and arguments lose theirs where they come in.

use std::io::{self, Write};

/// Writes text through, but for what would act.
#[derive(Debug)]
pub(crate) struct Escaping<W> {
    to: W,
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl<W: Write> Escaping<W> {
    pub(crate) const fn new(to: W) -> Self {
        Self { to, begun: Vec::new() }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(acts) {
            let acting = rest[at..].chars().next().expect("it was found");
            self.to.write_all(&rest.as_bytes()[..at])?;
            write!(self.to, "\\u{:04x}", u32::from(acting))?;
            rest = &rest[at + acting.len_utf8()..];
        }
        self.to.write_all(rest.as_bytes())
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begun.is_empty() && bytes.iter().all(|byte| is_plain(*byte)) {
            self.to.write_all(bytes)?;
            return Ok(bytes.len());
        }
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        for chunk in all.utf8_chunks() {
            self.text(chunk.valid())?;
            let broken = chunk.invalid();
            let is_last = broken.as_ptr_range().end == all.as_ptr_range().end;
            if is_last && may_go_on(broken) {
                self.begun = broken.to_vec();
            } else if !broken.is_empty() {
                self.text("\u{fffd}")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Printable ASCII, or the end of a line.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// Controls, and marks that turn the direction of what follows.
fn acts(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    turns || c.is_control() && !matches!(c, '\n' | '\t')
}

/// Whether these bytes are the beginning of a character.
fn may_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(chunks: &[&[u8]]) -> String {
        let mut out = Escaping::new(Vec::new());
        for chunk in chunks {
            out.write_all(chunk).expect("memory takes it");
        }
        String::from_utf8(out.to).expect("it is text")
    }

    #[test]
    fn what_would_act_is_seen() {
        for (text, seen) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("Zoë Müller, 李", "Zoë Müller, 李"),
            ("\u{1b}[2Jgone", "\\u001b[2Jgone"),
            ("a\rb\u{7}", "a\\u000db\\u0007"),
            ("\u{9b}31m", "\\u009b31m"),
            ("1001\u{202e}9001", "1001\\u202e9001"),
            ("\u{2066}a\u{2069}", "\\u2066a\\u2069"),
        ] {
            assert_eq!(written(&[text.as_bytes()]), seen);
        }
    }

    #[test]
    fn characters_may_come_in_halves() {
        let text = "é\u{9b}李\u{202e}";
        for at in 0..text.len() {
            let (one, other) = text.as_bytes().split_at(at);
            assert_eq!(written(&[one, other]), "é\\u009b李\\u202e", "{at}");
        }
    }

    #[test]
    fn what_is_no_text_is_marked() {
        assert_eq!(written(&[b"a\xffb", b"\xe2\x82", b"x"]), "a\u{fffd}b\u{fffd}x");
    }

    #[test]
    fn escaped_json_is_the_same_text() {
        let value = serde_json::json!({"by": "Pat\u{202e}\u{9b}", "at": "1\u{1b}"});
        let shown = written(&[value.to_string().as_bytes()]);
        assert!(shown.is_ascii());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("it is JSON"), value);
    }
}
