//! What a hub does not start on, and the mend that it names; what `topics plan` says of topics.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signalbox_kafka::{Cleanup, TopicSpec};

use super::pass_over;
use crate::binary::Run;
use crate::district::District;
use crate::drops::{Row, through};
use crate::servers::Servers;

/// Whoever would work on the hub is refused: at once, with the reason and the mend.
#[track_caller]
fn assert_refused(district: &District, reason: &str, mend: &str) {
    for args in [&["up", "--once"][..], &["up"], &["run", "ingest", "risk"]] {
        let run = District::spawn(district.command_of(args)).end();
        assert_says(&run, reason, mend);
    }
}

#[track_caller]
fn assert_says(run: &Run, reason: &str, mend: &str) {
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    let said = run.failure().concat();
    assert!(said.contains(reason), "\"{reason}\" in {run:?}");
    assert!(said.contains(mend), "the mend \"{mend}\" in {run:?}");
}

/// On servers that hold nothing yet.
fn on_empty_servers() -> District {
    let servers = Servers::new();
    let mut district = District::on(None, |config| config.servers = servers.sections());
    district.servers = Some(servers);
    district
}

fn servers(district: &District) -> &Servers {
    district.servers.as_ref().expect("it is on servers")
}

fn rows(student: u32) -> [Row; 3] {
    [(student, 3, "A"), (student, 4, "A"), through(20)]
}

/// With a flag.
fn at_work(student: u32) -> District {
    let mut district = District::on(Some(Servers::new()), |_| ());
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&rows(student));
    district.up();
    assert_eq!(district.flags().len(), 1);
    district
}

fn counts(plan: &Value) -> [usize; 4] {
    ["create", "change", "ok", "refuse"].map(|list| plan[list].as_array().expect("a list").len())
}

#[test]
fn a_hub_starts_on_what_was_made_for_it_only() {
    if pass_over("refusals") {
        return;
    }
    let mut district = on_empty_servers();
    let all = counts(&district.json(&["topics", "plan"]))[0];
    assert!(all >= 10, "{all} topics");
    assert_refused(&district, &format!("{all} topics are missing"), "signalbox topics apply");

    assert_eq!(counts(&district.json(&["topics", "apply"])), [all, 0, 0, 0]);
    assert_eq!(counts(&district.json(&["topics", "plan"])), [0, 0, all, 0]);
    assert_refused(&district, "has no tables for this version yet", "run `signalbox migrate`");

    district.json(&["migrate"]);
    district.enroll(&[1000, 1001]);
    district.up();

    let mut sections = servers(&district).sections();
    sections = sections.replace("shards: 3", "shards: 4");
    district.configure(|config| config.servers = sections);
    assert_refused(&district, "has 3 shards, the configuration says 4", "back to 3");
    let plan = district.json(&["topics", "plan"]);
    // The topic of reference data has one shard, however many the others have.
    assert_eq!(counts(&plan), [0, 0, 1, all - 1], "{plan}");
    assert_eq!((&plan["refuse"][0]["has"], &plan["refuse"][0]["wanted"]), (&json!(3), &json!(4)), "{plan}");
    assert_says(&district.run(&["topics", "apply"]), "has 3 shards", "another prefix");
}

#[test]
fn another_secret_would_give_every_student_another_key() {
    if pass_over("refusals") {
        return;
    }
    let district = at_work(1001);
    for args in [&["up", "--once"][..], &["run", "ingest"], &["status"]] {
        let mut command = district.command_of(args);
        command.env("SIGNALBOX_SECRET", "the secret of another district, long enough");
        let run = District::spawn(command).end();
        assert_eq!(run.status.code(), Some(2), "{run:?}");
        assert!(run.stderr.contains("another than the one that this hub began with"), "{run:?}");
        assert!(run.stderr.contains("same district.secret"), "{run:?}");
        assert!(!run.stderr.contains("long enough"), "{run:?}");
    }
    district.up();
}

/// As those of before this was remembered: nothing in them says what they are.
#[test]
fn stores_of_an_earlier_version_are_not_misread() {
    if pass_over("refusals") {
        return;
    }
    let district = at_work(1001);
    let notes = format!("{}.note", servers(&district).prefix);
    for statement in [
        format!("UPDATE {notes} SET value = '{{\"format\":1}}' WHERE name = 'identity'"),
        format!("DELETE FROM {notes} WHERE name = 'identity'"),
    ] {
        servers(&district).sql(&statement).expect("the note is there");
        for args in [&["up", "--once"][..], &["plan"], &["run", "ingest"]] {
            let run = District::spawn(district.command_of(args)).end();
            assert_eq!(run.status.code(), Some(2), "{run:?}");
            assert!(run.stderr.contains("an earlier version of signalbox"), "{run:?}");
            assert!(run.stderr.contains("another schema"), "{run:?}");
        }
    }
}

