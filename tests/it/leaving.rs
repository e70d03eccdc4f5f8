//! Enrolments: what it means that a row is gone, and which school year it counts in.

use serde_json::Value;

use crate::district::{District, last_run};
use crate::drops::{self, Row, day, through, us};
use crate::receiver::Receiver;

/// `student,school,entry,exit` as an enrolment export.
pub(crate) fn roster(rows: &[(u32, u32, &str, &str)]) -> String {
    let line = |(id, school, entry, exit): &(u32, u32, &str, &str)| {
        format!("{id},Quillfeather{id},Zebedee{id},2007-03-01,{school},{entry},{exit}")
    };
    drops::csv(drops::ENROLLMENT_HEADER, &rows.iter().map(line).collect::<Vec<_>>())
}

pub(crate) fn drop_roster(district: &mut District, name: &str, rows: &[(u32, u32, &str, &str)]) -> Value {
    district.drop(name, roster(rows));
    district.up()
}

pub(crate) fn enrollments(district: &District, id: u32) -> Vec<Value> {
    district.student(id)["enrollments"].as_array().expect("a list").clone()
}

pub(crate) const AUGUST: &str = "8/23/2021";

/// An active-only roster after a transfer: the fall at the old school is not erased.
#[test]
fn a_transfer_in_an_active_only_roster_keeps_the_fall() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    drop_roster(&mut district, "enrollment-1.csv", &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), through(20)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "3/20");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);

    let moved = us(day(31));
    let status =
        drop_roster(&mut district, "enrollment-2.csv", &[(1000, 100, AUGUST, ""), (1001, 200, &moved, "")]);
    assert_eq!(status["holds"], 0, "{status}");
    assert_eq!(district.answer(1001)["value"], "3/20", "what was known of the old school stands");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"], "nobody is told");
    let old = enrollments(&district, 1001);
    let old = old.iter().find(|enrollment| enrollment["school"] == "100").expect("it ended, and was");
    assert_eq!(old["exit"], day(30).to_string(), "not after the day before the entry elsewhere: {old}");
}

