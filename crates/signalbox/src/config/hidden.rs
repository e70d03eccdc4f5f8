//! What of the file is never shown: a slip of the pen puts a secret under any key, or makes a key of it. So problems show
//! only words that are known, or that stand whole under a key that is known to hold no secret.

use std::collections::BTreeSet;

use super::place::closest;
use super::schema::Words;
use super::secrets::{names_secret, reference};
use super::tree::{Node, Value};
use crate::problem::Problem;

/// Shorter ones are no secrets, and part of too many words.
const SHORTEST: usize = 4;
/// Parts of a value that are hidden as well, as messages may show a part only.
const SHORTEST_PART: usize = 6;
/// Words that messages say by themselves. Without them a mend cannot be read, and none of them is a secret.
const OF_MESSAGES: [&str; 45] = [
    "absent",
    "around",
    "attendance",
    "begin",
    "column",
    "date",
    "departure",
    "district",
    "each",
    "early",
    "enrollment",
    "excused",
    "expected",
    "false",
    "file",
    "format",
    "found",
    "from",
    "half",
    "item",
    "line",
    "list",
    "meant",
    "must",
    "name",
    "network",
    "number",
    "present",
    "private",
    "remote",
    "school",
    "secret",
    "student",
    "tardy",
    "text",
    "that",
    "this",
    "true",
    "unexcused",
    "unknown",
    "value",
    "with",
    "word",
    "year",
    "zone",
];
/// Below these keys the file says its own words.
const OF_THE_DISTRICT: [&str; 2] = ["codes", "category"];

/// Texts of one file that are not to be shown, the longest first.
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    pub(super) fn of(tree: &Node, source: &str, words: &Words) -> Self {
        let mut sorting = Sorting { source, words, shown: BTreeSet::new(), hidden: BTreeSet::new() };
        sorting.node("", tree);
        let Sorting { shown, hidden, .. } = sorting;
        Self::sorted(hidden.into_iter().filter(|text| !shown.contains(text)))
    }

    /// Of a file that is no YAML, only words that are known are shown.
    pub(super) fn of_text(source: &str, words: &Words) -> Self {
        let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let in_text = source.split(|c| !is_of_word(c)).chain(source.split_whitespace());
        Self::sorted(
            in_text
                .filter(|word| !words.known.contains(*word) && !is_no_secret(word))
                .map(str::to_owned)
                .collect::<BTreeSet<_>>(),
        )
    }

    fn sorted(texts: impl IntoIterator<Item = String>) -> Self {
        let mut texts: Vec<String> =
            texts.into_iter().filter(|text| text.chars().count() >= SHORTEST).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(texts)
    }

    /// Takes them out of what is said.
    pub(super) fn hide(&self, problem: &mut Problem) {
        for text in &self.0 {
            for said in [&mut problem.message, &mut problem.help] {
                if said.contains(text.as_str()) {
                    *said = without(said, text);
                }
            }
        }
    }
}

/// Words of messages, years and dates.
fn is_no_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_year || OF_MESSAGES.contains(&&*lower) || text.parse::<jiff::civil::Date>().is_ok()
}

/// `said` with an ellipsis wherever the text stands as a word of its own: "days" is none in `school_days`.
fn without(said: &str, text: &str) -> String {
    let is_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (mut kept, mut rest) = (String::with_capacity(said.len()), said);
    while let Some(at) = rest.find(text) {
        let (before, after) = (&rest[..at], &rest[at + text.len()..]);
        kept.push_str(before);
        let is_part = (is_of_word(kept.chars().next_back()) && is_of_word(text.chars().next()))
            || (is_of_word(after.chars().next()) && is_of_word(text.chars().next_back()));
        kept.push_str(if is_part { text } else { "…" });
        rest = after;
    }
    kept + rest
}

/// Sorts what stands in a file into what may be shown and what not.
struct Sorting<'a> {
    source: &'a str,
    words: &'a Words,
    shown: BTreeSet<String>,
    hidden: BTreeSet<String>,
}

impl Sorting<'_> {
    fn node(&mut self, key: &str, node: &Node) {
        match &node.value {
            Value::Scalar(scalar) if self.may_be_shown(key, &scalar.text) => {
                self.shown.insert(scalar.text.clone());
            }
            Value::Scalar(scalar) if is_no_secret(&scalar.text) => {}
            Value::Scalar(scalar) if reference(&scalar.text).is_some() => {}
            Value::Scalar(scalar) => self.hide(&scalar.text),
            Value::List(items) => items.iter().for_each(|item| self.node(key, item)),
            Value::Map(entries) => {
                for (inner, node) in entries {
                    if !self.is_known(&inner.text) && !OF_THE_DISTRICT.contains(&key) {
                        self.hide(&inner.text);
                    }
                    self.node(&inner.text, node);
                }
            }
        }
    }

    /// Whether the key holds no secret, and its value is one as it was meant: lines that ran into each other are not.
    fn may_be_shown(&self, key: &str, text: &str) -> bool {
        let is_plain = self.words.take_text.contains(key) && key != "url" && !names_secret(key);
        is_plain && !text.contains("://") && self.source.lines().any(|line| line.contains(text))
    }

    fn is_known(&self, key: &str) -> bool {
        let known: Vec<&str> = self.words.known.iter().map(String::as_str).collect();
        self.words.known.contains(key) || closest(key, &known).is_some()
    }

    fn hide(&mut self, text: &str) {
        // The host of a URL is no secret, and says which one is meant.
        let host = url::Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
        let parts = text.split(|c: char| c.is_whitespace() || "/:@?&=,;{}[]\"'".contains(c));
        let parts = parts.filter(|part| {
            part.chars().count() >= SHORTEST_PART
                && !self.words.known.contains(*part)
                && !is_no_secret(part)
                && *part != "SECRET"
                && Some(*part) != host.as_deref()
        });
        self.hidden.extend(parts.map(str::to_owned));
        if !self.words.known.contains(text) {
            self.hidden.insert(text.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
