//! A feed that covers the last ten school days: what is gone inside is corrected, what lies outside stays.

use crate::district::{District, assert_counts, feed, last_run};
use crate::drops::{self, Row, day, through};
use crate::receiver::Receiver;
use crate::revisions::history;

fn windowed() -> District {
    let mut district = District::with(|config| config.covers = "{school_days: 10}");
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 8, "A"), through(10)]);
    district.up();
    district
}

#[test]
fn a_row_gone_inside_the_window_is_a_correction_and_outside_it_stays() {
    let mut district = windowed();
    district.attend(&[through(10), through(15)]);
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 2), ("add", 1), ("unchanged", 1), ("end", 1)]);
    let states = |n| history(&district, 1001, n).into_iter().map(|(_, state)| state).collect::<Vec<_>>();
    assert_eq!(states(8), ["absent_unexcused", "ended"]);
    assert_eq!(states(3), ["absent_unexcused"]);
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["n"]), (&"1/15".into(), &15.into()));
}

/// The files of two weeks went missing: nobody calls their days present, and they decide nothing.
#[test]
fn a_missed_file_leaves_a_gap_that_is_unknown() {
    let mut district = windowed();
    district.attend(&[through(30)]);
    let status = district.up();
    assert_eq!(feed(&status, "attendance")["covered_through"], day(30).to_string());
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["n"]), (&"2/20".into(), &20.into()), "days 11 to 20 are a gap");
    assert_eq!(answer["unknown_days"], 10);
    assert_eq!(district.flags(), [] as [serde_json::Value; 0], "2 of 30 at least");
}

/// The window closes at each school's own latest row.
#[test]
fn every_school_has_its_own_window() {
    let mut district = District::with(|config| config.covers = "{school_days: 10}");
    district.enroll(&[1000, 1001, 2000, 2001]);
    district.attend(&[(1001, 2, "A"), through(10), (2001, 2, "A"), (2000, 10, "T")]);
    district.up();
    district.attend(&[through(10), through(15), (2000, 10, "T"), (2000, 11, "T")]);
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 4), ("add", 2), ("unchanged", 2), ("end", 1)]);
    assert_eq!(district.answer(1001)["value"], "1/15", "day 2 lies outside of days 6 to 15");
    assert_eq!(district.answer(2001)["value"], "0/11", "day 2 lies inside of days 2 to 11");
    assert_eq!(feed(&status, "attendance")["covered_through"], day(11).to_string(), "the earliest school");
}

