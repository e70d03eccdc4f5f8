//! A column of a file: its name, or its name with how its values are written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use signalbox_connector::delimited::DateFormat;

/// A column's name, with how its values are written.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// At least one; several are joined.
    pub(crate) from: Vec<String>,
    pub(crate) format: Option<DateFormat>,
    /// Words for no value.
    pub(crate) none: Vec<String>,
    /// Whether the date is the first day out.
    pub(crate) exclusive: bool,
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

struct ColumnVisitor;

impl<'de> Visitor<'de> for ColumnVisitor {
    type Value = Column;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a column's name (in quotes, if it reads as a number), or {from: name, format: \"%m/%d/%Y\"}",
        )
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Column, E> {
        let from = vec![named(name)?];
        Ok(Column { from, format: None, none: Vec::new(), exclusive: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Column, A::Error> {
        let ColumnTable { from, format, none, exclusive } =
            ColumnTable::deserialize(MapAccessDeserializer::new(map))?;
        let format = format.map(|pattern| DateFormat::new(&pattern)).transpose();
        let none: Vec<String> = none.into_iter().map(|word| word.trim().to_owned()).collect();
        if none.iter().any(String::is_empty) {
            return Err(de::Error::custom("none names a blank word: an empty cell is none as it is"));
        }
        Ok(Column { from: from.0, format: format.map_err(de::Error::custom)?, none, exclusive })
    }
}

fn named<E: de::Error>(name: &str) -> Result<String, E> {
    match name.trim() {
        "" => Err(E::custom("a column's name is blank")),
        name => Ok(name.to_owned()),
    }
}

/// A column with how its values are written.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ColumnTable {
    /// The column's name in the header; for a column of codes also a list of names, whose values are joined
    /// with `|`.
    #[schemars(with = "NamesShape")]
    from: Names,
    /// How its dates are written (strptime); ISO 8601 without it. With `%z` the day is that of the district's zone.
    #[serde(default)]
    format: Option<String>,
    /// Exit and birth date: words for no date, such as `12/31/9999`.
    #[serde(default)]
    none: Vec<String>,
    /// Exit only: the date is the first day out, not the last day in.
    #[serde(default)]
    exclusive: bool,
}

/// One name, or several.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name (in quotes, if it reads as a number), or a list of names")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
        Ok(Names(vec![named(name)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element::<String>()? {
            names.push(named(&name)?);
        }
        if names.is_empty() {
            return Err(de::Error::custom("the list of columns is empty: name at least one"));
        }
        Ok(Names(names))
    }
}

/// The shape that [`Names`] reads, for the schema only.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what the visitor reads")]
enum NamesShape {
    One(String),
    Several(Vec<String>),
}

/// The shape that [`Column`] reads, for the schema only.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what the visitor reads")]
enum ColumnShape {
    Name(String),
    Table(ColumnTable),
}

impl JsonSchema for Column {
    fn schema_name() -> Cow<'static, str> {
        "Column".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        ColumnShape::json_schema(generator)
    }
}