#[test]
fn who_is_gone_left_on_the_day_before() {
    let mut district = District::new();
    drop_roster(&mut district, "enrollment-1.csv", &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    let status = drop_roster(&mut district, "enrollment-2.csv", &[(1000, 100, AUGUST, "")]);
    assert_eq!(last_run(&status, "enrollment")["end"], 1);
    assert_eq!(district.answer(1001)["value"], "1/20");
    assert_eq!(enrollments(&district, 1001)[0]["exit"], "2021-10-31", "it is read on November 1");

    let status =
        drop_roster(&mut district, "enrollment-3.csv", &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    assert_eq!(last_run(&status, "enrollment")["add"], 1, "{status}");
    assert_eq!(enrollments(&district, 1001)[0]["exit"], Value::Null, "back, as if never gone");
}

/// A roster with a row per term, of which one night only the first term's are exported: they are over, and keep nobody.
#[test]
fn an_enrolment_that_is_over_keeps_nobody_at_the_school() {
    let mut district = District::new();
    let fall: Vec<_> = (1000..1060).map(|id| (id, 100, AUGUST, "10/15/2021")).collect();
    let running = (1000..1060).map(|id| (id, 100, "10/18/2021", ""));
    let both: Vec<_> = fall.iter().copied().chain(running).collect();
    drop_roster(&mut district, "enrollment-1.csv", &both);
    let before = district.count_events();
    let status = drop_roster(&mut district, "enrollment-2.csv", &fall);
    assert_eq!((&status["holds"], district.count_events()), (&1.into(), before), "{status}");
    assert_eq!(drop_roster(&mut district, "enrollment-3.csv", &both)["holds"], 0);

    let spring: Vec<_> = (1000..1060).map(|id| (id, 100, "1/10/2022", "")).collect();
    let status = drop_roster(&mut district, "enrollment-4.csv", &spring);
    assert_eq!(status["holds"], 1, "nor does one that has not begun: {status}");
    assert_eq!(drop_roster(&mut district, "enrollment-5.csv", &both)["holds"], 0);
}

/// The clock is back by weeks on the night on which a child's row is gone.
#[test]
fn a_clock_that_goes_back_takes_no_enrolment_back() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    drop_roster(&mut district, "enrollment-1.csv", &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    let now = std::mem::replace(&mut district.now, "2021-09-01T06:00:00-05:00".to_owned());
    drop_roster(&mut district, "enrollment-2.csv", &[(1000, 100, AUGUST, "")]);
    district.now = now;
    district.up();
    assert_eq!(enrollments(&district, 1001)[0]["exit"], "2021-10-31", "the day before that of the last file");
    assert_eq!(district.answer(1001)["value"], "3/20");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"], "nobody is told");
}

/// A grade that cannot be read says nothing of the last day.
#[test]
fn a_last_day_is_taken_back_though_the_grade_is_bad() {
    let mut district = District::with(|config| {
        config.roster = config.roster.replace("last_name: Last_Name", "grade: Last_Name");
    });
    let roster = |grade: &'static [u8], exit: &str| -> Vec<u8> {
        let head = format!("{}\r\n1001,", drops::ENROLLMENT_HEADER);
        let tail = format!(",Zebedee,2007-03-01,100,{AUGUST},{exit}\r\n");
        [head.as_bytes(), grade, tail.as_bytes()].concat()
    };
    for (night, (grade, exit, expected)) in [
        (&b"09"[..], "10/15/2021", "2021-10-15".into()),
        (b"9\xba", "10/15/2021", "2021-10-15".into()),
        (b"9\xba", "", Value::Null),
        (b"9\xba", "nonsense", Value::Null),
        (b"9\xba", "10/18/2021", "2021-10-18".into()),
        (b"10", "nonsense", "2021-10-18".into()),
    ]
    .into_iter()
    .enumerate()
    {
        district.drop(&format!("enrollment-{night}.csv"), roster(grade, exit));
        district.up();
        assert_eq!(enrollments(&district, 1001)[0]["exit"], expected, "night {night}");
    }
}

/// Without keys of rows, an entry date that moves a little is the same enrolment.
#[test]
fn a_corrected_entry_date_is_no_departure() {
    let mut district = District::new();
    drop_roster(&mut district, "enrollment-1.csv", &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    let status = drop_roster(
        &mut district,
        "enrollment-2.csv",
        &[(1000, 100, AUGUST, ""), (1001, 100, &us(day(11)), "")],
    );
    let run = last_run(&status, "enrollment");
    assert_eq!((&run["change"], &run["end"], &run["add"]), (&1.into(), &0.into(), &0.into()), "{run}");
    assert_eq!(district.answer(1001)["value"], "0/10");
    assert_eq!(enrollments(&district, 1001).len(), 1);
}

#[test]
fn a_delta_that_deletes_everybody_waits() {
    let mut district = District::new();
    let all: Vec<_> = (1000..1040).map(|id| (id, 100, AUGUST, "")).collect();
    drop_roster(&mut district, "enrollment-1.csv", &all);
    let before = district.count_events();
    let status = drop_roster(&mut district, "enrollment-2.csv", &all[..2]);
    assert_eq!(status["holds"], 1, "{status}");
    assert_eq!(district.count_events(), before);
}

/// One row entered for next August must not move the whole roster there.
#[test]
fn a_row_far_ahead_moves_no_file() {
    let mut district = District::with(|config| {
        config.calendars = "[{schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27, \
                            closed: [2021-09-06, {from: 2021-12-18, to: 2022-01-03}]}, \
                            {schools: all, school_year: 2023, first: 2022-08-22, last: 2023-05-26}]"
            .to_owned();
    });
    let rows = [
        (1000, 100, AUGUST, ""),
        (1001, 100, AUGUST, ""),
        (1002, 100, "8/22/2022", ""),
        (1003, 100, "8/22/2062", ""),
        (1004, 100, "9/2/2016", ""),
    ];
    drop_roster(&mut district, "enrollment-1.csv", &rows);
    district.attend(&[(1001, 3, "A"), (1004, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(district.answer(1001)["value"], "1/20", "{status}");
    assert_eq!(district.answer(1004)["value"], "1/20", "registered years ago, counted this year");
    let run = last_run(&status, "enrollment");
    assert_eq!((&run["rows"], &run["add"], &run["reject"]), (&5.into(), &4.into(), &1.into()), "{run}");
    let groups = district.json(&["rejects", "list", "--group"]);
    assert!(groups.to_string().contains("outside_years"), "reported: {groups}");
}

/// A file without rows on the first day of a year does not ask to end the year before.
#[test]
fn an_empty_file_in_a_new_year_ends_nothing_of_the_old() {
    let mut district = District::new();
    drop_roster(&mut district, "enrollment-1.csv", &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    district.configure(|config| {
        config.calendars = "[{schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27}, \
                            {schools: all, school_year: 2023, first: 2022-08-22, last: 2023-05-26}]"
            .to_owned();
    });
    district.now = "2022-08-22T12:00:00Z".to_owned();
    let status = drop_roster(&mut district, "enrollment-2.csv", &[]);
    let run = last_run(&status, "enrollment");
    assert_eq!((&run["end"], &status["holds"]), (&0.into(), &0.into()), "{status}");
}

/// Nine enrolments are few; a whole school is not.
#[test]
fn a_small_school_that_vanishes_waits_and_the_others_go_on() {
    let mut district = District::new();
    let all: Vec<_> = (1000..1040).map(|id| (id, 100, AUGUST, "")).collect();
    let small: Vec<_> = (2000..2009).map(|id| (id, 200, AUGUST, "")).collect();
    drop_roster(&mut district, "enrollment-1.csv", &[all.clone(), small.clone()].concat());
    let more = [all.clone(), vec![(1040, 100, AUGUST, "")]].concat();
    let status = drop_roster(&mut district, "enrollment-2.csv", &more);
    let run = last_run(&status, "enrollment");
    assert_eq!((&run["add"], &run["end"], &status["holds"]), (&1.into(), &0.into(), &1.into()), "{status}");
    let hold = district.holds().remove(0);
    assert_eq!((&hold["reason"], &hold["would_end"]), (&"school".into(), &9.into()));

    drop_roster(&mut district, "enrollment-3.csv", &[more.clone(), vec![(1041, 100, AUGUST, "")]].concat());
    assert_eq!(district.holds(), std::slice::from_ref(&hold), "it is not opened again while it waits");
    let id = hold["id"].as_str().expect("an id");
    district.run(&["holds", "approve", id, "--by", "Pat", "--reason", "closed"]).exit(0);
    let status = district.up();
    assert_eq!(
        (&last_run(&status, "enrollment")["end"], &status["holds"]),
        (&9.into(), &0.into()),
        "{status}"
    );
}

/// Twenty have left; tonight the tool writes their last days in another way. They have left all the same.
#[test]
fn a_last_day_that_cannot_be_read_is_the_one_that_was_said_before() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let leavers = 1001..1021_u32;
    let roster_of = |exit: &'static str| {
        let clerk = [(1000, 100, AUGUST, "")];
        clerk.into_iter().chain(leavers.clone().map(|id| (id, 100, AUGUST, exit))).collect::<Vec<_>>()
    };
    district.now = format!("{}T23:00:00Z", day(20));
    drop_roster(&mut district, "enrollment-1.csv", &roster_of(""));
    let absent = leavers.clone().flat_map(|id| [(id, 3, "A"), (id, 4, "A")]);
    let rows: Vec<Row> = absent.chain([through(20)]).collect();
    district.attend(&rows);
    district.up();
    assert_eq!(receiver.kinds().len(), 20);
    drop_roster(&mut district, "enrollment-2.csv", &roster_of("9/20/2021"));
    district.now = format!("{}T23:00:00Z", day(40));
    drop_roster(&mut district, "enrollment-3.csv", &roster_of("20.09.2021"));
    let mut rows = rows;
    rows.push(through(40));
    district.attend(&rows);
    let status = district.up();
    assert_eq!(last_run(&status, "enrollment")["left_out"], 20, "{status}");
    assert_eq!((&district.answer(1001)["value"], receiver.kinds().len()), (&"2/20".into(), 20));
}

/// A year mistyped in the roster, or in rows of attendance: the student is in doubt, and nothing of theirs ends.
#[test]
fn a_mistyped_year_ends_nothing() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let roster_of =
        |entry: &'static str| [(1000, 100, AUGUST, ""), (1001, 100, entry, ""), (1002, 100, AUGUST, "")];
    drop_roster(&mut district, "enrollment-1.csv", &roster_of(AUGUST));
    let rows_of = |year: &str| {
        let date = |n: usize| us(day(n)).replace("2021", year);
        let mut rows: Vec<String> =
            [1001, 1002].iter().flat_map(|id| [3, 4].map(|n| format!("{id},100,{},A", date(n)))).collect();
        rows.push(format!("1000,100,{},T", us(day(20))));
        drops::csv(drops::ATTENDANCE_HEADER, &rows)
    };
    district.drop("attendance-1.csv", rows_of("2021"));
    district.up();
    assert_eq!(receiver.kinds().len(), 2);
    let status = drop_roster(&mut district, "enrollment-2.csv", &roster_of("8/23/2062"));
    let run = last_run(&status, "enrollment");
    assert_eq!((&run["reject"], &run["end"], &run["doubtful"]), (&1.into(), &0.into(), &1.into()), "{run}");
    for (at, year) in ["2062", "2020", "2012"].into_iter().enumerate() {
        district.drop(&format!("attendance-{}.csv", at + 2), rows_of(year));
        let status = district.up();
        let run = last_run(&status, "attendance");
        assert_eq!((&run["end"], &run["doubtful"]), (&0.into(), &4.into()), "{year}: {run}");
    }
    assert_eq!(receiver.kinds().len(), 2, "nobody is told: {:?}", receiver.kinds());
    district.drop("attendance-9.csv", rows_of("2021"));
    drop_roster(&mut district, "enrollment-9.csv", &roster_of(AUGUST));
    assert_eq!((&district.answer(1001)["value"], receiver.kinds().len()), (&"2/20".into(), 2));
}
