//! What is left behind: everything that is over goes, and nothing that is needed.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use crate::district::District;
use crate::drops::{Row, through};

fn landed(district: &District) -> BTreeSet<String> {
    let folder = fs::read_dir(district.path().join("var/landing")).expect("the hub lands here");
    folder
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("its name is text"))
        .collect()
}

/// Attendance of some days; the student's absences tell one file from another.
fn nights(district: &mut District, nights: std::ops::RangeInclusive<usize>) {
    for night in nights {
        district.attend(&[(1001, night, "A"), (1001, night, "A"), through(20)]);
        district.up();
    }
}

const DAY_MIN: i64 = 24 * 60;

#[test]
fn payloads_go_after_thirty_days_but_for_the_last() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    nights(&mut district, 1..=5);
    assert_eq!(landed(&district).len(), 6, "the roster and five nights");
    district.later(29 * DAY_MIN);
    district.up();
    assert_eq!(landed(&district).len(), 6, "none is thirty days old");
    district.later(2 * DAY_MIN);
    district.up();
    let left = landed(&district);
    assert_eq!(left.len(), 2, "the last of each feed");
    let events = district.count_events();
    district.json(&["retry", "attendance"]);
    district.json(&["retry", "enrollment"]);
    assert_eq!((district.count_events(), landed(&district)), (events, left), "they can be read again");
    nights(&mut district, 6..=6);
    assert_eq!(district.answer(1001)["value"], "1/20");
}

#[test]
fn what_a_person_is_asked_about_stays() {
    let mut district = District::new();
    let students: Vec<u32> = (1000..1030).collect();
    district.enroll(&students);
    let rows: Vec<Row> = students.iter().map(|id| (*id, 5, "A")).chain([through(20)]).collect();
    district.attend(&rows);
    district.up();
    district.attend(&[(1000, 5, "A"), through(20)]);
    district.up();
    let hold = district.holds().remove(0);
    district.later(60 * DAY_MIN);
    district.up();
    assert_eq!(landed(&district).len(), 2, "the roster, and what waits");
    let id = hold["id"].as_str().expect("it has an id");
    district.json(&["holds", "approve", id, "--by", "ada", "--reason", "a trial is over"]);
    let status = district.up();
    assert_eq!(crate::district::last_run(&status, "attendance")["end"], hold["would_end"], "{status}");
}

#[test]
fn what_a_crash_left_goes_with_the_next_start() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    assert!(district.up_dying_at("land", 1), "it dies before a run names the payload");
    let half = district.path().join("var/landing/.tmpA1b2C3");
    fs::write(&half, "half of a file of students").expect("writes");
    district.drop("enrollment-000.csv", crate::drops::enrollment(&[1000, 1001, 1002]));
    district.up();
    assert!(!half.exists());
    assert_eq!(landed(&district).len(), 1);
}

#[test]
fn a_data_folder_that_others_can_read_is_refused() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let data_dir = district.path().join("var");
    if !data_dir.exists() {
        DirBuilder::new().mode(0o700).create(&data_dir).expect("makes");
    }
    let open_to = |mode| fs::set_permissions(&data_dir, Permissions::from_mode(mode)).expect("it is ours");
    for mode in [0o750, 0o704, 0o777] {
        open_to(mode);
        for command in [&["up", "--once"][..], &["status"], &["plan"]] {
            let refused = district.run(command).exit(3);
            assert!(refused.stderr.contains("chmod 700"), "{mode:o} {command:?}: {refused:?}");
        }
    }
    open_to(0o700);
    district.up();
    assert_closed(&data_dir);
}

/// Whatever the account's own habit is.
#[track_caller]
fn assert_closed(folder: &Path) {
    for entry in fs::read_dir(folder).expect("lists").map(|entry| entry.expect("an entry")) {
        let (path, meta) = (entry.path(), entry.metadata().expect("is there"));
        assert_eq!(meta.permissions().mode() & 0o077, 0, "{}", path.display());
        if meta.is_dir() {
            assert_closed(&path);
        }
    }
}
