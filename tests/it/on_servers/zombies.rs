//! A process that was stopped for long, given up by the others, and goes on as if nothing had happened.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::{end, pass_over};
use crate::district::{District, Up, eventually, feed};
use crate::drops::Row;
use crate::receiver::Receiver;
use crate::servers::Servers;

/// Enough for several chunks of a run, each written on its own.
const STUDENTS: u32 = 1500;
const DAYS: usize = 20;
const FLAGGED: std::ops::Range<u32> = 1001..1013;

/// Everybody has a row each day, which makes the drop large. Then half of the absences turn out to be wrong, and then
/// two more students are flagged.
fn rows(drop: u32) -> Vec<Row> {
    let code = |id: u32, day: usize| match day {
        3 if FLAGGED.contains(&id) => "A",
        4 if FLAGGED.contains(&id) && (drop == 0 || id >= 1007) => "A",
        5 | 6 if drop == 2 && (1100..1102).contains(&id) => "A",
        _ => "T",
    };
    (1000..1000 + STUDENTS).flat_map(|id| (1..=DAYS).map(move |day| (id, day, code(id, day)))).collect()
}

/// How many alerts were sent after each drop.
const TOLD: [usize; 3] = [12, 18, 20];

struct Outcome {
    state_hash: String,
    told: BTreeSet<String>,
}

/// The same drops in one embedded process.
static WITHOUT_A_ZOMBIE: LazyLock<Outcome> = LazyLock::new(|| {
    let (receiver, mut district) = new(None);
    for (drop, told) in (0..).zip(TOLD) {
        district.attend(&rows(drop));
        district.up();
        assert_eq!(receiver.ids().len(), told);
    }
    Outcome { state_hash: district.state_hash(), told: receiver.ids() }
});

fn new(servers: Option<Servers>) -> (Receiver, District) {
    let receiver = Receiver::start();
    let mut district = District::on(servers, |config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&(1000..1000 + STUDENTS).collect::<Vec<_>>());
    (receiver, district)
}

/// Stops the process while the statement is true, between two transactions that lock `table`: stopped in one, it holds
/// up everybody until the database ends it after a minute.
fn stop(process: &Up, servers: &Servers, statement: &str, table: &str) {
    let start = std::time::Instant::now();
    let is_so = |statement: &str| servers.sql(&format!("SELECT {statement}")).as_deref() == Some("t");
    let locks =
        format!("EXISTS (SELECT FROM pg_locks WHERE relation = '{}.{table}'::regclass)", servers.prefix);
    loop {
        assert!(start.elapsed() < Duration::from_mins(1), "waited a minute in vain for {statement}");
        if !is_so(statement) {
            continue;
        }
        process.signal("STOP");
        if !is_so(&locks) {
            break;
        }
        process.signal("CONT");
    }
    assert!(is_so(statement), "it was stopped while {statement}");
}

fn told(receiver: &Receiver, alerts: usize) {
    eventually(&format!("{alerts} alerts are told"), || receiver.ids().len() >= alerts);
}

fn attendance_run(district: &District) -> serde_json::Value {
    feed(&district.status(), "attendance")["last_run"].clone()
}

#[test]
fn an_ingest_that_slept_through_its_term_changes_nothing() {
    if pass_over("zombies") {
        return;
    }
    let (receiver, mut district) = new(Some(Servers::new()));
    let risk = district.start_run(&["risk", "deliver"]);
    let zombie = district.start_run(&["ingest"]);
    district.attend(&rows(0));
    // A part of the run is in the ledger, and so on the log; the rest is on its way.
    let servers = district.servers.as_ref().expect("it is on servers");
    let in_mid_run =
        "EXISTS (SELECT FROM S.run JOIN S.feed ON feed.id = run.feed JOIN S.ledger ON ledger.feed = feed.id
         WHERE feed.name = 'attendance' AND run.outcome IS NULL AND ledger.live > 0)";
    stop(&zombie, servers, &in_mid_run.replace("S.", &format!("{}.", servers.prefix)), "feed");
    assert!(receiver.deliveries().is_empty() && attendance_run(&district).is_null());

    // The term of the zombie's feeds is over.
    district.later(2);
    let heir = district.start_run(&["ingest"]);
    told(&receiver, TOLD[0]);
    district.attend(&rows(1));
    told(&receiver, TOLD[1]);
    eventually("all is folded", || is_folded(&district));
    let (hash, flags, last_run) = (district.state_hash(), district.flags(), attendance_run(&district));
    let ended = servers_records(&district);

    zombie.signal("CONT");
    std::thread::sleep(Duration::from_secs(4));
    eventually("what the zombie appended is folded", || is_folded(&district));
    eprintln!("the zombie appended {} events after its term", servers_records(&district) - ended);
    assert_eq!((district.state_hash(), district.flags()), (hash, flags));
    assert_eq!((attendance_run(&district), receiver.ids().len()), (last_run, TOLD[1]));

    // It is a process like any other again: the heir goes, and it takes over.
    end(heir);
    district.attend(&rows(2));
    told(&receiver, TOLD[2]);
    end(zombie);
    end(risk);
    assert_as_expected(&mut district, &receiver);
}

