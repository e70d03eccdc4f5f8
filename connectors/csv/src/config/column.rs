//! Values of the section that take more than a derive.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use signalbox_connector::delimited::DateFormat;
use signalbox_connector::event::data::AttendanceCategory;

/// A column's name, with its date format if it has one.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) from: String,
    pub(crate) format: Option<DateFormat>,
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
        named(name, None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Column, A::Error> {
        let table = ColumnTable::deserialize(MapAccessDeserializer::new(map))?;
        let format = table.format.map(|pattern| DateFormat::new(&pattern)).transpose();
        named(&table.from, format.map_err(de::Error::custom)?)
    }
}

fn named<E: de::Error>(name: &str, format: Option<DateFormat>) -> Result<Column, E> {
    match name.trim() {
        "" => Err(E::custom("a column's name is blank")),
        name => Ok(Column { from: name.to_owned(), format }),
    }
}

/// A column with a format.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ColumnTable {
    /// The column's name in the header.
    from: String,
    /// How its dates are written (strptime); ISO 8601 without it.
    #[serde(default)]
    format: Option<String>,
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

/// A word that a code may be mapped to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word(pub(crate) AttendanceCategory);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let category = AttendanceCategory::MAPPABLE.into_iter().find(|category| category.as_str() == text);
        category.map(Word).ok_or_else(|| {
            de::Error::custom(format!("\"{text}\" is no word for a school day; one of {}", words()))
        })
    }
}

/// The words that a code may be mapped to, for people.
pub(crate) fn words() -> String {
    AttendanceCategory::MAPPABLE.map(AttendanceCategory::as_str).join(", ")
}

impl JsonSchema for Word {
    fn schema_name() -> Cow<'static, str> {
        "AttendanceWord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "enum": AttendanceCategory::MAPPABLE.map(AttendanceCategory::as_str)})
    }
}
