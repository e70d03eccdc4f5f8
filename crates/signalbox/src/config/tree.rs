//! The YAML as a tree in which every key and value knows its place.
//!
//! Sections are read from this tree one by one, so that one `check` finds the faults of all of them, and a fault
//! inside a connector's section keeps its line and column.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::place::{Fault, Place};

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A scalar as it is written, and what it says when it is not meant as text.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) plain: Plain,
}

/// What a scalar without quotes says by itself. `007` or `no` as a code keeps its text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plain {
    Text,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Null,
}

impl Node {
    /// Reads one YAML document.
    pub(crate) fn parse(source: &str) -> Result<Self, Fault> {
        let options = serde_saphyr::options! { strict_booleans: true };
        let raw: Spanned<Raw> =
            serde_saphyr::from_str_with_options(source, options).map_err(|error| syntax_fault(&error))?;
        Ok(node(raw, source))
    }

    /// The entries of a map; none for anything else.
    pub(crate) fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&(Key, Self)> {
        self.entries().iter().find(|(k, _)| k.text == key)
    }

    /// Gives a key of a map another value.
    pub(crate) fn set(&mut self, key: &str, text: &str) {
        let Value::Map(entries) = &mut self.value else { return };
        if let Some((_, node)) = entries.iter_mut().find(|(k, _)| k.text == key) {
            node.value = Value::Scalar(Scalar { text: text.to_owned(), plain: Plain::Text });
        }
    }

    /// The text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Scalar { plain: Plain::Null, .. }) | Value::List(_) | Value::Map(_) => None,
            Value::Scalar(scalar) => Some(&scalar.text),
        }
    }

    /// The place of what stands at a path of keys and list indices, or of the last part of it that exists.
    pub(crate) fn place_of(&self, path: &[&str]) -> Place {
        let Some((head, rest)) = path.split_first() else { return self.place };
        let next = match head.parse::<usize>() {
            Ok(index) => self.items().get(index),
            Err(_) => self.get(head),
        };
        next.map_or(self.place, |node| node.place_of(rest))
    }

    /// Calls `see` with every scalar below, and the key it stands under.
    pub(crate) fn each_scalar<'a>(&'a self, key: &'a str, see: &mut dyn FnMut(&'a str, &'a str, Place)) {
        match &self.value {
            Value::Scalar(scalar) => see(key, &scalar.text, self.place),
            Value::List(items) => items.iter().for_each(|item| item.each_scalar(key, see)),
            Value::Map(entries) => entries.iter().for_each(|(key, node)| node.each_scalar(&key.text, see)),
        }
    }
}

impl From<Location> for Place {
    fn from(at: Location) -> Self {
        Self { line: at.line(), column: at.column() }
    }
}

fn syntax_fault(error: &serde_saphyr::Error) -> Fault {
    let place = error.location().map(Place::from);
    let bare = error.without_snippet();
    if let serde_saphyr::Error::DuplicateMappingKey { key, .. } = bare {
        let message = match key {
            Some(key) => format!("the key \"{key}\" stands here twice"),
            None => "a key stands here twice".to_owned(),
        };
        return Fault { place, code: "duplicate_key", message, help: "keep one of the two".to_owned() };
    }
    if let serde_saphyr::Error::MultipleDocuments { .. } = bare {
        let help = "take out the line ---, or what follows it".to_owned();
        return Fault {
            place,
            code: "yaml_syntax",
            message: "the file holds more than one document".to_owned(),
            help,
        };
    }
    let text = bare.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned();
    let help = "mind indentation, quotes and brackets around this line; text with \": \" or \" #\" in it needs quotes";
    Fault { place, code: "yaml_syntax", message, help: help.to_owned() }
}

/// What serde-saphyr infers, before the text of scalars is put back.
enum Raw {
    Scalar(Plain, Option<String>),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

fn node(raw: Spanned<Raw>, source: &str) -> Node {
    let value = match raw.value {
        Raw::Scalar(plain, Some(text)) => Value::Scalar(Scalar { text, plain }),
        Raw::Scalar(plain, None) => Value::Scalar(Scalar { text: slice(source, raw.defined), plain }),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, source)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    (Key { text: key.value, place: key.referenced.into() }, node(value, source))
                })
                .collect(),
        ),
    };
    Node { place: raw.referenced.into(), value }
}

/// The text of a scalar without quotes, as written.
fn slice(source: &str, at: Location) -> String {
    let span = at.span();
    let range = span.byte_offset().zip(span.byte_len());
    range
        .and_then(|(from, len)| source.get(from as usize..(from + len) as usize))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Bool(value), None))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Integer(value), None))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(i64::try_from(value).map_or(Plain::Text, Plain::Integer), None))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Text, None))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Text, None))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Float(value), None))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Text, Some(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Null, None))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Plain::Null, None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
