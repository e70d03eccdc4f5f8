//! A student whom the roster does not know yet: kept, and released when the roster brings the student.

use crate::district::{District, assert_counts, feed, last_run};
use crate::drops::{self, through};
use crate::receiver::Receiver;

#[test]
fn released_when_the_roster_brings_the_student() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1077, 4, "A"), (1077, 5, "A"), through(20)]);
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 4), ("add", 2), ("unmatched", 2)]);
    assert_eq!(status["unmatched"], 2);
    assert!(receiver.kinds().is_empty());

    district.enroll(&[1000, 1001, 1077]);
    let status = district.up();
    assert_eq!(status["unmatched"], 0);
    assert_eq!(district.events(&["--type", "attendance.daily", "--student", "1077"]).len(), 2);
    assert_eq!(district.answer(1077)["value"], "2/20");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
}

#[test]
fn dropped_when_the_next_file_does_not_have_the_row() {
    let mut district = District::new();
    district.enroll(&[1000]);
    district.attend(&[(1077, 4, "A"), through(20)]);
    assert_eq!(district.up()["unmatched"], 1);
    district.attend(&[through(20)]);
    assert_eq!(district.up()["unmatched"], 0);
    district.enroll(&[1000, 1077]);
    district.up();
    assert_eq!(district.answer(1077)["value"], "0/20");
}

/// Excel eats leading zeros: "0012" in the roster is "12" in the attendance file.
#[test]
fn lost_leading_zeros_are_named() {
    let mut district = District::new();
    district.drop("enrollment.csv", drops::enrollment(&[1000]).replace("1000,", "001000,"));
    let attendance = district.drop("attendance.csv", drops::attendance(&[through(3)]));
    let status = district.up();
    assert_eq!(status["unmatched"], 1);
    let next_step = feed(&status, "attendance")["next_step"].to_string();
    let sample = attendance.to_str().expect("UTF-8");
    let check = district.run(&["check", "--feed", "attendance", "--sample", sample]);
    let told = format!("{next_step} {} {}", check.stdout, district.json(&["rejects", "list"]));
    assert!(told.contains("zero"), "{told}");
}
