//! What nobody was sent yet: it is told of as one list, or of its end neither; and it stays while the hub does not know
//! whether it may leave.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::district::District;
use crate::drops::Row;
use crate::receiver::{Answer, Receiver};

const A_NIGHT: i64 = 24 * 60;
const STUDENTS: [u32; 6] = [1000, 1001, 1002, 1003, 1004, 1005];

/// All but 1000 are flagged.
fn rows() -> Vec<Row> {
    let absent = STUDENTS[1..].iter().flat_map(|student| [(*student, 3, "A"), (*student, 4, "A")]);
    absent.chain([(1000, 20, "T")]).collect()
}

/// Five are flagged. Of a receiver that is away three tries are made.
fn away(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&STUDENTS);
    district.attend(&rows());
    receiver.answer_next(&[Answer::Status(503); 3]);
    district.up();
    assert_eq!(receiver.deliveries().len(), 3);
    district
}

fn turned(district: &mut District, mode: &'static str) {
    district.configure(|config| config.mode = mode);
    district.later(A_NIGHT);
}

fn recipient(district: &District) -> Value {
    district.json(&["plan"])["alerts"]["to"][0].clone()
}

fn told(told: &Value) -> Value {
    let mut told = told.clone();
    for key in ["name", "raise", "withdraw"] {
        told.as_object_mut().expect("a recipient").remove(key);
    }
    told
}

/// Three may have arrived and go again under their ids; of the others nobody heard.
#[test]
fn a_feed_that_turns_live_again_hands_over_one_list() {
    let receiver = Receiver::start();
    let mut district = away(&receiver);
    turned(&mut district, "test");
    assert_eq!(told(&recipient(&district)), json!({"withhold": 5}));
    assert!(district.text(&["plan"]).contains("; 5 that wait are held back"));
    district.up();
    assert_eq!(told(&recipient(&district)), json!({}), "they are held back already");
    turned(&mut district, "live");
    assert_eq!(told(&recipient(&district)), json!({"standing": 2, "resume": 3}));
    assert!(district.text(&["plan"]).contains("; 3 that had been held back go out"));
    district.up();
    let mut kinds = receiver.kinds()[3..].to_vec();
    kinds.sort();
    let raised = "risk.flag.raised";
    assert_eq!(kinds, [raised, raised, raised, "risk.flags.standing"]);
    let list = receiver
        .deliveries()
        .into_iter()
        .find(|one| one.kind() == "risk.flags.standing")
        .expect("it is there");
    assert_eq!(list.json()["data"]["flags"].as_array().map(Vec::len), Some(2));

    // 1001 was told of by either: its end is told.
    let without: Vec<Row> = rows().into_iter().filter(|row| *row != (1001, 3, "A")).collect();
    district.attend(&without);
    turned(&mut district, "live");
    district.up();
    assert_eq!(receiver.kinds()[7..], ["risk.flag.withdrawn"]);
}

/// Where no byte may go, none went, however often that was found.
#[test]
fn what_could_not_be_sent_was_told_to_nobody() {
    for modes in [&["live"][..], &["test", "test"]] {
        let receiver = Receiver::start();
        let mut district = District::telling(&receiver);
        let allowed = district.config.webhooks.clone();
        district.config.webhooks[0].1 = receiver.url().replace("http://127.0.0.1", "https://localhost");
        let yaml = |district: &District| district.config.render().replace(", allow_private: true", "");
        let not_allowed = yaml(&district);
        district.configure(|config| config.verbatim = Some(not_allowed));
        district.enroll(&STUDENTS);
        district.attend(&rows());
        district.up();
        for mode in modes {
            district.config.verbatim = None;
            district.config.mode = mode;
            let not_allowed = yaml(&district);
            district.configure(|config| config.verbatim = Some(not_allowed));
            district.later(A_NIGHT);
            district.up();
        }
        let nobody: Vec<Row> = rows().into_iter().filter(|row| row.1 != 3).collect();
        district.attend(&nobody);
        district.later(A_NIGHT);
        district.up();
        assert_eq!(district.status()["flags"]["withdrawn"], 5);
        district.configure(|config| {
            config.verbatim = None;
            config.webhooks = allowed;
        });
        turned(&mut district, "live");
        district.up();
        assert_eq!(receiver.kinds(), [""; 0], "{modes:?}");
    }
}

