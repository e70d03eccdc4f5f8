//! Files that are none, or that lead elsewhere, in a folder that tools write into.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::district::{District, feed, last_run};
use crate::drops::{self, through};

fn district() -> District {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.up();
    district
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo starts").success());
}

/// Every byte that landed.
fn landed(district: &District) -> Vec<u8> {
    let folder = std::fs::read_dir(district.path().join("var/landing")).expect("the hub lands here");
    folder.flat_map(|entry| std::fs::read(entry.expect("an entry").path()).expect("reads")).collect()
}

/// The bad one is refused by name, the good one beside it is used, and the bad one is read once it is a file.
#[track_caller]
fn assert_stops_no_other(what: &str, put: impl Fn(&Path)) {
    let mut district = district();
    let bad = district.path().join("drop/attendance-1.csv");
    put(&bad);
    let status = district.up();
    let rejects = district.rejects();
    assert_eq!((rejects.len(), &rejects[0]["file"]), (1, &"attendance-1.csv".into()), "{what}: {rejects:?}");
    assert_eq!(feed(&status, "attendance")["state"], "refused", "{what}: {status}");
    district.attend(&[(1001, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(district.answer(1001)["value"], "1/20", "{what}: {status}");

    std::fs::remove_file(&bad).expect("goes");
    district.drop("attendance-1.csv", drops::attendance(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]));
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["add"], 1, "{what}: {status}");
    assert_eq!(feed(&status, "attendance")["state"], "ok", "{what}: {status}");
    assert_eq!(district.answer(1001)["value"], "2/20", "{what}");
}

#[test]
fn a_pipe_is_waited_for_by_nobody() {
    assert_stops_no_other("a pipe", pipe);
}

#[test]
fn a_link_to_a_device_does_not_land() {
    assert_stops_no_other("a device", |path| symlink("/dev/zero", path).expect("links"));
}

#[test]
fn a_link_out_of_the_folder_does_not_land() {
    const CANARY: &str = "Student_Number,School_ID,Att_Date,Att_Code\r\ncanary-of-a-secret,,,\r\n";
    let mut district = district();
    let secret = district.path().join("secret.txt");
    std::fs::write(&secret, CANARY).expect("writes");
    symlink(&secret, district.path().join("drop/attendance-9.csv")).expect("links");
    symlink("/proc/self/environ", district.path().join("drop/attendance-8.csv")).expect("links");
    district.attend(&[(1001, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(district.answer(1001)["value"], "1/20", "{status}");
    let landed = String::from_utf8_lossy(&landed(&district)).into_owned();
    assert!(landed.contains("1001,100"), "what is in order landed");
    assert!(
        !landed.contains("canary-of-a-secret") && !landed.contains("SIGNALBOX_SECRET"),
        "nothing else did"
    );
    assert!(district.run(&["rejects", "list"]).exit(0).stdout.contains("leads out of its folder"));
}

#[test]
fn a_name_that_is_no_utf8_is_a_name() {
    let district = district();
    let name = OsStr::from_bytes(b"attendance-f\xe9vrier.csv");
    let rows = drops::attendance(&[(1001, 3, "A"), through(20)]);
    std::fs::write(district.path().join("drop").join(name), rows).expect("writes");
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["add"], 2, "{status}");
    let again = district.up();
    assert_eq!(again["feeds"], status["feeds"], "it is read once");
}

#[test]
fn a_secret_or_a_sample_that_is_no_file_is_waited_for_by_nobody() {
    let district = district();
    let path = district.path().join("pipe");
    pipe(&path);
    let sample = path.to_str().expect("text");
    let checked = district.run(&["check", "--feed", "attendance", "--sample", sample]);
    assert!(!checked.status.success(), "{checked:?}");
    assert!((checked.stderr + &checked.stdout).contains("no regular file"));
    pipe(&district.path().join("drop/more.csv"));
    pipe(&district.path().join("drop/roster.zip"));
    let new = district.path().join("new.yaml");
    let init = ["init", "--from", "drop", "--config", new.to_str().expect("text")];
    let begun = district.run(&init);
    assert!((begun.stderr + &begun.stdout).contains("no regular file"), "both are named, none is waited for");
}

/// The district's own settings lead there: a share that is mounted elsewhere.
#[test]
fn a_drop_folder_may_itself_be_a_link() {
    let mut district = district();
    let (drop, share) = (district.path().join("drop"), district.path().join("share"));
    std::fs::rename(&drop, &share).expect("moves");
    symlink(&share, &drop).expect("links");
    district.attend(&[(1001, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["add"], 2, "{status}");
}
