//! `plan` says what `up --once` then does, and writes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::district::{District, feed, last_run};
use crate::drops::{Row, through};
use crate::receiver::Receiver;

/// Every file below a folder; those of databases by name only: SQLite moves pages between its own files whenever
/// one is closed.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.map(|entry| entry.expect("the folder can be read")) {
        let (path, name) = (entry.path(), entry.path().display().to_string());
        if path.is_dir() {
            found.extend(files(&path));
            continue;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("db") => found.insert(name, Vec::new()),
            Some("db-shm" | "db-wal" | "lock") => None,
            _ => found.insert(name, fs::read(&path).expect("the file can be read")),
        };
    }
    found
}

/// Everything there is to look at.
fn looks(district: &District) -> Vec<Value> {
    let lists = [&["flags", "list"][..], &["alerts", "list"], &["holds", "list"], &["rejects", "list"]];
    let mut looks: Vec<Value> = lists.iter().map(|args| district.json(args)).collect();
    looks.push(district.status());
    looks.extend(district.events(&[]));
    looks
}

fn assert_same_counts(plan: &Value, status: &Value) {
    for name in ["enrollment", "attendance"] {
        let (planned, done) = (feed(plan, name), last_run(status, name));
        for key in ["rows", "add", "change", "end", "unchanged", "duplicate", "reject", "unmatched"] {
            assert_eq!(planned[key], done[key], "{key} of {name}: {planned} {done}");
        }
    }
}

fn drop_first(district: &mut District) {
    district.enroll(&[1000, 1001, 1002]);
    let rows: [Row; 6] =
        [(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "Q"), (1077, 5, "A"), (1001, 3, "A"), through(20)];
    district.attend(&rows);
}

#[test]
fn on_an_empty_hub_it_says_what_happens_and_writes_nothing() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    drop_first(&mut district);
    let before = files(district.path());
    let plan = district.json(&["plan"]);
    assert_eq!(files(district.path()), before, "nothing was written");
    assert!(receiver.deliveries().is_empty());
    let alerts = &plan["alerts"];
    assert_eq!((&alerts["raise"], &alerts["withdraw"], &alerts["clear"]), (&1.into(), &0.into(), &0.into()));
    assert_eq!(alerts["to"], serde_json::json!([{"name": "counselor", "raise": 1, "withdraw": 0}]));
    assert!(feed(&plan, "attendance")["payload"].as_str().is_some_and(|name| name.starts_with("attendance")));
    let status = district.up();
    assert_same_counts(&plan, &status);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
}

#[test]
fn on_a_loaded_hub_it_counts_corrections_and_holds() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    drop_first(&mut district);
    district.up();
    district.enroll(&[1000, 1001, 1002, 1003]);
    district.attend(&[(1001, 3, "A"), (1002, 5, "A"), through(20)]);
    let (seen, before) = (looks(&district), files(district.path()));
    let plan = district.json(&["plan"]);
    assert_eq!(files(district.path()), before, "nothing was written");
    assert_eq!(looks(&district), seen, "nothing was written");
    let alerts = &plan["alerts"];
    assert_eq!((&alerts["raise"], &alerts["withdraw"]), (&0.into(), &1.into()), "{plan}");
    let status = district.up();
    assert_same_counts(&plan, &status);
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

#[test]
fn it_names_a_hold() {
    let mut district = District::new();
    let students: Vec<u32> = (1000..1030).collect();
    district.enroll(&students);
    let rows: Vec<Row> = students.iter().map(|id| (*id, 5, "A")).collect();
    district.attend(&rows);
    district.up();
    district.attend(&rows[..10]);
    let plan = district.json(&["plan"]);
    assert_eq!(feed(&plan, "attendance")["hold"]["would_end"], 20, "{plan}");
    assert!(feed(&plan, "attendance")["hold"]["reason"].is_string(), "{plan}");
    assert!(district.holds().is_empty(), "nothing was written");
    assert_eq!(last_run(&district.up(), "attendance")["hold"], feed(&plan, "attendance")["hold"]);
}

/// Alerts are counted as if they were sent, whatever the mode.
#[test]
fn it_counts_alerts_in_history_too() {
    let mut district = District::with(|config| config.mode = "history");
    drop_first(&mut district);
    assert_eq!(district.json(&["plan"])["alerts"]["raise"], 1);
}
