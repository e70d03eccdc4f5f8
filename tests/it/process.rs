//! `up` as a service: its lock, its neighbours, its end.

use crate::district::{District, eventually, feed, last_run};
use crate::drops::through;
use crate::receiver::{Answer, Receiver};

fn open_flags(district: &District) -> u64 {
    district.status()["flags"]["open"].as_u64().expect("a number")
}

#[test]
fn a_running_up_takes_drops_and_tells() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    let up = district.start();
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    eventually("the receiver is told", || receiver.kinds() == ["risk.flag.raised"]);

    // On servers there may be as many as wanted.
    if district.is_embedded() {
        let second = district.run(&["up", "--once"]);
        assert_eq!(second.status.code(), Some(3), "{second:?}");
        let second = district.run(&["up"]);
        assert_eq!(second.status.code(), Some(3), "{second:?}");
    }

    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    district.run(&["flags", "ack", &flag, "--by", "Pat"]).exit(0);
    eventually("the act is folded", || district.flags()[0]["acknowledged_by"] == "Pat");
    for command in
        [&["student", "1001"][..], &["plan"], &["rejects", "list"], &["explain", &flag], &["check"]]
    {
        district.json(command);
    }

    up.signal("TERM");
    up.end().exit(0);
    assert_eq!(open_flags(&district), 1);
}

#[test]
fn a_killed_process_leaves_no_lock() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    let up = district.start();
    eventually("the receiver is told", || !receiver.kinds().is_empty());
    up.signal("KILL");
    assert_eq!(up.end().status.code(), None);
    district.up();
    assert_eq!((open_flags(&district), receiver.ids().len()), (1, 1));
}

#[test]
fn a_decision_takes_effect_at_once_under_a_running_up() {
    let mut district = District::new();
    let students: Vec<u32> = (1000..1030).collect();
    district.enroll(&students);
    let mut rows: Vec<_> = students.iter().map(|id| (*id, 5, "A")).collect();
    rows[0].1 = 6;
    district.attend(&rows);
    district.up();
    district.attend(&rows[..10]);
    let up = district.start();
    eventually("the file waits", || district.holds().len() == 1);
    let hold = district.holds()[0]["id"].to_string().replace('"', "");
    district.run(&["holds", "approve", &hold, "--by", "Pat", "--reason", "term ended"]).exit(0);
    eventually("it goes through", || {
        let status = district.status();
        status["holds"] == 0 && last_run(&status, "attendance")["end"] == 20
    });
    up.signal("TERM");
    up.end().exit(0);
}

/// A file that is still being written is left alone until it stands still.
#[test]
fn a_growing_file_is_left_alone() {
    use std::io::Write as _;

    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.up();
    let up = district.start_by_the_clock();
    let text = crate::drops::attendance(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    let path = district.path().join("drop/attendance.csv");
    // For longer than a file must be still. Had it been read before it was whole, not all rows would be new in the end.
    for piece in text.as_bytes().chunks(text.len().div_ceil(12)) {
        let mut file =
            std::fs::File::options().create(true).append(true).open(&path).expect("the folder is writable");
        file.write_all(piece).expect("it is writable");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    eventually("the whole file is read", || feed(&district.status(), "attendance")["last_run"]["add"] == 3);
    assert!(district.rejects().is_empty());
    up.signal("TERM");
    up.end().exit(0);
}

#[test]
fn retry_works_beside_a_running_up_of_the_same_configuration_only() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let up = district.start();
    district.attend(&[(1001, 3, "A"), (1001, 4, "Q"), through(21)]);
    eventually("the file is read", || feed(&district.status(), "attendance")["last_run"]["rows"] == 3);
    let run = district.json(&["retry", "attendance"]);
    assert_eq!((&run["rows"], &run["reject"]), (&3.into(), &1.into()), "{run}");

    district.configure(|config| config.codes = "{A: absent_unexcused, T: tardy, Q: absent_excused}");
    let refused = district.run(&["retry", "attendance"]);
    assert!(matches!(refused.status.code(), Some(1..=3)), "{refused:?}");
    assert_eq!(district.answer(1001)["value"], "1/20", "nothing was applied");
    up.signal("TERM");
    up.end().exit(0);
    district.up();
    assert_eq!(district.answer(1001)["value"], "2/21", "the changed mapping runs at the next start");
}

/// A receiver that does not answer must not keep the process from ending, nor its alert from being sent later.
#[test]
fn the_end_does_not_wait_for_a_silent_receiver() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Silence]);
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    let up = district.start();
    eventually("the receiver is called", || !receiver.deliveries().is_empty());
    up.signal("TERM");
    up.end().exit(0);
    district.now = "2021-11-01T23:30:00Z".to_owned();
    district.up();
    assert_eq!((receiver.ids().len(), district.status()["outbox"]["delivered"].as_u64()), (1, Some(1)));
}

/// Killed again and again while files come in: the same flags and the same alerts as without.
#[test]
fn killed_at_any_time_nothing_is_lost_or_told_under_two_names() {
    let play = |kill: bool| {
        let receiver = Receiver::start();
        let mut district = District::telling(&receiver);
        let students: Vec<u32> = (1000..1040).collect();
        district.enroll(&students);
        let mut rows: Vec<_> = vec![through(20)];
        for step in 0..5 {
            rows.extend(
                students[1 + step * 7..8 + step * 7].iter().flat_map(|id| [(*id, 3, "A"), (*id, 4, "E")]),
            );
            district.attend(&rows);
            if kill {
                let up = district.start();
                std::thread::sleep(std::time::Duration::from_millis(150 + 130 * step as u64));
                up.signal("KILL");
                assert_eq!(up.end().status.code(), None);
            } else {
                district.up();
            }
        }
        // Claims of killed processes run out after two minutes.
        district.now = "2021-11-01T23:30:00Z".to_owned();
        let status = district.up();
        assert_eq!(
            (&status["outbox"]["pending"], &status["flags"]["open"]),
            (&0.into(), &35.into()),
            "{status}"
        );
        (receiver.ids(), district.state_hash())
    };
    assert_eq!(play(true), play(false));
}
