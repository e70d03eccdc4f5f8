//! Arrows between crates point down only, and what is used in one place is used in one place.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::binary;

/// Every crate of ours and the crates of ours that it may depend on.
const FLOORS: &[(&str, &[&str])] = &[
    ("signalbox-event", &[]),
    ("signalbox-risk", &[]),
    ("signalbox-log", &[]),
    ("signalbox-store", &["signalbox-event"]),
    ("signalbox-connector", &["signalbox-event"]),
    ("signalbox-kafka-native", &[]),
    ("signalbox-kafka", &["signalbox-event", "signalbox-log", "signalbox-kafka-native"]),
    ("signalbox-sql", &["signalbox-event", "signalbox-log", "signalbox-store"]),
    ("connector-csv", &["signalbox-connector"]),
    ("connector-oneroster", &["signalbox-connector"]),
    ("connector-webhook", &["signalbox-connector"]),
    (
        "signalbox-hub",
        &["signalbox-event", "signalbox-risk", "signalbox-log", "signalbox-store", "signalbox-connector"],
    ),
    (
        "signalbox-ingest",
        &[
            "signalbox-event",
            "signalbox-risk",
            "signalbox-log",
            "signalbox-store",
            "signalbox-connector",
            "signalbox-hub",
        ],
    ),
    ("signalbox-consume", &["signalbox-event", "signalbox-log", "signalbox-store", "signalbox-hub"]),
    ("signalbox-deliver", &["signalbox-event", "signalbox-store", "signalbox-connector", "signalbox-hub"]),
    (
        "signalbox-scoring",
        &["signalbox-event", "signalbox-risk", "signalbox-store", "signalbox-hub", "signalbox-consume"],
    ),
    (
        "signalbox-view",
        &[
            "signalbox-event",
            "signalbox-risk",
            "signalbox-log",
            "signalbox-store",
            "signalbox-connector",
            "signalbox-hub",
            "signalbox-ingest",
            "signalbox-consume",
            "signalbox-deliver",
            "signalbox-scoring",
        ],
    ),
    (
        "signalbox-roles",
        &["signalbox-hub", "signalbox-ingest", "signalbox-consume", "signalbox-deliver", "signalbox-view"],
    ),
    (
        "signalbox",
        &[
            "signalbox-event",
            "signalbox-risk",
            "signalbox-log",
            "signalbox-store",
            "signalbox-connector",
            "signalbox-kafka",
            "signalbox-sql",
            "signalbox-hub",
            "signalbox-ingest",
            "signalbox-consume",
            "signalbox-scoring",
            "signalbox-view",
            "signalbox-roles",
            "connector-csv",
            "connector-oneroster",
            "connector-webhook",
        ],
    ),
    // Measures single floors; nothing is built on it.
    (
        "signalbox-bench",
        &[
            "signalbox-event",
            "signalbox-risk",
            "signalbox-log",
            "signalbox-store",
            "signalbox-kafka",
            "signalbox-sql",
        ],
    ),
    ("signalbox-tests", &[]),
    ("signalbox-fuzz", &[]),
];

/// Libraries that may be named in one crate only. Those that nothing needs yet are named nowhere.
const ONLY_IN: &[(&str, &[&str])] = &[
    // The benchmarks measure the database itself as the ceiling of ours.
    ("sqlx", &["signalbox-sql", "signalbox-bench"]),
    ("reqwest", &["signalbox-connector", "connector-webhook"]),
    ("rdkafka", &["signalbox-kafka", "signalbox-kafka-native"]),
    ("openssl-sys", &["signalbox-kafka"]),
    ("axum", &["signalbox-http"]),
];

struct Dependency {
    name: String,
    /// Development dependencies may point anywhere below the tests: conformance suites need implementations.
    is_dev: bool,
}

#[test]
fn arrows_point_down_only() {
    let crates = workspace();
    for (name, dependencies) in &crates {
        let (_, allowed) = FLOORS
            .iter()
            .find(|(floor, _)| floor == name)
            .unwrap_or_else(|| panic!("{name} stands on no floor: add it to the table"));
        for dependency in dependencies.iter().filter(|d| !d.is_dev && crates.contains_key(&d.name)) {
            assert!(
                allowed.contains(&dependency.name.as_str()),
                "{name} must not depend on {}",
                dependency.name
            );
        }
    }
    assert!(crates.len() >= 12, "cargo told of the whole workspace: {:?}", crates.keys());
}

#[test]
fn a_library_behind_a_trait_is_named_in_one_crate() {
    for (name, dependencies) in workspace() {
        for (library, homes) in ONLY_IN {
            let names_it = dependencies.iter().any(|dependency| dependency.name == *library);
            assert!(!names_it || homes.contains(&name.as_str()), "{name} must not name {library}");
        }
    }
}

/// The crates of the workspace with their direct dependencies.
fn workspace() -> BTreeMap<String, Vec<Dependency>> {
    let out = binary::cargo()
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .output()
        .expect("cargo starts");
    let metadata: Value = serde_json::from_slice(&out.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

fn dependencies(package: &Value) -> Vec<Dependency> {
    let all = package["dependencies"].as_array().expect("dependencies");
    all.iter().map(|d| Dependency { name: text(&d["name"]), is_dev: d["kind"] == "dev" }).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
