//! Discipline incidents, from file to webhook: `behavior.incident` and the rule `behavior`.

use serde_json::Value;

use crate::district::{District, assert_counts, last_run};
use crate::drops::{day, school, us};
use crate::receiver::Receiver;

pub(crate) const FEED: &str = r#"  - name: incidents
    mode: live
    csv: {path: "./drop/incidents*.csv", entity: behavior.incident, covers: school_year, absent_rows: end,
          columns: {incident: Incident, student: Student, school: School, date: {from: Date, format: "%m/%d/%Y"}, category: Level},
          codes: {category: {"1": minor, "2": major, OSS: suspension_out}}}
"#;

pub(crate) const TWO_IN_45: &str = "{rules: [{rule: behavior, categories: [major, suspension_out], at_least: 2, within: {school_days: 45}}]}";

/// Number, student, school day, level.
pub(crate) type Incident<'a> = (u32, u32, usize, &'a str);

pub(crate) fn export(rows: &[Incident<'_>]) -> String {
    let row = |(incident, student, n, level): &Incident<'_>| {
        format!("{incident},{student},{},{},{level}\r\n", school(*student), us(day(*n)))
    };
    format!("Incident,Student,School,Date,Level\r\n{}", rows.iter().map(row).collect::<String>())
}

fn district(receiver: &Receiver) -> District {
    let mut district = District::with(|config| {
        FEED.clone_into(&mut config.beside);
        config.risk = TWO_IN_45;
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        config.told_of = vec!["behavior"];
    });
    district.enroll(&[1000, 1001, 1002, 1003]);
    district
}

fn report(district: &mut District, name: &str, rows: &[Incident<'_>]) -> Value {
    district.drop(name, export(rows));
    district.up()
}

/// Noon of a school day.
fn noon(n: usize) -> String {
    format!("{}T18:00:00Z", day(n))
}

#[test]
fn the_second_within_45_school_days_flags_and_the_46th_day_lets_it_go_by_itself() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    let rows = [
        (1, 1001, 1, "2"),
        (2, 1001, 30, "OSS"),
        (3, 1002, 1, "2"),
        (4, 1002, 46, "2"),
        (5, 1003, 2, "1"),
        (6, 1003, 3, "1"),
    ];
    district.now = noon(30);
    report(&mut district, "incidents-1.csv", &rows[..3]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    let alert = receiver.deliveries()[0].json();
    let reason = &alert["data"]["reasons"][0];
    assert_eq!(reason["text"], "2 incidents within 45 school days; the line is 2.");
    assert_eq!((&reason["code"], &reason["value"]), (&"BEHAVIOR_COUNT".into(), &"2".into()));
    assert_eq!(
        (&reason["evidence"][1]["what"], &reason["evidence"][1]["ref"]),
        (&"suspension_out".into(), &"2".into())
    );
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    assert_eq!(district.json(&["explain", &flag, "--verify"])["verified"], true);

    district.now = noon(45);
    let status = district.up();
    assert_eq!(status["flags"]["open"], 1, "{status}");
    district.now = noon(46);
    let status = report(&mut district, "incidents-2.csv", &rows);
    assert_eq!(status["flags"]["open"], 0, "{status}");
    assert_eq!(
        receiver.kinds(),
        ["risk.flag.raised", "risk.flag.cleared"],
        "46 school days apart are no two within 45"
    );
    let reason = receiver.deliveries()[1].json()["data"]["reason"].clone();
    assert_eq!(reason, format!("Fell below 2 on {}: 1 incident within 45 school days.", day(46)));
    assert_eq!(district.json(&["explain", &flag, "--verify"])["verified"], true);
}

#[test]
fn time_alone_lets_a_flag_go() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district.now = noon(30);
    report(&mut district, "incidents-1.csv", &[(1, 1001, 1, "2"), (2, 1001, 30, "2")]);
    district.now = noon(46);
    let status = district.up();
    assert_eq!((&status["flags"]["open"], &status["flags"]["cleared"]), (&0.into(), &1.into()), "{status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.cleared"]);
}