#[test]
fn a_risk_process_that_slept_through_its_session_doubles_nothing() {
    if pass_over("zombies") {
        return;
    }
    let (receiver, mut district) = new(Some(Servers::new()));
    let zombie = district.start_run(&["risk"]);
    let others = district.start_run(&["ingest", "deliver"]);
    district.attend(&rows(0));
    let servers = district.servers.as_ref().expect("it is on servers");
    let in_mid_fold = format!(
        "EXISTS (SELECT FROM {}.position WHERE topic LIKE '%.attendance.%' AND next BETWEEN 1 AND 8999)",
        servers.prefix
    );
    stop(&zombie, servers, &in_mid_fold, "lease");
    // It has every shard until its session is over.
    let heir = district.start_run(&["risk"]);
    told(&receiver, TOLD[0]);
    district.attend(&rows(1));
    told(&receiver, TOLD[1]);
    eventually("all is folded", || is_folded(&district));
    let before = (district.state_hash(), district.flags(), receiver.deliveries().len());

    zombie.signal("CONT");
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!((district.state_hash(), district.flags(), receiver.deliveries().len()), before);

    // Both share the work from here on.
    district.attend(&rows(2));
    told(&receiver, TOLD[2]);
    [zombie, heir, others].into_iter().for_each(end);
    assert_as_expected(&mut district, &receiver);
}

/// The database ends a transaction whose process says nothing more, and lets its locks go.
#[test]
fn a_risk_process_stopped_within_a_transaction_holds_nobody_up_for_ever() {
    if pass_over("zombies") {
        return;
    }
    let mut servers = Servers::new();
    // A minute in life.
    servers.settings.push("idle_in_transaction_session_timeout=5s");
    let (receiver, mut district) = new(Some(servers));
    let zombie = district.start_run(&["risk"]);
    let others = district.start_run(&["ingest", "deliver"]);
    eventually("the shards are taken", || lease_count(&district) == "3");
    let servers = district.servers.as_ref().expect("it is on servers");
    let locked = servers.lock("state");
    district.attend(&rows(0));
    let servers = district.servers.as_ref().expect("it is on servers");
    let within = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation
         JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE nspname = 'S' AND relname = 'state' AND NOT granted)";
    let within = within.replace("'S'", &format!("'{}'", servers.prefix));
    eventually("it waits with a lease locked", || servers.sql(&within).as_deref() == Some("t"));
    zombie.signal("STOP");
    drop(locked);

    let heir = district.start_run(&["risk"]);
    told(&receiver, TOLD[0]);
    zombie.signal("CONT");
    district.attend(&rows(1));
    told(&receiver, TOLD[1]);
    district.attend(&rows(2));
    told(&receiver, TOLD[2]);
    [zombie, heir, others].into_iter().for_each(end);
    assert_as_expected(&mut district, &receiver);
}

fn lease_count(district: &District) -> String {
    let servers = district.servers.as_ref().expect("it is on servers");
    servers.sql(&format!("SELECT count(*) FROM {}.lease", servers.prefix)).expect("it answers")
}

fn servers_records(district: &District) -> usize {
    district.servers.as_ref().expect("it is on servers").records("attendance").len()
}

fn is_folded(district: &District) -> bool {
    let status = district.status();
    status["consumers"].as_array().expect("a list").iter().all(|consumer| consumer["behind"] == 0)
}

fn assert_as_expected(district: &mut District, receiver: &Receiver) {
    let expected = &*WITHOUT_A_ZOMBIE;
    district.later(5);
    district.up();
    assert_eq!(district.state_hash(), expected.state_hash);
    assert_eq!(receiver.ids(), expected.told);
    assert_eq!(receiver.deliveries().len(), expected.told.len(), "each once");
}
