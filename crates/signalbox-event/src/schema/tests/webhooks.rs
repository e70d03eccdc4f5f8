//! The files below `schemas/webhooks/`: bodies of webhooks as the types say, and samples about invented people.

use std::fs;

use serde_json::Value;

use super::ordered::Ordered;
use super::{publish, repository};
use crate::webhook::{FlagAlert, StandingList, TYPES, TestMessage, schema};

fn sample(kind: &str) -> Value {
    let file = repository().join("schemas/webhooks/samples").join(format!("{kind}.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

#[test]
fn every_body_is_published_as_the_types_say() {
    for kind in TYPES {
        let schema = schema(kind).expect("there is one");
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{kind}");
        let text = serde_json::to_string_pretty(&Ordered(&schema)).expect("a schema serialises");
        publish(&format!("webhooks/{kind}.json"), &format!("{text}\n"));
    }
    assert_eq!(schema("risk.flag.guessed"), None);
}

#[test]
fn every_sample_fits_its_schema_in_its_formats_too() {
    for kind in TYPES {
        let schema = schema(kind).expect("there is one");
        let validator =
            jsonschema::options().should_validate_formats(true).build(&schema).expect("it compiles");
        let sample = sample(kind);
        let faults: Vec<String> = validator.iter_errors(&sample).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{kind}");
        for wrong in ["type", "timestamp", "data"] {
            let mut broken = sample.clone();
            broken[wrong] = Value::from("no such thing");
            assert!(!validator.is_valid(&broken), "{kind}: {wrong}");
        }
    }
}

/// What is told is what the types can say, nothing more and nothing less.
#[test]
fn every_sample_is_what_its_type_says() {
    for kind in TYPES {
        let data = sample(kind)["data"].clone();
        let again = match kind {
            "risk.flags.standing" => {
                serde_json::from_value(data.clone()).map(|list: StandingList| serde_json::to_value(list))
            }
            "signalbox.test" => {
                serde_json::from_value(data.clone()).map(|test: TestMessage| serde_json::to_value(test))
            }
            _ => serde_json::from_value(data.clone()).map(|flag: FlagAlert| serde_json::to_value(flag)),
        };
        assert_eq!(again.expect("reads").expect("serialises"), data, "{kind}");
    }
}
