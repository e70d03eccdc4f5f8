//! Reads Rust types out of the located tree, through serde, and keeps the place of the innermost fault.
//!
//! Connectors read their section through `erased_serde`, which turns errors into plain text on their way out. So the
//! place is noted here, in a `Trace`, where the error first appears, and picked up where reading began.

mod mend;
mod reader;

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeOwned, Expected, Unexpected};
use signalbox_connector::erased_serde;

pub(super) use self::mend::NEVER_WRITTEN;
use self::mend::{bare_mend, words_known};
use super::place::{Fault, Place, did_you_mean, quoted};
use super::tree::{Key, Node};
use reader::Reader;

/// The innermost fault so far.
type Trace = RefCell<Option<Fault>>;

/// Reads a `T` from the value of `key`.
pub(crate) fn read<T: DeserializeOwned>(key: &Key, node: &Node) -> Result<T, Fault> {
    let trace = Trace::default();
    T::deserialize(Reader::new(node, key.place, &trace))
        .map_err(|error| innermost(&trace, error.0, key, node))
}

/// Hands the value of `key` to a connector's parser.
pub(crate) fn read_erased<T>(
    key: &Key,
    node: &Node,
    parse: impl FnOnce(&mut dyn erased_serde::Deserializer<'_>) -> Result<T, erased_serde::Error>,
) -> Result<T, Fault> {
    let trace = Trace::default();
    let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(Reader::new(node, key.place, &trace));
    parse(&mut erased).map_err(|error| {
        let ReadError(fault) = de::Error::custom(error);
        innermost(&trace, fault, key, node)
    })
}

/// The noted fault, or the last one: it was found after reading, when parts of the section were compared.
fn innermost(trace: &Trace, last: Fault, key: &Key, node: &Node) -> Fault {
    if let Some(noted) = trace.borrow_mut().take() {
        return noted;
    }
    let place = named_place(&last.message, node).unwrap_or(key.place);
    Fault { place: Some(place), ..last }
}

/// A message that begins with a path of keys (`columns.date is no …`) speaks of what stands there.
fn named_place(message: &str, node: &Node) -> Option<Place> {
    let path: Vec<&str> = message.split_whitespace().next()?.split('.').collect();
    let (first, _) = path.split_first()?;
    node.get(first).map(|_| node.place_of(&path))
}

/// serde's error, as a fault whose place is filled in on the way out.
#[derive(Debug)]
pub(super) struct ReadError(Fault);

impl ReadError {
    fn new(code: &'static str, message: String, help: String) -> Self {
        Self(Fault { place: None, code, message, help })
    }

    fn unexpected(code: &'static str, found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = plain_expected(expected);
        let message = format!("expected {expected}, found {}", plain_found(found));
        Self::new(code, message, bare_mend(&expected, found))
    }
}

impl std::error::Error for ReadError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        // A connector may give the mend with its message, parted by a semicolon.
        let (message, help) = text.split_once("; ").unwrap_or((&text, ""));
        Self::new("invalid_value", message.to_owned(), help.to_owned())
    }

    /// Never repeats the text that was found: it may be a secret that stands in the wrong place.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unexpected("invalid_type", found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unexpected("invalid_value", found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let help = did_you_mean(variant, words_known(expected));
        Self::new("unknown_word", format!("{} is not known here", quoted(variant)), help)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = did_you_mean(field, expected.iter().copied());
        Self::new("unknown_key", format!("unknown key {}", quoted(field)), help)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("missing_key", format!("the key \"{field}\" is missing"), format!("add \"{field}: …\""))
    }

    fn duplicate_field(field: &'static str) -> Self {
        let help = "keep one of the two".to_owned();
        Self::new("duplicate_key", format!("the key \"{field}\" stands here twice"), help)
    }
}

/// What serde expected, without the names of Rust types.
fn plain_expected(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.split(' ').next() {
        Some("struct") => "a map of keys".to_owned(),
        Some("enum") => "one of the words known here".to_owned(),
        Some("u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64") => "a whole number".to_owned(),
        _ => match text.as_str() {
            "a string" => "text".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "a sequence" => "a list".to_owned(),
            "a map" => "a map of keys".to_owned(),
            _ => text,
        },
    }
}

fn plain_found(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "text".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
