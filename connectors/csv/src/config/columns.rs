//! `columns`: which of a file's columns holds what. Which there are, the entities say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use signalbox_connector::Entity;
use signalbox_connector::delimited::DateFormat;
use signalbox_connector::event::rows::Holds;
use signalbox_connector::serde_json::{Map, Value, json};

use super::Column;
use super::one_of::OneOf;

/// Every name that some entity has.
static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<_> = Entity::mapped().flat_map(Entity::columns).map(|column| column.name).collect();
    names.sort_unstable();
    names.dedup();
    names
});

/// The mapped columns, by what they hold.
#[derive(Debug, Default)]
pub(crate) struct Columns(BTreeMap<&'static str, Column>);

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ColumnsVisitor)
    }
}

struct ColumnsVisitor;

impl<'de> Visitor<'de> for ColumnsVisitor {
    type Value = Columns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("which column holds what, such as {student: Student_Number}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Columns, A::Error> {
        let mut columns = BTreeMap::new();
        let name = || OneOf { names: &NAMES, what: "what a column holds, such as student" };
        while let Some(name) = map.next_key_seed(name())? {
            let column = map.next_value::<Option<Column>>()?;
            if column.and_then(|column| columns.insert(name, column)).is_some() {
                return Err(de::Error::duplicate_field(name));
            }
        }
        Ok(Columns(columns))
    }
}

impl Columns {
    /// The column that holds this, if one is mapped.
    pub(super) fn take(&mut self, name: &str) -> Option<Column> {
        self.0.remove(name)
    }

    /// Whether these are columns of the entity's, and all that it needs.
    pub(super) fn check(&self, entity: Entity) -> Result<(), String> {
        for column in entity.columns().iter().filter(|column| column.required) {
            if !self.0.contains_key(column.name) {
                let all = names_of(entity, |column| column.required).join(", ");
                return Err(format!("columns.{} is missing: a {entity} feed needs {all}", column.name));
            }
        }
        for (name, column) in &self.0 {
            let known = entity.column(name);
            let known = known.ok_or_else(|| format!("columns.{name} has no place in a {entity} feed"))?;
            column.check(name, known.holds, entity)?;
        }
        Ok(())
    }

    /// All of them as canonical JSON, defaults spelled out.
    pub(super) fn mapping(&self, entity: Entity) -> Map<String, Value> {
        let written = self.0.iter().map(|(name, column)| {
            let is_date = entity.column(name).is_some_and(|column| column.holds.is_date());
            let format = column.format.as_ref().map_or(DateFormat::ISO.pattern(), DateFormat::pattern);
            let format = is_date.then_some(format);
            let Column { from, none, exclusive, .. } = column;
            let said = json!({"from": from, "format": format, "none": none, "exclusive": exclusive});
            ((*name).to_owned(), said)
        });
        written.collect()
    }
}

impl Column {
    fn check(&self, name: &str, holds: Holds, entity: Entity) -> Result<(), String> {
        if self.format.is_some() && !holds.is_date() {
            return Err(format!("columns.{name} is no date and takes no format"));
        }
        if self.from.len() > 1 && !matches!(holds, Holds::Word(_) | Holds::Code(_)) {
            let only = those(entity, |holds| matches!(holds, Holds::Word(_) | Holds::Code(_)));
            return Err(format!("columns.{name} takes one column{only}"));
        }
        if self.exclusive && holds != Holds::LastDay {
            let only = those(entity, |holds| holds == Holds::LastDay);
            return Err(format!(
                "columns.{name} takes no exclusive, the first day out for a last day in{only}"
            ));
        }
        if !self.none.is_empty() && !holds.may_lack() {
            let only = those(entity, Holds::may_lack);
            return Err(format!("columns.{name} takes no words for none{only}"));
        }
        Ok(())
    }
}

/// Which columns of the entity may do what another may not.
fn those(entity: Entity, may: impl Fn(Holds) -> bool) -> String {
    let names = names_of(entity, |column| may(column.holds));
    if names.is_empty() { String::new() } else { format!(": only {} may", names.join(" and ")) }
}

fn names_of(
    entity: Entity,
    wanted: impl Fn(&signalbox_connector::event::rows::Column) -> bool,
) -> Vec<&'static str> {
    entity.columns().iter().filter(|column| wanted(column)).map(|column| column.name).collect()
}

impl JsonSchema for Columns {
    fn schema_name() -> Cow<'static, str> {
        "Columns".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for name in NAMES.iter() {
            let mut schema = generator.subschema_for::<Column>();
            schema.insert("description".to_owned(), about(name).into());
            properties.insert((*name).to_owned(), schema.into());
        }
        json_schema!({
            "description": "Column names as the header writes them; upper and lower case matter only where two names differ in \
                            nothing else. `{from: Name, format: \"%m/%d/%Y\"}` for a date that is not ISO 8601.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

/// What a column of this name holds, of each entity that has one.
fn about(name: &str) -> String {
    let of = |entity: Entity| {
        let column = entity.column(name)?;
        let required = if column.required { ", required" } else { "" };
        Some(format!("{entity}{required}: {}.", column.about))
    };
    Entity::mapped().filter_map(of).collect::<Vec<_>>().join(" ")
}
