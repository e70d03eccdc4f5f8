//! A feed that covers the last ten school days: what is gone inside is corrected, what lies outside stays.

use crate::district::{District, assert_counts, feed, last_run};
use crate::drops::{day, through};
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
