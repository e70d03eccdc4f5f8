//! A student whom the roster does not know yet: kept, and released when the roster brings the student.

use crate::district::{District, assert_counts, feed, last_run, list};
use crate::drops::{self, day, through, us};
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

/// A school that the feed does not serve, in one stray row, keeps no row of another from going.
#[test]
fn a_stray_row_of_another_school_keeps_nothing_back() {
    let mut district = District::new();
    district.enroll(&[1000, 1001, 2000]);
    let absent = [3, 9, 12].map(|n| drops::line(&(1001, n, "A")));
    let file = |more: &[String], last: usize| {
        let clerk = drops::line(&through(last));
        drops::csv(drops::ATTENDANCE_HEADER, &[&absent[..2], more, &[clerk]].concat())
    };
    district.drop("attendance-1.csv", file(&[absent[2].clone(), "9999,200,8/27/2021,A".to_owned()], 26));
    district.up();
    district.drop("attendance-2.csv", file(&[absent[2].replace(",100,", ",,")], 27));
    district.up();
    assert_eq!(district.answer(1001)["value"], "3/27", "in doubt, it stands on");
    for night in 28..30 {
        district.drop(&format!("attendance-{night}.csv"), file(&[], night));
        let status = district.up();
        let answer = district.answer(1001);
        assert_eq!((&answer["value"], &answer["unknown_days"]), (&format!("2/{night}").into(), &0.into()));
        assert_eq!(status["unmatched"], 0, "{status}");
    }
}

/// Excel eats leading zeros: "0012" in the roster is "12" in the attendance file.
/// A mistyped year puts the row into a year that nobody judges: it goes with the next file all the same.
#[test]
fn a_row_of_another_year_goes_with_the_next_file_too() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.drop("attendance-1.csv", drops::attendance(&[through(20)]) + "8001,100,9/1/2062,A\r\n");
    assert_eq!(district.up()["unmatched"], 1);
    district.attend(&[(1001, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(status["unmatched"], 0, "{status}");
    assert_eq!(crate::district::feed(&status, "attendance")["state"], "ok", "{status}");
    assert_eq!(district.json(&["unmatched", "list"]), serde_json::json!([]));
}

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

/// What a spreadsheet or a tool made of an id, and what to do about it: one line for each student.
#[test]
fn each_shape_of_a_lost_id_has_its_hint() {
    let mut district = District::new();
    district
        .drop("enrollment.csv", drops::enrollment(&[1000, 1001, 1002, 1003, 1004]).replace("1004,", "AB4,"));
    let ids = ["1.001E+03", "'1002", "1003.0", "ab4", "9999"];
    let rows = ids.iter().chain(&ids[..1]).enumerate();
    let rows: Vec<String> = rows.map(|(at, id)| format!("{id},100,{},A", us(day(3 + at)))).collect();
    district.drop("attendance.csv", drops::csv(drops::ATTENDANCE_HEADER, &rows));
    assert_eq!(district.up()["unmatched"], 6, "rows");
    let lost = list(district.json(&["unmatched", "list"]));
    assert_eq!(lost.len(), 5, "ids: {lost:?}");
    for (id, hint) in ids.iter().zip(["shortened", "quotes", ".0", "capitals", ""]) {
        let line = lost.iter().find(|line| line["id"] == *id).unwrap_or_else(|| panic!("{id}: {lost:?}"));
        let rows = if *id == ids[0] { 2 } else { 1 };
        assert_eq!((&line["feed"], &line["rows"]), (&"attendance".into(), &rows.into()));
        assert_eq!(line["first"]["file"], "attendance.csv");
        match line["hint"].as_str() {
            Some(said) => assert!(!hint.is_empty() && said.contains(hint), "{id}: {said}"),
            None => assert_eq!(hint, "", "{id} has no hint"),
        }
    }
}
