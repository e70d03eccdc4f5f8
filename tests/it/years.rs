//! School years that are over, students who left, and a clock that goes back.

use serde_json::Value;

use crate::district::{District, assert_counts, last_run};
use crate::drops::{self, Row, day, school, through, us};
use crate::receiver::Receiver;

/// Two years; the second begins on 2022-08-22.
const CALENDARS: &str = "[{schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27, \
     closed: [2021-09-06, {from: 2021-12-18, to: 2022-01-03}]}, \
     {schools: all, school_year: 2023, first: 2022-08-22, last: 2023-05-26}]";

const NEXT_YEAR: &str = "2022-09-01T23:00:00Z";

/// A roster: students, each with a last day or none.
fn roster(entry: &str, students: &[(u32, &str)]) -> String {
    let line = |(id, exit): &(u32, &str)| {
        format!("{id},Quillfeather{id},Zebedee{id},2007-03-01,{},{entry},{exit}", school(*id))
    };
    let lines: Vec<String> = students.iter().map(line).collect();
    drops::csv(drops::ENROLLMENT_HEADER, &lines)
}

fn enroll(district: &mut District, students: &[(u32, &str)]) {
    let name = format!("enrollment-{}.csv", students.len() + students[0].1.len());
    district.drop(&name, roster("8/23/2021", students));
}

/// Student 1001 misses two of twenty days and is flagged, 1002 misses one.
fn last_year(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.configure(|config| CALENDARS.clone_into(&mut config.calendars));
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    district
}

fn states(district: &District) -> Vec<String> {
    let flags = district.flags();
    flags.iter().map(|flag| flag["state"].as_str().expect("a state").to_owned()).collect()
}

#[test]
fn flags_of_a_year_that_is_over_end_and_nobody_is_told() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let mut district = last_year(&first);
    district.now = NEXT_YEAR.to_owned();
    let status = district.up();
    assert_eq!(states(&district), ["ended"]);
    assert_eq!((&status["flags"]["ended"], &status["flags"]["open"]), (&1.into(), &0.into()));

    district.drop("enrollment-next.csv", roster("8/22/2022", &[(1000, ""), (1003, "")]));
    district.up();
    district.configure(|config| {
        config.risk = "{packs: [federal-chronic-absence], min_days: 20, enter: 5%, leave: 4%}";
        config.webhooks.push(("dean".to_owned(), second.url()));
    });
    district.up();
    assert_eq!(states(&district), ["ended"], "1002 missed one of twenty days, last year");
    assert_eq!(first.kinds(), ["risk.flag.raised"]);
    assert!(second.deliveries().is_empty(), "no list of last year's flags");

    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    let explained = district.json(&["explain", &flag, "--verify"]);
    let last = explained["history"].as_array().and_then(|history| history.last()).expect("a history");
    assert_eq!((&last["kind"], &explained["verified"]), (&"ended".into(), &true.into()), "{explained}");
}