#[test]
fn topics_plan_says_what_would_be_made_and_changed() {
    if pass_over("refusals") {
        return;
    }
    let mut district = at_work(1001);
    let (attendance, roster) = (servers(&district).topic("attendance"), servers(&district).topic("roster"));
    let hasty = TopicSpec {
        name: attendance.clone(),
        shards: 3,
        replication: 1,
        retention_ms: Some(60_000),
        cleanup: Cleanup::Delete,
        config: BTreeMap::new(),
    };
    servers(&district).on_kafka(async |kafka| {
        let admin = kafka.topic_admin().expect("a client");
        admin.apply(&[hasty]).await.expect("settings can be changed");
        admin.delete(std::slice::from_ref(&roster)).await.expect("topics can be deleted");
    });

    let plan = district.json(&["topics", "plan"]);
    let [_, _, ok, _] = counts(&plan);
    assert_eq!(counts(&plan), [1, 1, ok, 0], "{plan}");
    assert_eq!((&plan["create"][0]["topic"], &plan["create"][0]["shards"]), (&json!(roster), &json!(3)));
    let days_800 = (800_i64 * 86_400_000).to_string();
    let change = json!({"topic": attendance, "setting": "retention.ms", "from": "60000", "to": days_800});
    assert_eq!(plan["change"], json!([change]));
    assert_refused(&district, &format!("1 topics are missing, the first is \"{roster}\""), "topics apply");

    assert_eq!(district.json(&["topics", "apply"]), plan, "what was planned is done");
    assert_eq!(counts(&district.json(&["topics", "plan"])), [0, 0, ok + 2, 0]);
    // The roster's events are gone, and the positions on them stand beyond the end.
    district.enroll(&[1000, 1001, 1002, 1003]);
    assert_refused(&district, "the log was replaced", "another log.kafka.prefix and another schema");
}

/// The same names and as many records, but not those that were folded.
#[test]
fn a_log_that_was_replaced_by_another_is_not_gone_on_with() {
    if pass_over("refusals") {
        return;
    }
    let mut district = at_work(1001);
    let prefix = servers(&district).prefix.clone();
    let rename = |from: &str, to: &str| {
        let done = servers(&district).sql(&format!("ALTER SCHEMA {from} RENAME TO {to}"));
        assert!(done.is_some(), "{from} is renamed");
    };
    let kept = format!("{prefix}_kept");
    rename(&prefix, &kept);
    servers(&district).remove_topics();
    let mut other = on_empty_servers();
    other.servers = district.servers.take();
    other.configure(|config| config.servers = district.config.servers.clone());
    other.json(&["topics", "apply"]);
    other.json(&["migrate"]);
    other.enroll(&[1000, 1002, 1003]);
    other.attend(&rows(1002));
    other.up();

    district.servers = other.servers.take();
    let dropped = servers(&district)
        .sql(&format!("DROP SCHEMA {prefix} CASCADE; ALTER SCHEMA {kept} RENAME TO {prefix}"));
    assert!(dropped.is_some(), "the database is put back");
    assert_refused(&district, "the log was replaced", "from backups of one moment");
}

#[test]
fn records_that_retention_took_unread_are_not_passed_over() {
    if pass_over("refusals") {
        return;
    }
    let mut district = at_work(1001);
    // Read, and folded by nobody.
    let ingest = district.start_run(&["ingest"]);
    district.attend(&[&rows(1001)[..], &rows(1002)[..2]].concat());
    let before = servers(&district).records("attendance").len();
    crate::district::eventually("the file is read", || {
        servers(&district).records("attendance").len() > before
    });
    super::end(ingest);

    let topic = servers(&district).topic("attendance");
    let all: Vec<Value> =
        (0..3).map(|shard| json!({"topic": topic, "partition": shard, "offset": -1})).collect();
    let file = district.path().join("offsets.json");
    std::fs::write(&file, json!({"partitions": all, "version": 1}).to_string()).expect("it is writable");
    let file = file.to_str().expect("the path is text");
    servers(&district).tool("DeleteRecordsCommand", &["--offset-json-file", file]);
    assert_refused(&district, "retention", "another log.kafka.prefix and another schema");
}
