//! The keys of rules: what there is to set, and the mend where a setting cannot be read.

use schemars::generate::SchemaSettings;
use serde_json::Value;
use signalbox_risk::Settings;

use crate::config::place::{Fault, Place, did_you_mean, quoted};
use crate::config::read::NEVER_WRITTEN;
use crate::config::tree::Node;
use crate::problem::Report;

/// The keys of a rule that are no settings of its own.
pub(super) const OF_ALL: [&str; 3] = ["rule", "grades", "schools"];

/// Reports why the settings of a rule cannot be read. All that are missing are named, not the first only.
pub(super) fn faults(name: &str, node: &Node, fault: Fault, report: &mut Report) {
    match fault.code {
        "missing_key" if fault.place == Some(node.place) => missing(name, node, report),
        "unknown_key" => report.fault(Fault { help: unknown(name, node, &fault), ..fault }),
        _ => report.fault(fault),
    }
}

fn missing(name: &str, node: &Node, report: &mut Report) {
    let schema = schema(name);
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for key in required.filter(|key| node.get(key).is_none()) {
        let help = format!("add \"{key}: …\", {}", form(&schema["properties"][key]));
        report.error(node.place, "missing_key", format!("the key \"{key}\" is missing"), help);
    }
}

/// The keys that every rule takes are known beside its own; one inside a setting is not the rule's.
fn unknown(name: &str, node: &Node, fault: &Fault) -> String {
    let Some(key) = key_at(node, fault.place) else { return fault.help.clone() };
    let own = keys(name);
    did_you_mean(key, own.iter().map(String::as_str).chain(OF_ALL))
}

fn key_at(node: &Node, place: Option<Place>) -> Option<&str> {
    node.entries().iter().find(|(key, _)| Some(key.place) == place).map(|(key, _)| key.text.as_str())
}

/// A key of rules that stands beside them, where there is none of that name.
pub(in crate::config) fn of_a_rule(section: &Node, fault: Fault) -> Fault {
    let Some(key) = key_at(section, fault.place).filter(|_| fault.code == "unknown_key") else {
        return fault;
    };
    let takes = |name: &&&str| OF_ALL.contains(&key) || keys(name).iter().any(|own| own == key);
    let Some(rule) = Settings::NAMES.iter().find(takes) else { return fault };
    let help = match key {
        "rule" => format!("it stands in a rule: rules: [{{rule: {rule}}}]"),
        _ => format!("it stands in a rule: rules: [{{rule: {rule}, {key}: …}}]"),
    };
    Fault { help, ..fault }
}

/// What is wrong with a list of grades or schools, and the mend.
pub(super) fn no_names(key: &str, written: &Node) -> (String, String) {
    let example = if key == "grades" { "\"09\", \"10\"" } else { "\"0420\"" };
    match written.text().map(quoted) {
        Some(one) if one.starts_with('"') => {
            (format!("{key} is a list, found one name"), format!("write {key}: [{one}]"))
        }
        None if written.items().is_empty() => (
            format!("{key} names none: the rule can never fire"),
            format!("e.g. {key}: [{example}], or leave {key} out: the rule is then for all"),
        ),
        _ => (
            format!("{key} is a list of names"),
            format!("e.g. {key}: [{example}]; quotes keep leading zeros"),
        ),
    }
}

/// The names of a rule's own settings.
fn keys(name: &str) -> Vec<String> {
    schema(name)["properties"].as_object().into_iter().flat_map(|own| own.keys().cloned()).collect()
}

/// What a rule takes, without references to elsewhere.
fn schema(name: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|to| to.inline_subschemas = true);
    let all = Settings::schemas(&mut settings.into_generator());
    let own = all.into_iter().find(|(rule, _)| *rule == name);
    own.map_or(Value::Null, |(_, schema)| schema.to_value())
}

/// How a setting is written, in words.
fn form(setting: &Value) -> String {
    let own = words(setting);
    match setting["type"].as_str() {
        _ if !own.is_empty() => format!("one of {}", own.join(", ")),
        Some("array") => format!("a list of {}", words(&setting["items"]).join(", ")),
        Some("integer") => "a whole number".to_owned(),
        Some("number") => format!("a number from {} to {}", setting["minimum"], setting["maximum"]),
        _ => "a setting of this rule".to_owned(),
    }
}

/// The words that a value may be, but for the hub's own word for what it does not know.
fn words(schema: &Value) -> Vec<&str> {
    let some = |key: &str| schema[key].as_array().into_iter().flatten();
    let one_by_one = some("oneOf").filter_map(|one| one["const"].as_str());
    let in_lists = some("oneOf").chain([schema]).filter_map(|one| one["enum"].as_array()).flatten();
    one_by_one.chain(in_lists.filter_map(Value::as_str)).filter(|word| *word != NEVER_WRITTEN).collect()
}