#[test]
fn an_incident_that_is_gone_withdraws() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    let rows = [(1, 1001, 10, "2"), (2, 1001, 30, "2"), (3, 1002, 30, "2")];
    report(&mut district, "incidents-1.csv", &rows);
    let status = report(&mut district, "incidents-2.csv", &rows[1..]);
    assert_counts(last_run(&status, "incidents"), &[("rows", 2), ("unchanged", 2), ("end", 1)]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

#[test]
fn what_may_count_decides_nothing() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    let rows = [(1, 1001, 10, "2"), (2, 1001, 30, "2"), (3, 1002, 10, "2")];
    report(&mut district, "incidents-1.csv", &rows);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    // One of nobody's category, one without a day, one of two students, one that stands there twice.
    let mut text = export(&[(1, 1001, 10, "2"), (2, 1001, 30, "9"), (3, 1002, 10, "2")]);
    text.push_str(
        "4,1002,100,,2\r\n5,1000,100,9/20/2021,2\r\n5,1003,100,9/20/2021,2\r\n5,1003,100,9/20/2021,2\r\n",
    );
    district.drop("incidents-2.csv", text);
    let status = district.up();
    let run = last_run(&status, "incidents");
    let figures = (&run["rows"], &run["reject"], &run["add"], &run["duplicate"]);
    assert_eq!(figures, (&7.into(), &2.into(), &2.into(), &1.into()), "{status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    assert_eq!(district.flags()[0]["unconfirmed"], true);
    let of = |id| {
        let student = district.student(id);
        let answers = student["answers"].as_array().expect("answers").clone();
        answers.into_iter().find(|answer| answer["rule"] == "behavior").expect("an answer")
    };
    assert_eq!((&of(1002)["value"], &of(1002)["unknown"]), (&"1".into(), &1.into()), "{}", of(1002));
    assert_eq!((&of(1003)["value"], &of(1000)["value"]), (&"1".into(), &"1".into()));
    report(&mut district, "incidents-3.csv", &rows);
    assert_eq!((receiver.kinds().len(), &district.flags()[0]["unconfirmed"]), (1, &false.into()));
}

#[test]
fn a_stream_of_happenings_takes_nothing_back() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    let stream = FEED.replace("covers: school_year, absent_rows: end", "covers: own_rows, absent_rows: keep");
    district.configure(|config| config.beside = stream);
    report(&mut district, "incidents-1.csv", &[(1, 1001, 10, "2")]);
    report(&mut district, "incidents-2.csv", &[(2, 1001, 30, "2")]);
    let status = report(&mut district, "incidents-3.csv", &[(3, 1002, 30, "2")]);
    assert_eq!(status["flags"]["open"], 1, "{status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
}

/// `{school_days: N}`: the days that end at the school's latest row; there is no end after it.
#[test]
fn a_window_ends_what_is_gone_in_it_and_nothing_before() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district
        .configure(|config| config.beside = FEED.replace("covers: school_year", "covers: {school_days: 10}"));
    report(
        &mut district,
        "incidents-1.csv",
        &[(1, 1001, 10, "2"), (2, 1001, 30, "2"), (3, 1002, 29, "2"), (4, 1002, 31, "2")],
    );
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 2]);
    let status = report(&mut district, "incidents-2.csv", &[(2, 1001, 30, "2"), (4, 1002, 31, "2")]);
    assert_counts(last_run(&status, "incidents"), &[("rows", 2), ("unchanged", 2), ("end", 1)]);
    assert_eq!(status["flags"]["open"], 1, "that of day 10 stands: {status}");
}

/// What has left the window of a nightly export was not taken back.
#[test]
fn an_incident_that_leaves_the_window_stands() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district
        .configure(|config| config.beside = FEED.replace("covers: school_year", "covers: {school_days: 10}"));
    district.now = noon(20);
    report(&mut district, "incidents-1.csv", &[(1, 1001, 12, "2"), (2, 1001, 20, "2")]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    district.now = noon(22);
    let status = report(&mut district, "incidents-2.csv", &[(2, 1001, 20, "2")]);
    assert_counts(last_run(&status, "incidents"), &[("rows", 1), ("unchanged", 1)]);
    // That one, on a day that it speaks for, was.
    district.now = noon(23);
    report(&mut district, "incidents-3.csv", &[(3, 1002, 23, "1")]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

#[test]
fn a_day_that_could_not_be_read_for_a_night_is_the_one_of_before() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district
        .configure(|config| config.beside = FEED.replace("covers: school_year", "covers: {school_days: 10}"));
    district.now = noon(30);
    let rows = [(1, 1001, 25, "2"), (2, 1001, 30, "2")];
    report(&mut district, "incidents-1.csv", &rows);
    district.drop("incidents-2.csv", export(&rows).replace(&us(day(25)), "soon"));
    district.up();
    assert_eq!((district.flags()[0]["unconfirmed"].clone(), receiver.kinds().len()), (true.into(), 1));
    let status = report(&mut district, "incidents-3.csv", &rows[1..]);
    assert_counts(last_run(&status, "incidents"), &[("rows", 1), ("unchanged", 1), ("end", 1)]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

/// A header alone ends nothing, nor does a file without a small school.
#[test]
fn silence_of_a_school_takes_nothing_back() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district.enroll(&[1000, 1001, 1002, 1003, 2000]);
    let rows = [(1, 2000, 10, "2"), (2, 2000, 30, "2"), (3, 1002, 30, "1")];
    report(&mut district, "incidents-1.csv", &rows);
    for (name, left) in [("incidents-2.csv", &rows[..0]), ("incidents-3.csv", &rows[2..])] {
        let status = report(&mut district, name, left);
        assert_eq!(
            (&last_run(&status, "incidents")["end"], &status["flags"]["open"]),
            (&0.into(), &1.into()),
            "{name}: {status}"
        );
    }
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
}

#[test]
fn an_incident_to_come_counts_when_its_day_comes() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district.now = noon(30);
    report(&mut district, "incidents-1.csv", &[(1, 1001, 10, "2"), (2, 1001, 32, "2")]);
    assert_eq!(receiver.kinds(), [""; 0]);
    district.now = noon(32);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
}

/// A day that reads well and is wrong: what was known stands until a file says better.
#[test]
fn an_incident_dated_into_another_year_or_ahead_takes_nothing_back() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    let good = export(&[(1, 1001, 10, "2"), (2, 1001, 20, "2"), (3, 1000, 20, "1")]);
    let read = |district: &mut District, name: &str, text: String| {
        district.drop(name, text);
        district.up();
    };
    read(&mut district, "incidents-1.csv", good.clone());
    assert_eq!(district.flags()[0]["state"], "open");
    let right = format!("1001,100,{}", us(day(20)));
    assert!(good.contains(&right), "{good}");
    for (name, wrong) in
        [("incidents-2.csv", "9/20/2020"), ("incidents-3.csv", "5/1/2022"), ("incidents-4.csv", "9/20/2012")]
    {
        read(&mut district, name, good.replace(&right, &format!("1001,100,{wrong}")));
        assert_eq!(district.flags()[0]["state"], "open", "{wrong}");
    }
    read(&mut district, "incidents-5.csv", good);
    let flag = &district.flags()[0];
    assert_eq!((&flag["state"], &flag["unconfirmed"]), (&"open".into(), &false.into()), "{flag}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
}
