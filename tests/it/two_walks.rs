//! What is unknown decides nothing, and a day counts once however many schools speak of it.

use serde_json::Value;

use crate::district::District;
use crate::drops::{self, Row, day, line, through, us};
use crate::receiver::Receiver;

/// The codes of days that cannot be read.
const UNREADABLE: &str = "?";

fn shown(answer: &Value) -> (&str, u64) {
    (answer["value"].as_str().unwrap_or("nothing"), answer["unknown_days"].as_u64().expect("a number"))
}

/// 3 of 29 known days would be a flag, 3 of 31 would not.
#[test]
fn nobody_is_flagged_because_of_days_that_nobody_knows() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let rows = [24, 28, 31].map(|n| (1001, n, "A"));
    let unknown = [20, 21].map(|n| (1001, n, UNREADABLE));
    district.attend(&[&rows[..], &unknown, &[through(31)]].concat());
    district.up();
    assert_eq!(shown(&district.answer(1001)), ("3/29", 2));
    assert_eq!(district.flags(), [] as [Value; 0]);
    district.attend(&[&rows[..], &[(1001, 20, "A"), unknown[1], through(31)]].concat());
    district.up();
    assert_eq!(district.flags().len(), 1, "4 of 31 at least");
}

/// Two of three days of evidence become unreadable: the flag stays as it was told until they can be read.
#[test]
fn unreadable_evidence_takes_no_flag_back() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    let file = |code: &'static str| -> Vec<Row> {
        vec![(1001, 3, "A"), (1001, 4, code), (1001, 5, code), through(22)]
    };
    district.attend(&file("A"));
    district.up();
    let told = district.flags()[0].clone();
    assert_eq!(told["unconfirmed"], false);

    district.attend(&file(UNREADABLE));
    district.up();
    let flag = district.flags()[0].clone();
    assert_eq!((&flag["state"], &flag["unconfirmed"]), (&"open".into(), &true.into()), "{flag}");
    let explained = district.json(&["explain", flag["flag_id"].as_str().expect("an id"), "--verify"]);
    assert_eq!(explained["reasons"][0]["value"], "3/22", "as it was told");
    assert_eq!(explained["verified"], true, "{explained}");

    district.attend(&file("A"));
    district.up();
    assert_eq!(district.flags(), [told], "the next good file heals it");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);

    district.attend(&file("P"));
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

/// A flag that nobody can confirm stands for those who were told of it; a new recipient hears of it when it is confirmed.
#[test]
fn nobody_new_is_told_of_what_is_unconfirmed() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let mut district = District::telling(&first);
    district.enroll(&[1000, 1001]);
    let file = |code: &'static str| -> Vec<Row> {
        vec![(1001, 3, "A"), (1001, 4, code), (1001, 5, code), through(22)]
    };
    district.attend(&file("A"));
    district.up();
    district.attend(&file(UNREADABLE));
    district.up();
    district.configure(|config| config.webhooks.push(("dean".to_owned(), second.url())));
    district.up();
    assert!(second.kinds().is_empty(), "{:?}", second.kinds());
    district.attend(&file("A"));
    district.up();
    assert_eq!((first.kinds().len(), second.kinds()), (1, vec!["risk.flags.standing".to_owned()]));
}

/// Days that nobody knows count for the least number of days, and alone they are no answer.
#[test]
fn not_one_known_day_is_no_answer() {
    let mut district = District::with(|config| config.rows = "every_day");
    district.enroll(&[1000, 1001]);
    let clerk: Vec<Row> = (1..=25).map(|n| (1000, n, "P")).collect();
    district.attend(&clerk);
    district.up();
    let answer = district.answer(1001);
    assert_eq!((shown(&answer), &answer["status"]), (("nothing", 25), &"insufficient".into()));
    assert_eq!(answer["missing"][0], "not one of 25 school days is known");
}

fn enroll(district: &mut District, stints: &[(u32, &str, &str)]) {
    let clerks =
        [(1000, 100), (2000, 200)].map(|(id, school)| format!("{id},Q,Z,2007-03-01,{school},8/23/2021,"));
    let own =
        stints.iter().map(|(school, entry, exit)| format!("1001,Q,Z,2007-03-01,{school},{entry},{exit}"));
    let lines: Vec<String> = clerks.into_iter().chain(own).collect();
    district.drop("enrollment.csv", drops::csv(drops::ENROLLMENT_HEADER, &lines));
}

/// Rows of student 1001 at these schools, and both clerks' through `last`.
fn attend(district: &mut District, rows: &[(u32, usize)], last: usize) {
    let clerks = [line(&through(last)), line(&(2000, last, "T"))];
    let own = rows.iter().map(|(school, n)| format!("1001,{school},{},A", us(day(*n))));
    let lines: Vec<String> = clerks.into_iter().chain(own).collect();
    district.drop("attendance.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines));
}

#[test]
fn a_child_at_two_schools_has_each_day_once() {
    let mut district = District::new();
    district.now = "2021-11-20T23:00:00Z".to_owned();
    enroll(&mut district, &[(100, "8/23/2021", ""), (200, "8/23/2021", "")]);
    attend(&mut district, &[3, 4, 10, 20, 30, 40, 50].map(|n| (100, n)), 63);
    district.up();
    let answer = district.answer(1001);
    assert_eq!((shown(&answer), &answer["days_left"]), (("7/63", 0), &12.into()), "19 of 188 days");
    assert_eq!(district.flags().len(), 1);
}

/// The second school has sent nothing at all so far.
#[test]
fn a_second_school_without_rows_takes_nothing_away() {
    let mut district = District::new();
    enroll(&mut district, &[(100, "8/23/2021", ""), (300, "8/23/2021", "")]);
    attend(&mut district, &[3, 4].map(|n| (100, n)), 20);
    district.up();
    let answer = district.answer(1001);
    assert_eq!((shown(&answer), &answer["status"]), (("2/20", 0), &"ok".into()));
}

/// After a transfer the old school marks the child absent for two weeks.
#[test]
fn what_a_school_says_of_a_child_who_left_it_decides_nothing() {
    let mut district = District::new();
    enroll(&mut district, &[(100, "8/23/2021", us(day(20)).as_str()), (200, us(day(21)).as_str(), "")]);
    let rows: Vec<(u32, usize)> = (21..=30).map(|n| (100, n)).collect();
    attend(&mut district, &rows, 40);
    district.up();
    let answer = district.answer(1001);
    assert_eq!((shown(&answer), &answer["unused_rows"]), (("0/30", 10), &10.into()));
    assert_eq!(district.flags(), [] as [Value; 0]);
}