/// One night after the other, a file of the last ten school days, in which the newest days had no row at one school, or at
/// none. Days that have left the file do not come back as days on which nobody was absent.
#[test]
fn a_window_does_not_slide_back_where_the_newest_days_have_no_row() {
    for (name, elsewhere) in [("other schools have some", true), ("no school has", false)] {
        let receiver = Receiver::start();
        let mut district = District::telling(&receiver);
        district.configure(|config| config.covers = "{school_days: 10}");
        district.enroll(&[1000, 2000, 2001]);
        // Of 2001 three days early on; of school 200 no more from day 20 on.
        let rows: Vec<Row> =
            [12, 13, 14].map(|n| (2001, n, "A")).into_iter().chain([(2000, 20, "T")]).collect();
        for newest in 20..=32 {
            district.now = format!("{}T02:00:00Z", day(newest).tomorrow().expect("a day"));
            let first = newest - 9;
            let quiet: Vec<Row> = (12..=newest).map(|n| (1000, n, "T")).collect();
            let quiet = quiet.into_iter().filter(|_| elsewhere || newest == 20);
            let in_file =
                rows.iter().copied().chain(quiet).filter(|(_, n, _)| *n >= first).collect::<Vec<_>>();
            let mut lines: Vec<String> = in_file.iter().map(drops::line).collect();
            if newest == 32 {
                lines.push(drops::line(&(2000, 32, "T")));
            }
            district.drop(&format!("attendance-{newest}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
            let status = district.up();
            let answer = district.answer(2001);
            assert_eq!(last_run(&status, "attendance")["end"], 0, "{name}, day {newest}: {status}");
            assert!(
                answer["value"].as_str().is_some_and(|value| value.starts_with("3/")),
                "{name}: {answer}"
            );
        }
        assert_eq!(receiver.kinds(), ["risk.flag.raised"], "{name}");
    }
}

/// The newest row was a mistake and is taken back, and nobody is away on the day after.
#[test]
fn a_window_does_not_slide_back_where_its_newest_row_is_taken_back() {
    let mut district = District::with(|config| config.covers = "{school_days: 10}");
    district.enroll(&[1000, 1001]);
    let rows = [
        (1001, 12, "A"),
        (1001, 13, "A"),
        (1001, 14, "A"),
        (1000, 21, "T"),
        (1000, 22, "T"),
        (1000, 25, "T"),
    ];
    for newest in 21..=25 {
        district.now = format!("{}T02:00:00Z", day(newest).tomorrow().expect("a day"));
        let has = |(_, n, _): &Row| (newest - 9..=newest).contains(n) && !(*n == 22 && newest > 22);
        let in_file: Vec<Row> = rows.into_iter().filter(has).collect();
        district.drop(&format!("attendance-{newest}.csv"), drops::attendance(&in_file));
        district.up();
        let answer = district.answer(1001);
        assert!(
            answer["value"].as_str().is_some_and(|value| value.starts_with("3/")),
            "day {newest}: {answer}"
        );
    }
}

/// One file for each school, of which one goes less far than the other.
#[test]
fn a_file_of_one_school_knows_nothing_of_how_far_another_goes() {
    let mut district = District::with(|config| config.covers = "{school_days: 10}");
    district.enroll(&[1000, 2000, 2001]);
    for newest in 20..=23 {
        district.now = format!("{}T02:00:00Z", day(newest).tomorrow().expect("a day"));
        let has = |(_, n, _): &Row| (newest - 9..=newest).contains(n);
        let here: Vec<Row> = (1..=newest).map(|n| (1000, n, "T")).filter(has).collect();
        // Nobody was away at the other school since day 20, and 2001 on the first two days of the first file.
        let there = [(2001, 11, "A"), (2001, 12, "A"), (2000, 14, "T"), (2000, 20, "T")];
        let there: Vec<Row> = there.into_iter().filter(has).collect();
        district.drop(&format!("attendance-{newest}-100.csv"), drops::attendance(&here));
        district.drop(&format!("attendance-{newest}-200.csv"), drops::attendance(&there));
        district.up();
        let answer = district.answer(2001);
        assert_eq!(answer["value"], "2/10", "day {newest}: {answer}");
    }
}

/// A file says what it has, whenever it is read: of the nights of a week that are read at once, or of exports that are read on
/// the morning after, from Tuesday to Saturday.
#[test]
fn what_a_file_has_is_corrected_whenever_it_is_read() {
    for (name, at_once) in [("at once", true), ("on the morning after", false)] {
        let mut district = District::with(|config| config.covers = "{school_days: 10}");
        district.enroll(&[1000, 1001]);
        let mut read = |newest: usize| {
            // Somebody is late every day. Of the days on which 1001 was absent each was a mistake, seen ten days later.
            let late = (newest - 9..=newest).map(|n| (1000, n, "T"));
            let absent = (newest - 8..=newest).map(|n| (1001, n, "A"));
            district.now = format!("{}T08:00:00Z", day(newest).tomorrow().expect("a day"));
            let rows: Vec<Row> = late.chain(absent).collect();
            district.drop(&format!("attendance-{newest}.csv"), drops::attendance(&rows));
            if !at_once || newest == 20 || newest == 30 {
                district.up();
            }
        };
        (20..=30).for_each(&mut read);
        let answer = district.answer(1001);
        assert_eq!((&answer["value"], &answer["n"]), (&"9/20".into(), &20.into()), "{name}: {answer}");
    }
}

/// The file was written for ten days, whatever the settings say when it is read again.
#[test]
fn a_wider_window_does_not_widen_what_an_earlier_file_said() {
    let mut district = windowed();
    district.attend(&[through(10), through(15)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/15");
    district.configure(|config| config.covers = "{school_days: 13}");
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["end"], 0, "{status}");
    assert_eq!(district.answer(1001)["value"], "1/15", "day 3 was not spoken of");
    district.attend(&[through(10), through(15), (1000, 16, "T")]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/16", "days 4 to 16 are");
    district.configure(|config| config.covers = "{school_days: 15}");
    district.attend(&[through(10), through(15), (1000, 16, "T"), (1000, 17, "T")]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "0/17", "and day 3 now is");
}

/// A row that nobody is found for hides its day at the school, until the next file: it covers other days, and has no such
/// row. Neither does a child who is never rostered keep every day unknown.
#[test]
fn what_was_in_doubt_is_known_with_the_next_file_though_it_covers_other_days() {
    let mut district = District::with(|config| config.covers = "{school_days: 5}");
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), through(5)]);
    district.attend(&[(1001, 8, "A"), (8001, 8, "A"), through(10)]);
    // School 800 is not known, so it may be anybody's of school 100.
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["reject"], 1, "{status}");
    let line = format!("8001,100,{},A", crate::drops::us(day(13)));
    district.drop("attendance-8.csv", crate::drops::attendance(&[through(15)]) + &line + "\r\n");
    district.up();
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["unknown_days"]), (&"2/14".into(), &1.into()), "day 13: {answer}");
    district.attend(&[through(20)]);
    district.up();
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["unknown_days"]), (&"2/20".into(), &0.into()), "{answer}");

    // A row without a day that names her: every new day, until a file without it.
    district.drop("attendance-9.csv", crate::drops::attendance(&[through(25)]) + "1001,100,?,A\r\n");
    district.up();
    assert_eq!(district.answer(1001)["unknown_days"], 5);
    district.attend(&[through(30)]);
    district.up();
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["unknown_days"]), (&"2/30".into(), &0.into()), "{answer}");
}

/// A file of the whole year under a window of ten days: what lies before it is of no use, and that is said.
#[test]
fn rows_before_a_window_that_nobody_covered_are_told() {
    let told = |district: &District| {
        let status = district.status();
        let warnings = last_run(&status, "attendance")["warnings"].as_array().cloned().unwrap_or_default();
        let told = warnings.iter().find(|warning| warning["code"] == "before_coverage");
        told.map_or(0, |warning| warning["count"].as_u64().expect("a count"))
    };
    let mut district = District::with(|config| config.covers = "{school_days: 10}");
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 15, "A"), through(20)]);
    district.up();
    assert_eq!(told(&district), 2);
    district.configure(|config| config.covers = "school_year");
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 15, "A"), (1000, 20, "T"), (1000, 21, "T")]);
    district.up();
    assert_eq!((told(&district), district.answer(1001)["value"].clone()), (0, "3/21".into()));
}

#[test]
fn rows_before_a_window_that_was_covered_count_and_are_not_told() {
    let mut district = windowed();
    district.attend(&[(1001, 3, "A"), (1001, 8, "A"), through(10), through(15)]);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["warnings"].to_string(), "[]");
    assert_eq!(district.answer(1001)["value"], "2/15");
}
