//! The examples below `schemas/events/<type>/examples` are events in structured mode, about invented people.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::asyncapi::headers;
use super::{leaves, repository, schema};
use crate::codec::{from_record, from_structured, to_binary, to_structured};
use crate::kind::Kind;
use crate::{Event, topic};

/// Every example of a kind: its file's name and its text.
fn examples(kind: Kind) -> Vec<(String, String)> {
    let folder = repository().join("schemas/events").join(kind.short()).join("examples");
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files
        .map(|file| {
            let file = file.expect("reads the folder");
            let name = format!("{}/{}", kind.short(), file.file_name().display());
            (name, fs::read_to_string(file.path()).expect("reads the example"))
        })
        .collect()
}

fn each(mut check: impl FnMut(Kind, &str, &Value, &Event)) {
    for &kind in Kind::ALL {
        for (name, text) in examples(kind) {
            let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let event = from_structured(text.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(event.kind(), kind, "{name}");
            check(kind, &name, &json, &event);
        }
    }
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(schema).expect("the schema compiles")
}

#[test]
fn every_kind_has_one_to_three_examples() {
    for &kind in Kind::ALL {
        assert!((1..=3).contains(&examples(kind).len()), "{kind}");
    }
}

#[test]
fn every_example_fits_its_schema() {
    each(|kind, name, json, _| {
        let faults: Vec<String> =
            validator(&schema(kind)).iter_errors(&json["data"]).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}");
    });
}

/// Shows that the check above can fail, in its formats too.
#[test]
fn a_schema_refuses_what_does_not_fit() {
    let validator = validator(&schema(Kind::AttendanceDaily));
    let day = |date: &str, category: &str| json!({"school": "100", "date": date, "category": category});
    assert!(validator.is_valid(&day("2021-09-07", "tardy")));
    assert!(!validator.is_valid(&day("2021-02-30", "tardy")));
    assert!(!validator.is_valid(&day("2021-09-07", "asleep")));
    assert!(!validator.is_valid(&json!({"school": "100"})));
}

#[test]
fn every_example_round_trips_in_both_modes() {
    each(|_, name, json, event| {
        let structured: Value = serde_json::from_str(&to_structured(event)).expect("reads back");
        assert_eq!(&structured, json, "{name}");
        let (headers, value) = to_binary(event);
        let read = from_record(headers.iter().map(|(name, bytes)| (*name, &bytes[..])), &value);
        assert_eq!(&read.expect("reads back"), event, "{name}");
    });
}

#[test]
fn the_headers_of_every_example_fit_the_header_schema() {
    let validator = validator(&headers());
    each(|_, name, _, event| {
        let text = |bytes: Cow<'_, [u8]>| String::from_utf8(bytes.into_owned()).expect("headers are UTF-8");
        let headers: Value =
            to_binary(event).0.into_iter().map(|(name, bytes)| (name, text(bytes))).collect();
        assert!(validator.is_valid(&headers), "{name}: {headers}");
    });
}

#[test]
fn every_example_is_keyed_as_the_hub_keys_it() {
    each(|_, name, _, event| {
        let district = event.source.split('/').nth(2).expect("a source names the district");
        let key = event.subject.map(|student| topic::student_key(district, &student));
        assert_eq!(key.is_some(), event.kind().data_class() != crate::DataClass::Operational, "{name}");
        assert!(key.is_none_or(|key| key == event.partition_key), "{name}");
    });
}

#[test]
fn every_field_stands_in_an_example() {
    for &kind in Kind::ALL {
        let schema = schema(kind);
        let mut seen = BTreeSet::new();
        // Kinds of one data type share its fields: a raise has no `reason`, a withdrawal no `clears_when`.
        let alike =
            Kind::ALL.iter().filter(|other| super::schema(**other)["properties"] == schema["properties"]);
        for (_, text) in alike.flat_map(|other| examples(*other)) {
            let json: Value = serde_json::from_str(&text).expect("an example is JSON");
            paths(&json["data"], "", &mut seen);
        }
        let unseen: Vec<String> =
            leaves(&schema).into_iter().map(|(path, _)| path).filter(|path| !seen.contains(path)).collect();
        assert_eq!(unseen, Vec::<String>::new(), "{kind}");
    }
}

/// The paths of everything inside, lists passed through.
fn paths(json: &Value, under: &str, seen: &mut BTreeSet<String>) {
    for item in json.as_array().into_iter().flatten() {
        paths(item, under, seen);
    }
    for (name, value) in json.as_object().into_iter().flatten() {
        let path = if under.is_empty() { name.clone() } else { format!("{under}.{name}") };
        paths(value, &path, seen);
        seen.insert(path);
    }
}
