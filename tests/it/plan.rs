//! `plan` says what `up --once` then does, and writes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;

use crate::district::{District, Up, eventually, feed, last_run};
use crate::drops::{self, Row, day, through};
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
    let mut rows: Vec<Row> = students.iter().map(|id| (*id, 5, "A")).collect();
    rows[0].1 = 6;
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

/// What is left of copies: files, and schemas on a server.
fn left(district: &District) -> (Vec<String>, Option<String>) {
    let schemas = district.servers.as_ref().map(|servers| {
        let like = format!("{}_plan_", servers.prefix);
        let count = format!("SELECT count(*) FROM pg_namespace WHERE starts_with(nspname, '{like}')");
        servers.sql(&count).expect("the database answers")
    });
    (copies(district), schemas.filter(|count| count != "0"))
}

fn copies(district: &District) -> Vec<String> {
    files(district.path()).into_keys().filter(|name| name.contains("/scratch/")).collect()
}

#[test]
fn its_copy_goes_when_it_ends() {
    let mut district = District::new();
    drop_first(&mut district);
    district.json(&["plan"]);
    assert_eq!(left(&district), (vec![], None));
    assert!(!district.path().join("var").exists(), "nor is there a data folder before a hub began");

    // Nor when it cannot be made.
    if district.is_embedded() {
        fs::DirBuilder::new().mode(0o700).create(district.path().join("var")).expect("there is none yet");
        fs::write(district.path().join("var/state.db"), "not a database").expect("the folder is writable");
        district.run(&["plan"]).exit(1);
        assert_eq!(left(&district), (vec![], None));
    }
}

/// A `plan` that is at work on many rows.
fn at_work() -> (District, Up) {
    let mut district = District::new();
    let students: Vec<u32> = (1000..4000).collect();
    district.enroll(&students);
    let rows: Vec<Row> = students.iter().flat_map(|id| (1..=20).map(|day| (*id, day, "T"))).collect();
    district.attend(&rows);
    let plan = District::spawn(district.command_of(&["plan"]));
    eventually("it is at work", || copies(&district).iter().any(|name| name.contains("/landing/")));
    (district, plan)
}

#[test]
fn its_copy_goes_when_it_is_asked_to_stop() {
    let (district, plan) = at_work();
    plan.signal("TERM");
    let ended = plan.end().exit(1);
    assert!(ended.stderr.contains("nothing was written"), "{ended:?}");
    assert_eq!(left(&district), (vec![], None));
}

/// Students' names are in it.
#[test]
fn nobody_else_can_look_into_its_copy_and_what_a_kill_leaves_goes_with_the_next_start() {
    let (district, plan) = at_work();
    let data_dir = district.path().join("var");
    let is_open = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    assert!(!is_open(&data_dir));
    for name in copies(&district) {
        assert!(!is_open(Path::new(&name)), "{name}");
    }
    plan.signal("KILL");
    plan.end();
    assert!(!copies(&district).is_empty(), "it had no time to tidy up");
    district.up();
    assert_eq!(copies(&district), [""; 0]);
}

/// Whoever left is nobody's alert, and who was told of a flag is told that it is over.
#[test]
fn it_counts_for_each_recipient_what_they_would_be_sent() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let rows = |left: &str| {
        let row = |id: u32, exit: &str| format!("{id},Quillfeather,Zebedee,2007-03-01,100,8/23/2021,{exit}");
        drops::csv(drops::ENROLLMENT_HEADER, &[row(1000, ""), row(1001, ""), row(1003, ""), row(1002, left)])
    };
    district.drop("enrollment-1.csv", rows(""));
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    district.drop("enrollment-2.csv", rows(&drops::us(day(30))));
    let absent = |id: u32| [21, 22, 23, 24].map(|n| (id, n, "A"));
    let cleared: [Row; 3] = [(1001, 3, "A"), (1001, 4, "A"), through(35)];
    district.attend(&[&absent(1002)[..], &absent(1003)[..], &cleared[..]].concat());
    let plan = district.json(&["plan"]);
    let to = serde_json::json!([{"name": "counselor", "raise": 1, "withdraw": 0, "clear": 1}]);
    assert_eq!(plan["alerts"]["to"], to, "{plan}");
    assert_eq!((&plan["alerts"]["raise"], &plan["alerts"]["clear"]), (&2.into(), &1.into()));
    district.up();
    let mut sent = receiver.kinds()[1..].to_vec();
    sent.sort();
    assert_eq!(sent, ["risk.flag.cleared", "risk.flag.raised"]);
    let withheld = district.alerts().into_iter().find(|alert| alert["state"] == "withheld").expect("one is");
    assert_eq!(
        (&withheld["student_id"], &withheld["withheld"]),
        (&"1002".into(), &"the student has left".into())
    );
}
