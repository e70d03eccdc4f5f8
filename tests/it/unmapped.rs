//! A code that nobody mapped: its days are unknown, until the mapping is mended.

use serde_json::Value;

use crate::district::{District, assert_counts, last_run};
use crate::drops::{Row, through};
use crate::receiver::Receiver;

/// 1001 is flagged (2 of 20). 1002 has one absence and one "V": nobody knows.
const ROWS: [Row; 5] = [(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), (1002, 6, "V"), (1000, 21, "T")];

fn loaded(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&ROWS);
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 5), ("add", 4), ("reject", 1)]);
    assert_eq!(status["rejects"], 1);
    district
}

fn map_v(district: &mut District) {
    district.configure(|config| {
        config.codes = "{P: present, A: absent_unexcused, E: absent_excused, T: tardy, V: absent_excused}";
    });
}

fn open_flags(district: &District) -> Vec<Value> {
    district.flags().iter().filter(|f| f["state"] == "open").map(|f| f["student_id"].clone()).collect()
}

#[test]
fn its_days_are_unknown_and_the_reject_says_what_to_do() {
    let district = loaded(&Receiver::start());
    let answer = district.answer(1002);
    assert_eq!(
        (&answer["value"], &answer["n"]),
        (&"1/20".into(), &20.into()),
        "21 days less the unknown one"
    );
    assert_eq!(answer["unknown_dates"], serde_json::json!([crate::drops::day(6)]), "{answer}");
    let said = district.text(&["student", "1002"]);
    let expected = format!("1 day is unknown, neither present nor absent: {}", crate::drops::day(6));
    assert!(said.contains(&expected), "{said}");
    let said = district.text(&["status"]);
    assert!(said.contains("attendance: 1 row could not be used"), "{said}");
    let events = district.events(&["--type", "attendance.daily", "--student", "1002"]);
    assert!(events.iter().any(|event| event["data"]["category"] == "unknown"), "{events:?}");

    let groups = district.json(&["rejects", "list", "--group"]);
    assert_eq!(groups.as_array().map(Vec::len), Some(1), "{groups}");
    let group = &groups[0];
    assert_eq!(group["feed"], "attendance");
    assert_eq!((&group["code"], &group["count"]), (&"unmapped_code".into(), &1.into()));
    assert_eq!(group["value_class"], "V");
    assert_eq!((&group["first"]["row"], &group["first"]["column"]), (&5.into(), &"Att_Code".into()));
    assert!(group["help"].as_str().is_some_and(|help| !help.is_empty()), "{group}");
}

#[test]
fn unknown_days_neither_raise_nor_clear() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    assert_eq!(open_flags(&district), ["1001"]);
    // 2 of 22 would keep, 2 of 23 would clear; two unknown days leave 2 of 22.
    let unknown = [(1001, 22, "V"), (1001, 23, "V"), (1002, 22, "V"), through(24)];
    district.attend(&[&ROWS[..], &unknown].concat());
    district.up();
    assert_eq!(open_flags(&district), ["1001"]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    assert_eq!(district.answer(1001)["n"], 22);
}

#[test]
fn mapped_and_retried_exactly_those_rows_are_applied_once() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let before = district.events(&["--type", "attendance.daily"]).len();
    map_v(&mut district);
    let run = district.json(&["retry", "attendance"]);
    let run = run.get("feeds").map_or(&run, |feeds| &feeds[0]);
    let of_row = run["add"].as_u64().unwrap_or(0) + run["change"].as_u64().unwrap_or(0);
    assert_eq!((of_row, &run["unchanged"], &run["reject"]), (1, &4.into(), &0.into()), "{run}");

    district.up();
    assert_eq!(district.events(&["--type", "attendance.daily"]).len(), before + 1);
    assert_eq!(district.answer(1002)["value"], "2/21");
    assert_eq!(district.status()["rejects"], 0);
    let (count, hash) = (district.count_events(), district.state_hash());
    district.json(&["retry", "attendance"]);
    district.up();
    assert_eq!((district.count_events(), district.state_hash()), (count, hash), "once");
}

#[test]
fn a_changed_mapping_runs_again_at_the_next_start() {
    let mut district = loaded(&Receiver::start());
    map_v(&mut district);
    let status = district.up();
    assert_eq!((&status["rejects"], &last_run(&status, "attendance")["reject"]), (&0.into(), &0.into()));
    assert_eq!(district.answer(1002)["value"], "2/21");
}

/// Rows of one key that disagree make the day unknown, and one reject names both.
#[test]
fn rows_that_disagree_are_unknown() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 3, "P"), (1001, 4, "A"), (1001, 4, "A"), through(21)]);
    let status = district.up();
    let run = last_run(&status, "attendance");
    assert_eq!((&run["rows"], &run["duplicate"], &run["reject"]), (&5.into(), &1.into(), &2.into()), "{run}");
    let rejects = district.rejects();
    assert_eq!(rejects.len(), 1, "{rejects:?}");
    let told = rejects[0].to_string();
    assert!(told.contains("conflicting_rows") && told.contains('2') && told.contains('3'), "{told}");
    assert_eq!(district.answer(1001)["value"], "1/20");
}

/// Where every day has a row, a missing row is unknown: nobody is called present.
#[test]
fn with_a_row_for_every_day_a_missing_row_is_unknown() {
    let mut district = District::with(|config| config.rows = "every_day");
    district.enroll(&[1000, 1001]);
    let rows: Vec<Row> =
        (1..=25).filter(|n| n % 5 != 0).map(|n| (1001, n, if n < 3 { "A" } else { "P" })).collect();
    district.attend(&[&rows[..], &[through(25)]].concat());
    district.up();
    assert_eq!(district.answer(1001)["value"], "2/20");
    assert_eq!(district.answer(1000)["n"], 1);
}