/// A slip of the pen in a year that has not begun: it counts nowhere, and is over with the next file all the same.
#[test]
fn what_is_dated_in_the_next_year_is_over_once_no_file_has_it() {
    let mut district = District::with(|config| {
        CALENDARS.clone_into(&mut config.calendars);
        crate::incidents::FEED.clone_into(&mut config.beside);
    });
    district.enroll(&[1000, 1001]);
    let (at, absent, incident) = (school(1001), us(day(20)), us(day(5)));
    let slips = ["9/1/2022", "9/2/2022"];
    let nights = [(&slips[..], 3, 0, 0), (&slips, 0, 3, 0), (&slips[..1], 0, 2, 1), (&[], 0, 1, 1)];
    for (night, (slips, add, unchanged, end)) in nights.into_iter().enumerate() {
        let of_attendance = slips.iter().map(|day| format!("1001,{at},{day},A"));
        let of_attendance: Vec<_> = of_attendance.chain([format!("1001,{at},{absent},T")]).collect();
        let of_incidents = slips.iter().enumerate().map(|(n, day)| format!("{n},1001,{at},{day},2"));
        let of_incidents: Vec<_> = of_incidents.chain([format!("9,1001,{at},{incident},1")]).collect();
        district
            .drop(&format!("attendance-{night}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &of_attendance));
        district.drop(
            &format!("incidents-{night}.csv"),
            drops::csv("Incident,Student,School,Date,Level", &of_incidents),
        );
        let status = district.up();
        for feed in ["attendance", "incidents"] {
            let counts = [("rows", add + unchanged), ("add", add), ("unchanged", unchanged), ("end", end)];
            assert_counts(last_run(&status, feed), &counts);
        }
        district.later(24 * 60);
    }
}

/// In summer the year that ended is still the one that runs: the next has not begun.
#[test]
fn a_year_runs_until_the_next_begins() {
    let receiver = Receiver::start();
    let mut district = last_year(&receiver);
    district.now = "2022-08-01T23:00:00Z".to_owned();
    district.up();
    assert_eq!(states(&district), ["open"]);
    assert_eq!(district.answer(1001)["school_year"], 2022);
}

#[test]
fn nobody_is_told_of_a_student_who_left_until_they_are_back() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    enroll(&mut district, &[(1001, us(day(30)).as_str()), (1000, "")]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), (1001, 6, "A"), through(40)]);
    district.up();
    assert_eq!(states(&district), ["open"]);
    let alerts = district.alerts();
    assert_eq!((alerts.len(), &alerts[0]["state"]), (1, &"withheld".into()), "{alerts:?}");

    enroll(&mut district, &[(1001, ""), (1000, "")]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flags.standing"], "4 of 40 are still over the line");
    district.attend(&[(1001, 3, "A"), through(40)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flags.standing", "risk.flag.withdrawn"]);
}

#[test]
fn a_list_holds_nobody_who_left_and_what_was_told_is_still_taken_back() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let mut district = District::telling(&first);
    enroll(&mut district, &[(1001, ""), (1000, "")]);
    let rows: [Row; 5] = [(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), (1001, 6, "A"), through(40)];
    district.attend(&rows);
    district.up();
    enroll(&mut district, &[(1001, us(day(30)).as_str()), (1000, "")]);
    district.configure(|config| config.webhooks.push(("dean".to_owned(), second.url())));
    district.up();
    assert_eq!(states(&district), ["open"]);
    assert!(second.deliveries().is_empty());

    district.attend(&rows[3..]);
    district.up();
    assert_eq!(first.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
    assert!(second.deliveries().is_empty());
}

#[test]
fn a_withdrawal_reaches_whoever_was_told_whatever_the_mode_is_by_then() {
    let receiver = Receiver::start();
    let mut district = last_year(&receiver);
    district.configure(|config| config.mode = "test");
    district.attend(&[(1001, 3, "A"), (1002, 5, "A"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

/// A certificate is verified as of its own place on the log.
#[test]
fn the_flag_of_a_student_who_left_is_computed_again_the_same() {
    let receiver = Receiver::start();
    let mut district = last_year(&receiver);
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    let certificate = |district: &District| -> Value {
        let explained = district.json(&["explain", &flag, "--verify"]);
        assert_eq!(explained["verified"], true, "{explained}");
        explained["certificate"].clone()
    };
    let before = certificate(&district);
    district.enroll(&[1000, 1002]);
    district.up();
    district.later(24 * 60);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), through(22)]);
    district.up();
    assert_eq!(states(&district), ["open"]);
    certificate(&district);
    for key in ["policy_hash", "as_of", "reference_version", "events"] {
        assert!(!before[key].is_null(), "{key}: {before}");
    }
}

#[test]
fn a_clock_that_goes_back_takes_nothing_back() {
    let receiver = Receiver::start();
    let mut district = last_year(&receiver);
    district.now = "2021-09-03T23:00:00Z".to_owned();
    district.attend(&[(1001, 3, "A"), (1001, 4, "E"), (1002, 5, "A"), through(20)]);
    district.up();
    assert_eq!(states(&district), ["open"]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    assert_eq!(district.answer(1001)["value"], "2/20");
}

#[test]
fn a_flag_that_cannot_come_off_this_year_says_so() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let mut rows: Vec<Row> = (1..=30).map(|n| (1001, n, "A")).collect();
    rows.push(through(40));
    district.attend(&rows);
    district.up();
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    assert_eq!(
        district.json(&["explain", &flag])["clears_when"],
        "Cannot come off this school year: it would take 294 school days in a row, 148 are left."
    );
}
