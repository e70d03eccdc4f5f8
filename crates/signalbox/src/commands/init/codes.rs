//! What the codes of a column of words probably mean.

use std::collections::BTreeSet;

use signalbox_connector::delimited::is_blank;

use super::names::letters;

/// A column with more different values holds no codes.
const MOST_CODES: usize = 30;

/// Longer texts are no codes, and may be about a student: "Out of School Suspension" is one.
const LONGEST_CODE_CHARS: usize = 32;
const MOST_WORDS: usize = 4;

/// How an empty cell is called among codes.
const BLANK: &str = "blank";

/// Codes in use for the hub's words, without case and punctuation. A word is its own code as well.
const CODES: &[(&str, &[&str])] = &[
    ("present", &["p"]),
    ("present_remote", &["r", "remote"]),
    ("tardy", &["t", "tar", "l", "late"]),
    ("early_departure", &["ed", "earlydismissal"]),
    ("absent_excused", &["e", "ex", "exc", "ae", "excused", "excusedabsence"]),
    ("absent_unexcused", &["a", "u", "au", "ua", "une", "unx", "unexcused", "unexcusedabsence"]),
    ("absent_half_day", &["h", "hd", "half", "halfday"]),
    ("in_progress", &["ip", "current", "progress", "inprog"]),
    ("posted", &["p", "f", "final", "fin"]),
    ("minor", &["min"]),
    ("major", &["maj", "officereferral", "odr"]),
    ("suspension_in", &["iss", "inschoolsuspension", "inschool"]),
    ("suspension_out", &["oss", "outofschoolsuspension", "outofschool"]),
];

/// A code as the file has it, and the hub's word for it, where that is usual.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) text: String,
    pub(super) word: Option<&'static str>,
}

/// The codes among a column's values; `None`: they seem to be none.
pub(super) fn codes<'a>(values: impl Iterator<Item = &'a str>, words: &[&'static str]) -> Option<Vec<Code>> {
    let mut codes = BTreeSet::new();
    for value in values {
        codes.insert(if is_blank(value) { BLANK } else { value });
        if codes.len() > MOST_CODES || !may_be_code(value) {
            return None;
        }
    }
    let code = |text: &str| Code { text: text.to_owned(), word: meaning(text, words) };
    Some(codes.into_iter().map(code).collect())
}

fn may_be_code(value: &str) -> bool {
    let is_short =
        value.chars().count() <= LONGEST_CODE_CHARS && value.split_whitespace().count() <= MOST_WORDS;
    is_short && !value.contains(char::is_control)
}

/// Which of a column's words a code usually stands for.
fn meaning(code: &str, words: &[&'static str]) -> Option<&'static str> {
    let code = letters(code);
    let is_usual = |word: &str| {
        let usual = CODES.iter().find(|(known, _)| *known == word).map_or(&[][..], |(_, codes)| *codes);
        code == letters(word) || usual.contains(&code.as_str())
    };
    words.iter().copied().find(|word| is_usual(word))
}
