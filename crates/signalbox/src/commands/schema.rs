//! `signalbox schema`: the JSON Schema of `signalbox.yaml`, put together from the sections and the connectors.

use std::io::Write;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use signalbox_connector::Connector;

use crate::config::sections;
use crate::connectors;
use crate::exit::{Done, Failure};

pub(super) fn run(out: &mut dyn Write) -> Result<Done, Failure> {
    serde_json::to_writer_pretty(&mut *out, &schema()).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(Done::Ok)
}

/// The whole schema, JSON Schema 2020-12.
fn schema() -> Value {
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
