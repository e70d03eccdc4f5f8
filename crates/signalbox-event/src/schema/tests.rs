//! The files below `schemas/` are what the types say. `UPDATE_SCHEMAS=1 cargo test -p signalbox-event` rewrites them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde_json::Value;

use super::*;
use crate::Data;
use crate::kind::DataClass;

mod asyncapi;
mod docs;
mod examples;
mod ordered;
mod webhooks;

use ordered::Ordered;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a file below `schemas/` with what it should hold, or writes it when asked to.
fn publish(path: &str, text: &str) {
    let file = repository().join("schemas").join(path);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("makes the folder");
        fs::write(&file, text).expect("writes the file");
        return;
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    assert!(published == text, "schemas/{path} is stale: UPDATE_SCHEMAS=1 cargo test -p signalbox-event");
}

fn schema(kind: Kind) -> Value {
    Data::schema(kind).to_value()
}

/// The leaves of a schema: every property that is no object with properties, nor a list of such, under its path.
fn leaves(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let inner = if property["items"].is_object() { &property["items"] } else { property };
        if inner["properties"].is_object() {
            found.extend(leaves(inner).into_iter().map(|(path, leaf)| (format!("{name}.{path}"), leaf)));
        } else {
            found.push((name.clone(), property));
        }
    }
    found
}

/// The leaves without a known category or data class, or with an object hidden where `leaves` does not look.
fn untagged(schema: &Value) -> Vec<String> {
    let is_tagged = |leaf: &Value| {
        let category = leaf[X_NDPA].as_str().is_some_and(|category| NDPA_CATEGORIES.contains(&category));
        category && class(leaf).is_some() && !leaf.to_string().contains("\"properties\"")
    };
    leaves(schema).into_iter().filter(|(_, leaf)| !is_tagged(leaf)).map(|(path, _)| path).collect()
}

fn class(leaf: &Value) -> Option<DataClass> {
    serde_json::from_value(leaf[X_DATA_CLASS].clone()).ok()
}

#[test]
fn every_schema_is_published_as_the_types_say() {
    for &kind in Kind::ALL {
        let text = serde_json::to_string_pretty(&Ordered(&schema(kind))).expect("a schema serialises");
        publish(&path(kind), &format!("{text}\n"));
    }
}

#[test]
fn no_schema_is_published_that_nothing_emits() {
    let folders = fs::read_dir(repository().join("schemas/events")).expect("lists the folder");
    let published: BTreeSet<String> = folders
        .map(|folder| folder.expect("reads the folder").file_name().into_string().expect("a plain name"))
        .collect();
    assert_eq!(published, Kind::ALL.iter().map(|kind| kind.short().to_owned()).collect());
}

#[test]
fn every_schema_is_valid_alone_and_open() {
    for &kind in Kind::ALL {
        let schema = schema(kind);
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{kind}");
        assert_eq!(schema["$id"], url(kind));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let text = schema.to_string();
        for keyword in ["$ref", "additionalProperties", "unevaluatedProperties", "\"uint"] {
            assert!(!text.contains(keyword), "{kind} has {keyword}");
        }
    }
}

#[test]
fn every_leaf_states_its_ndpa_category_and_data_class() {
    for &kind in Kind::ALL {
        let schema = schema(kind);
        assert!(!leaves(&schema).is_empty(), "{kind}");
        assert_eq!(untagged(&schema), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn a_leaf_without_category_or_class_is_found() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Outer {
        #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
        good: String,
        #[schemars(extend("x-ndpa" = "Attendance"))]
        no_class: String,
        #[schemars(extend("x-ndpa" = "Shoe Size", "x-data-class" = "operational"))]
        no_such_category: u32,
        list: Vec<Inner>,
        #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
        hidden: Either,
        object: Option<Inner>,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    enum Either {
        Word { text: String },
        Number(u32),
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Inner {
        nothing: Option<String>,
    }
    let schema = of::<Outer>(Kind::OpsAction).to_value();
    assert_eq!(
        untagged(&schema),
        ["hidden", "list.nothing", "no_class", "no_such_category", "object.nothing"]
    );
}

#[test]
fn every_field_is_described() {
    fn undescribed(schema: &Value) -> Vec<String> {
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties
            .flat_map(|(name, property)| {
                let is_described = property["description"].as_str().is_some_and(|text| text.ends_with('.'));
                let own = (!is_described).then(|| name.clone());
                own.into_iter().chain(undescribed(property)).chain(undescribed(&property["items"]))
            })
            .collect()
    }
    for &kind in Kind::ALL {
        assert_eq!(undescribed(&schema(kind)), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn a_kind_is_as_sensitive_as_its_most_sensitive_field() {
    for &kind in Kind::ALL {
        let schema = schema(kind);
        let most = leaves(&schema).into_iter().filter_map(|(_, leaf)| class(leaf)).max();
        assert_eq!(most, Some(kind.data_class()), "{kind}");
    }
}
