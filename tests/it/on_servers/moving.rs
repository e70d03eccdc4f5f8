//! An embedded hub becomes one on servers: nothing is lost, nobody is told twice, and the old one stays still.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pass_over;
use crate::district::{District, assert_counts, last_run};
use crate::drops::{Row, through};
use crate::receiver::{Answer, Delivery, Receiver};
use crate::servers::Servers;

fn students() -> Vec<u32> {
    (1000..1030).collect()
}

/// Everybody was away once; 1001 and 1002 twice, which raises their flags. The code of 1003 says nothing to us.
fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = students().into_iter().map(|id| (id, 5, "A")).collect();
    rows.extend([(1001, 6, "A"), (1002, 6, "A"), (1003, 7, "Q"), through(20)]);
    rows
}

/// A hub with a past: flags of which one is acknowledged and one was not told yet, a file that waits, a row that could
/// not be used.
fn with_a_past(receiver: &Receiver) -> District {
    let mut district = District::on(None, |config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&students());
    district.attend(&rows());
    receiver.answer_next(&[Answer::Status(503)]);
    district.up();
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    district.run(&["flags", "ack", &flag, "--by", "Pat"]).exit(0);
    district.attend(&rows()[..10]);
    let status = district.up();
    assert_eq!(
        (&status["flags"]["open"], &status["holds"], &status["rejects"], &status["outbox"]["pending"]),
        (&2.into(), &1.into(), &1.into(), &1.into()),
        "{status}"
    );
    district
}

#[derive(Debug, PartialEq)]
struct Memory {
    state_hash: String,
    events: Vec<Value>,
    count: u64,
    flags: Vec<Value>,
    holds: Vec<Value>,
    rejects: Vec<Value>,
    alerts: Vec<Value>,
    student: Value,
}

impl Memory {
    fn of(district: &District) -> Self {
        Self {
            state_hash: district.state_hash(),
            events: district.events(&[]),
            count: district.count_events(),
            flags: district.flags(),
            holds: district.holds(),
            rejects: district.rejects(),
            alerts: district.alerts(),
            student: district.student(1001),
        }
    }
}

/// The servers hold nothing of an earlier, failed test.
fn empty_servers() -> Servers {
    let servers = Servers::like_embedded();
    servers.remove();
    servers
}

#[test]
fn an_embedded_hub_moves_with_everything_it_remembers() {
    if pass_over("moving") {
        return;
    }
    let receiver = Receiver::start();
    let mut district = with_a_past(&receiver);
    let before = Memory::of(&district);
    let told_before = receiver.deliveries().len();

    let servers = empty_servers();
    let sections = servers.sections();
    district.servers = Some(servers);
    district.configure(|config| config.servers.clone_from(&sections));
    district.run(&["up", "--once"]).exit(3);
    district.json(&["topics", "apply"]);
    let moved = district.json(&["migrate", "--from", "var"]);
    assert_eq!(moved["moved"]["events"].as_u64(), Some(before.count), "{moved}");
    assert_eq!(Memory::of(&district), before);
    assert_eq!(receiver.deliveries().len(), told_before, "moving tells nobody");

    the_move_is_for_good(&mut district, &sections);
    assert_eq!(Memory::of(&district), before);
    life_goes_on(&mut district, &receiver);
}

/// Neither can it be moved again, nor does the hub that stayed behind start.
fn the_move_is_for_good(district: &mut District, sections: &str) {
    let again = district.run(&["migrate", "--from", "var"]).exit(3);
    assert!(again.stderr.contains("was moved"), "{again:?}");
    district.configure(|config| config.servers.clear());
    for args in [&["up", "--once"][..], &["up"], &["status"]] {
        let old = district.run(args).exit(3);
        assert!(old.stderr.contains("was moved"), "{old:?}");
    }
    district.configure(|config| sections.clone_into(&mut config.servers));
}

/// A further file, the alert that was due, and the decision that a person owes: each has its effect once.
fn life_goes_on(district: &mut District, receiver: &Receiver) {
    district.later(120);
    let mut rows = rows();
    rows.push((1004, 6, "A"));
    district.attend(&rows);
    let status = district.up();
    assert_counts(
        last_run(&status, "attendance"),
        &[("rows", 35), ("add", 1), ("unchanged", 33), ("reject", 1)],
    );
    assert_eq!((&status["flags"]["open"], &status["holds"]), (&3.into(), &0.into()), "{status}");
    assert_eq!(
        (&status["outbox"]["pending"], &status["outbox"]["delivered"]),
        (&0.into(), &3.into()),
        "{status}"
    );

    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 4]);
    assert_eq!(receiver.ids().len(), 3);
    let deliveries = receiver.deliveries();
    let taken: Vec<&str> =
        deliveries.iter().filter(|one| one.answered == Some(204)).map(Delivery::id).collect();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (3, 3), "nobody is told twice");
}
