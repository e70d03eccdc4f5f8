//! What to write instead, of whatever section a value is.

use serde::de::Unexpected;

use crate::config::tree::{Node, Plain, Scalar, Value};

/// The hub says of itself that it does not know: nobody writes it.
pub(crate) const NEVER_WRITTEN: &str = "unknown";

/// Of the words that a type has, those that a configuration may say.
pub(super) fn words_known(words: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    words.iter().copied().filter(|word| *word != NEVER_WRITTEN)
}

/// The mend for a value of another kind, as far as the kind that was expected says it.
pub(super) fn bare_mend(expected: &str, found: Unexpected<'_>) -> String {
    match expected {
        "a whole number" => whole_number(found).to_owned(),
        "text" => "write one word, or a text in quotes".to_owned(),
        "a list" => {
            "write a list: its items in brackets, or each in a line of its own after a dash".to_owned()
        }
        "a map of keys" => "write keys with their values: {key: value}".to_owned(),
        other => format!("write {other}"),
    }
}

fn whole_number(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Unsigned(_) => "write a smaller number",
        Unexpected::Signed(_) => "write a number that is not below 0",
        Unexpected::Float(_) => "write it without decimals",
        _ => "write digits only",
    }
}

/// The mend where keys are expected and something else stands. A number where there is one key is most likely its value.
pub(super) fn keys_mend(keys: &[&str], found: &Node) -> String {
    let number = match &found.value {
        Value::Scalar(Scalar { text, plain: Plain::Integer(_) }) => Some(text),
        _ => None,
    };
    match (keys, number) {
        ([only], Some(number)) => format!("write {{{only}: {number}}}"),
        ([only], None) => format!("write {{{only}: …}}"),
        _ => format!("write keys with their values; known here: {}", keys.join(", ")),
    }
}
