//! JSON in the order in which people read a schema: what it is, then what it holds; the rest by name.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

const FIRST: [&str; 21] = [
    "asyncapi",
    "$schema",
    "$id",
    "$ref",
    "info",
    "name",
    "title",
    "version",
    "address",
    "action",
    "channel",
    "summary",
    "description",
    "type",
    "const",
    "format",
    "x-ndpa",
    "x-data-class",
    "properties",
    "channels",
    "operations",
];

pub(super) struct Ordered<'a>(pub &'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => {
                let mut entries: Vec<_> = object.iter().collect();
                entries.sort_by_key(|(name, _)| FIRST.iter().position(|first| first == name).unwrap_or(99));
                let mut map = to.serialize_map(Some(entries.len()))?;
                for (name, value) in entries {
                    map.serialize_entry(name, &Ordered(value))?;
                }
                map.end()
            }
            Value::Array(list) => to.collect_seq(list.iter().map(Ordered)),
            plain => plain.serialize(to),
        }
    }
}