/// The receiver is installed after the hub.
#[test]
fn of_whom_nobody_was_reached_no_end_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound");
    for mode in ["live", "test"] {
        let receiver = Receiver::start();
        let mut district = District::telling(&receiver);
        district.configure(|config| config.webhooks[0].1 = format!("http://{nobody}/"));
        district.enroll(&STUDENTS);
        district.attend(&rows());
        district.up();
        assert_eq!(district.alerts().iter().filter(|alert| alert["attempts"] == 1).count(), 3);
        turned(&mut district, mode);
        let none: Vec<Row> = rows().into_iter().filter(|row| row.1 != 3).collect();
        district.attend(&none);
        district.up();
        assert_eq!(district.status()["flags"]["withdrawn"], 5);
        district.configure(|config| config.webhooks[0].1 = receiver.url());
        turned(&mut district, "live");
        district.up();
        assert_eq!(receiver.kinds(), [""; 0], "{mode}");
    }
}

/// The wrong person was to be told.
#[test]
fn what_no_route_leads_to_any_more_does_not_leave() {
    let (counselor, dean) = (Receiver::start(), Receiver::start());
    let mut district = away(&counselor);
    district.config.webhooks.push(("dean".to_owned(), dean.url()));
    let both = district.config.render();
    let (counselors, deans) =
        ("  - {rule: chronic-absence, to: counselor}\n", "  - {rule: chronic-absence, to: dean}\n");
    assert!(both.contains(counselors) && both.contains(deans));
    for (yaml, to_counselor, to_dean) in
        [(both.replace(counselors, ""), 0, 1), (both.replace(deans, ""), 4, 1), (both, 4, 1)]
    {
        district.configure(|config| config.verbatim = Some(yaml));
        district.later(A_NIGHT);
        district.up();
        assert_eq!((counselor.kinds().len() - 3, dean.kinds().len()), (to_counselor, to_dean));
    }
    assert_eq!(dean.kinds(), ["risk.flags.standing"]);
}

#[test]
fn nothing_leaves_of_a_hub_that_ends_before_it_has_decided() {
    let receiver = Receiver::start();
    let mut district = away(&receiver);
    if !district.is_embedded() {
        return;
    }
    turned(&mut district, "test");
    for file in ["feeds.db", "feeds.db-wal", "feeds.db-shm"] {
        fs::remove_file(district.path().join("var").join(file)).ok();
    }
    let run = district.start().end();
    assert_ne!(run.status.code(), Some(0), "{run:?}");
    assert_eq!(receiver.deliveries().len(), 3);
}

/// A payload that was begun and cannot be read on: nobody is decided on, so what waits may be what is not to leave.
#[test]
fn while_a_file_is_not_read_to_its_end_nothing_leaves() {
    let receiver = Receiver::start();
    let mut district = away(&receiver);
    if !district.is_embedded() {
        return;
    }
    receiver.answer_next(&[Answer::Status(503); 30]);
    let landing = district.path().join("var/landing");
    let files =
        || fs::read_dir(&landing).expect("it is there").flatten().map(|file| file.path()).collect::<Vec<_>>();
    let before = files();
    let many: Vec<u32> = (10_000..13_000).collect();
    district.enroll(&[&STUDENTS[..], &many].concat());
    district.up();
    let tardy = many.iter().flat_map(|student| (8..20).map(|day| (*student, day, "T")));
    district.attend(&rows().into_iter().chain(tardy).collect::<Vec<_>>());
    assert!(district.up_dying_at("append", 2), "the file is long enough");
    for file in files().into_iter().filter(|file| !before.contains(file)) {
        fs::remove_file(&file).expect("it is ours");
        fs::create_dir(&file).expect("it is ours");
    }
    turned(&mut district, "test");
    let sent = receiver.deliveries().len();
    let run = district.run(&["up", "--once"]).exit(0);
    assert!(run.stderr.contains("no alert was sent"), "{run:?}");
    for _ in 0..3 {
        district.later(A_NIGHT);
        district.up();
    }
    assert_eq!(receiver.deliveries().len(), sent, "nothing leaves in test");
    assert!(district.alerts().iter().all(|alert| alert["state"] != "pending"), "what waited is held back");
}
