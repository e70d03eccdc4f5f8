use std::path::Path;

use super::*;

fn instance(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).expect("sound YAML")
}

#[test]
fn the_schema_takes_every_example_and_refuses_what_check_refuses() {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).expect("a sound schema");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for entry in std::fs::read_dir(examples).expect("the examples are there") {
        let path = entry.expect("an entry").path().join("signalbox.yaml");
        if path.is_file() {
            let text = std::fs::read_to_string(&path).expect("readable");
            let faults: Vec<String> = validator
                .iter_errors(&instance(&text))
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        }
    }
    for bad in [
        "{}",
        "district: {id: a, timezone: UTC, zone: x}",
        "district: {id: a, timezone: UTC}\nfeeds: [{name: a}]",
        "district: {id: a, timezone: UTC}\nfeeds: [{name: A, csv: {}}]",
        "district: {id: a, timezone: UTC}\nfeeds: [{name: a, webhook: {}}]",
        "district: {id: a, timezone: UTC}\nroutes: [{rule: x}]",
        "district: {id: a, timezone: UTC}\nrisk: {rules: [{rule: behavior, categories: [unknown], at_least: 2}]}",
    ] {
        assert!(!validator.is_valid(&instance(bad)), "{bad}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn each_ref<'a>(value: &'a Value, see: &mut dyn FnMut(&'a str)) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(target)) = object.get("$ref") {
                    see(target);
                }
                object.values().for_each(|value| each_ref(value, see));
            }
            Value::Array(values) => values.iter().for_each(|value| each_ref(value, see)),
            _ => {}
        }
    }
    let schema = schema();
    each_ref(&schema, &mut |target| {
        let pointer = target.strip_prefix('#').expect("a reference inside the schema");
        assert!(schema.pointer(pointer).is_some(), "{target}");
    });
}
