//! `up` as a service: its lock, its neighbours, its end.

use crate::district::{District, eventually, feed, last_run};
use crate::drops::through;
use crate::receiver::Receiver;

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

    let second = district.run(&["up", "--once"]);
    assert_eq!(second.code, Some(3), "{second:?}");
    let second = district.run(&["up"]);
    assert_eq!(second.code, Some(3), "{second:?}");

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
    assert_eq!(up.end().code, None);
    district.up();
    assert_eq!((open_flags(&district), receiver.ids().len()), (1, 1));
}

#[test]
fn a_decision_takes_effect_at_once_under_a_running_up() {
    let mut district = District::new();
    let students: Vec<u32> = (1000..1030).collect();
    district.enroll(&students);
    let rows: Vec<_> = students.iter().map(|id| (*id, 5, "A")).collect();
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
    let (half, rest) = text.split_at(text.len() / 2);
    let path = district.path().join("drop/attendance.csv");
    std::fs::write(&path, half).expect("the folder is writable");
    for piece in rest.as_bytes().chunks(rest.len().div_ceil(4)) {
        std::thread::sleep(std::time::Duration::from_millis(1200));
        assert!(feed(&district.status(), "attendance")["last_run"].is_null());
        let mut file = std::fs::File::options().append(true).open(&path).expect("it is there");
        file.write_all(piece).expect("it is writable");
    }
    eventually("the whole file is read", || feed(&district.status(), "attendance")["last_run"]["add"] == 3);
    assert!(district.rejects().is_empty());
    up.signal("TERM");
    up.end().exit(0);
}
