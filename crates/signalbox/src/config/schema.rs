//! The JSON Schema of `signalbox.yaml`, put together from the sections and the connectors.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use signalbox_connector::Connector;

use super::read::NEVER_WRITTEN;
use super::sections;
use crate::connectors;

/// The whole schema, JSON Schema 2020-12.
pub(crate) fn schema() -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.meta_schema = None;
    let mut sections = Sections { generator: settings.into_generator(), defs: Map::new() };
    let properties = json!({
        "district": sections.of::<sections::District>(),
        "data_dir": {"type": "string", "default": "./var", "description": "Where the hub keeps its files."},
        "calendars": list(sections.of::<sections::Calendar>()),
        "feeds": list(sections.feed()),
        "destinations": list(sections.destination()),
        "routes": list(sections.of::<sections::Route>()),
        "risk": sections.of::<sections::Risk>(),
        "log": sections.of::<sections::Log>(),
        "store": sections.of::<sections::Store>(),
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "signalbox.yaml",
        "description": "A district's hub. Relative paths start at this file's folder.",
        "type": "object",
        "properties": properties,
        "required": ["district"],
        "additionalProperties": false,
        "$defs": sections.definitions(),
    })
}

/// The vocabulary of a configuration.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Every key, and every word that may stand as a value.
    pub(super) known: BTreeSet<String>,
    /// Keys whose value may be a text.
    pub(super) take_text: BTreeSet<String>,
}

pub(super) fn words() -> Words {
    let schema = schema();
    let mut words = Words::default();
    collect(&schema, &schema["$defs"], &mut words);
    words
}

fn collect(schema: &Value, definitions: &Value, words: &mut Words) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                words.known.extend(properties.keys().cloned());
                let texts = properties.iter().filter(|(_, property)| takes_text(property, definitions));
                words.take_text.extend(texts.map(|(key, _)| key.clone()));
            }
            let word = object.get("const").into_iter();
            let list = object.get("enum").and_then(Value::as_array).into_iter().flatten();
            words.known.extend(word.chain(list).filter_map(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| collect(value, definitions, words));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, definitions, words)),
        _ => {}
    }
}

/// Whether a text, or a list of texts, may stand there.
fn takes_text(schema: &Value, definitions: &Value) -> bool {
    if let Some(target) = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/")) {
        return takes_text(&definitions[target], definitions);
    }
    let is_string = |kind: &Value| {
        kind == "string" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("string")))
    };
    let any_of = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
    is_string(&schema["type"])
        || schema.get("enum").is_some()
        || schema.get("const").is_some()
        || any_of.chain(schema.get("items")).any(|schema| takes_text(schema, definitions))
}

fn list(items: impl Into<Value>) -> Value {
    json!({"type": "array", "items": items.into()})
}

struct Sections {
    generator: SchemaGenerator,
    /// Definitions of the connectors' schemas, each under its connector's name.
    defs: Map<String, Value>,
}

impl Sections {
    fn of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    fn definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.generator.take_definitions(true);
        definitions.append(&mut self.defs);
        definitions.values_mut().for_each(leave_out_unknown);
        definitions
    }

    fn feed(&mut self) -> Value {
        let common = json!({
            "name": {"type": "string", "pattern": "^[a-z0-9-]+$"},
            "mode": {
                "enum": ["history", "test", "live"],
                "default": "test",
                "description": "history: nobody is alerted; test: alerts are shown, none is sent; live: they are sent.",
            },
            "roster_of_record": {"type": "boolean", "description": "Its ids are the district's; one feed only."},
        });
        self.part(common, connectors::sources())
    }

    fn destination(&mut self) -> Value {
        let common = json!({"name": {"type": "string", "pattern": "^[a-z0-9-]+$"}});
        self.part(common, connectors::destinations())
    }

    /// A map with a name, a few settings and exactly one connector's section.
    fn part(&mut self, mut properties: Value, connectors: impl Iterator<Item = &'static Connector>) -> Value {
        let mut one_of = Vec::new();
        for connector in connectors {
            properties[connector.name] = self.connector(connector);
            one_of.push(json!({"required": [connector.name]}));
        }
        json!({
            "type": "object",
            "properties": properties,
            "required": ["name"],
            "oneOf": one_of,
            "additionalProperties": false,
        })
    }

    /// A connector's own schema, with its definitions moved to ours.
    fn connector(&mut self, connector: &Connector) -> Value {
        let mut schema = (connector.config_schema)().to_value();
        point_refs(&mut schema, connector.name);
        if let Some(object) = schema.as_object_mut() {
            object.remove("$schema");
            object.insert("description".to_owned(), connector.about.into());
            if let Some(Value::Object(defs)) = object.remove("$defs") {
                let named = |(name, def)| (format!("{}.{name}", connector.name), def);
                self.defs.extend(defs.into_iter().map(named));
            }
        }
        schema
    }
}

/// Of words to choose from, leaves out the hub's own for what it does not know: nobody writes it.
fn leave_out_unknown(definition: &mut Value) {
    let is_written =
        |word: &Value| word != NEVER_WRITTEN && word.get("const").is_none_or(|word| word != NEVER_WRITTEN);
    for key in ["oneOf", "enum"] {
        if let Some(words) = definition.get_mut(key).and_then(Value::as_array_mut) {
            words.retain(is_written);
        }
    }
}

/// Makes `#/$defs/Name` read `#/$defs/connector.Name`.
fn point_refs(schema: &mut Value, connector: &str) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref")
                && let Some(name) = target.strip_prefix("#/$defs/")
            {
                *target = format!("#/$defs/{connector}.{name}");
            }
            object.values_mut().for_each(|value| point_refs(value, connector));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| point_refs(value, connector)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
