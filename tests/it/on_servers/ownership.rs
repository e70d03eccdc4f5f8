//! One student has one shard, and one shard has one process, however many there are and however they come and go.

use std::collections::{BTreeMap, BTreeSet};

use super::{end, pass_over};
use crate::district::{District, eventually};
use crate::drops::{Row, through};
use crate::receiver::Receiver;
use crate::servers::Servers;

const STUDENTS: std::ops::Range<u32> = 1000..1060;

/// Each chapter's file flags eight more; from the third on, those of the second turn out to have been late only.
fn rows(chapter: u32) -> Vec<Row> {
    let of = |one: u32| {
        let second = if one == 1 && chapter > 1 { "T" } else { "E" };
        (1001 + 10 * one..1009 + 10 * one).flat_map(move |id| [(id, 3, "A"), (id, 4, second)])
    };
    (0..=chapter).flat_map(of).chain([through(20)]).collect()
}

fn read(district: &mut District, chapter: u32) {
    if chapter == 1 {
        district.configure(|config| config.mode = "live");
    }
    district.attend(&rows(chapter));
}

const CHAPTERS: u32 = 5;

fn history(servers: Option<Servers>, receiver: &Receiver) -> District {
    let mut district = District::on(servers, |config| {
        config.mode = "history";
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&STUDENTS.collect::<Vec<_>>());
    district
}

/// The same drops in one process: the state, and the ids told after each chapter.
fn embedded() -> (String, Vec<BTreeSet<String>>) {
    let receiver = Receiver::start();
    let mut district = history(None, &receiver);
    let mut told = Vec::new();
    for chapter in 0..CHAPTERS {
        read(&mut district, chapter);
        district.up();
        told.push(receiver.ids());
    }
    (district.state_hash(), told)
}

#[test]
fn processes_come_and_go_and_nobody_can_tell() {
    if pass_over("ownership") {
        return;
    }
    let (state_hash, told) = embedded();
    assert_eq!(told.iter().map(BTreeSet::len).collect::<Vec<_>>(), [0, 9, 25, 33, 41]);

    let receiver = Receiver::start();
    let mut district = history(Some(Servers::new()), &receiver);
    let deliver = district.start_run(&["deliver"]);
    let mut ingest = district.start_run(&["ingest"]);
    let mut risk = vec![district.start_run(&["risk"])];
    for (chapter, expected) in (0..CHAPTERS).zip(&told) {
        if chapter == 1 {
            // A process keeps the configuration that it began with, and would take the next file for history.
            district.configure(|config| config.mode = "live");
            let old = std::mem::replace(&mut ingest, district.start_run(&["ingest"]));
            end(old);
        }
        read(&mut district, chapter);
        match chapter {
            0 => {}
            1 => {
                risk.extend([district.start_run(&["risk"]), district.start_run(&["risk"])]);
                eventually("there are three", || members(&district) == 3);
            }
            2 => {
                let one = risk.remove(0);
                one.signal("KILL");
                assert_eq!(one.end().status.code(), None);
            }
            3 => risk.push(district.start_run(&["risk"])),
            _ => end(risk.remove(0)),
        }
        eventually(&format!("chapter {chapter} is told"), || {
            is_read(&district, chapter) && receiver.ids().len() >= expected.len()
        });
        assert_eq!(receiver.ids(), *expected, "chapter {chapter}: {:?}", receiver.kinds());
    }
    assert_eq!(members(&district), 2);
    [ingest, deliver].into_iter().chain(risk).for_each(end);

    // What the killed process had in hand is free again.
    district.later(5);
    district.up();
    assert_eq!((district.state_hash(), receiver.ids()), (state_hash, told.last().expect("chapters").clone()));
    every_key_has_one_shard(district.servers.as_ref().expect("it is on servers"));
}

/// Whoever waits for `up --once` finds everything decided and told, also by those who own the shards.
#[test]
fn up_once_beside_others_ends_when_they_have_decided() {
    if pass_over("ownership") {
        return;
    }
    let receiver = Receiver::start();
    let mut district = history(Some(Servers::new()), &receiver);
    let risk = [district.start_run(&["risk"]), district.start_run(&["risk"])];
    eventually("there are two", || members(&district) == 2);
    for (chapter, told) in [0, 9, 25].into_iter().enumerate() {
        read(&mut district, chapter as u32);
        // The clocks of the others have run since they began.
        district.later(1);
        district.up();
        assert_eq!(receiver.ids().len(), told, "chapter {chapter}: {:?}", receiver.kinds());
    }
    risk.into_iter().for_each(end);
}

/// The file of the chapter was read, and what it said is folded.
fn is_read(district: &District, chapter: u32) -> bool {
    let status = district.status();
    let runs = &crate::district::feed(&status, "attendance")["last_run"];
    let behind: u64 = consumers(&status).iter().filter_map(|one| one["behind"].as_u64()).sum();
    runs["rows"] == rows(chapter).len() as u64 && behind == 0
}

fn consumers(status: &serde_json::Value) -> &[serde_json::Value] {
    status["consumers"].as_array().expect("a list")
}

/// Processes in the risk role, as the brokers count them.
fn members(district: &District) -> usize {
    use signalbox_log::EventLog as _;

    let servers = district.servers.as_ref().expect("it is on servers");
    let group = format!("{}.signalbox.risk", servers.prefix);
    servers.on_kafka(async |kafka| kafka.members(&group).await.expect("the broker answers"))
}

/// In both topics the same one: whoever has a student's enrolments has the attendance too.
fn every_key_has_one_shard(servers: &Servers) {
    let mut shards: BTreeMap<Vec<u8>, BTreeSet<u32>> = BTreeMap::new();
    let mut topics: BTreeMap<Vec<u8>, BTreeSet<String>> = BTreeMap::new();
    for record in ["roster", "attendance"].into_iter().flat_map(|domain| servers.records(domain)) {
        // Run ends go to every shard, without a student's key.
        let is_students = record.headers.get("ce_subject").is_some();
        if let (Some(key), true) = (record.key, is_students) {
            shards.entry(key.to_vec()).or_default().insert(record.shard);
            topics.entry(key.to_vec()).or_default().insert(record.topic.to_string());
        }
    }
    assert!(shards.len() >= STUDENTS.len(), "{} keys", shards.len());
    assert!(shards.values().all(|shards| shards.len() == 1), "{shards:?}");
    let in_both = topics.values().filter(|topics| topics.len() == 2).count();
    assert_eq!(in_both, 41, "students with a row of attendance");
    let used: BTreeSet<u32> = shards.values().flatten().copied().collect();
    assert_eq!(used.len(), servers.shards as usize, "all of them are used");
}
