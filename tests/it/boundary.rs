//! Where the line is: 10 % of at least 20 known school days, and what does not count as absent.

use crate::district::District;
use crate::drops::through;

#[test]
fn two_of_twenty_days_is_at_the_line() {
    let mut district = District::new();
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&[(1001, 3, "A"), (1001, 20, "E"), (1002, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(status["flags"]["open"], 1, "{status}");
    let flags = district.flags();
    assert_eq!(flags.len(), 1);
    assert_eq!((&flags[0]["student_id"], &flags[0]["rule"]), (&"1001".into(), &"chronic-absence".into()));
    assert_eq!((&flags[0]["state"], &flags[0]["as_of"]), (&"open".into(), &"2021-09-20".into()));
    let answer = district.answer(1001);
    assert_eq!(
        (&answer["status"], &answer["value"], &answer["n"]),
        (&"ok".into(), &"2/20".into(), &20.into())
    );
    // 10 % of the 188 days of the year are 18.8: the 19th absence is the first at the line.
    assert_eq!(answer["days_left"], 17);
    assert_eq!(district.answer(1002)["days_left"], 18);
}

#[test]
fn one_of_nineteen_days_is_not_enough_days() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), through(19)]);
    assert_eq!(district.up()["flags"]["open"], 0);
    let answer = district.answer(1001);
    assert_eq!((&answer["status"], &answer["n"]), (&"insufficient".into(), &19.into()));
    let missing = answer["missing"].to_string();
    assert!(missing.contains("not enough school days") && missing.contains("19 of 20"), "{answer}");
}

#[test]
fn many_absences_in_nineteen_days_raise_nothing_yet() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let early = [(1001, 1, "A"), (1001, 2, "A"), (1001, 3, "A"), (1001, 4, "A")];
    district.attend(&[&early[..], &[through(19)]].concat());
    assert_eq!(district.up()["flags"]["open"], 0, "4 of 19");
    district.attend(&[&early[..], &[through(19), (1000, 20, "T")]].concat());
    assert_eq!(district.up()["flags"]["open"], 1, "4 of 20");
}

#[test]
fn tardy_is_present_and_half_a_day_is_a_day() {
    let mut district = District::new();
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&[(1001, 3, "T"), (1001, 4, "T"), (1002, 3, "H"), (1002, 4, "H"), through(20)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "0/20");
    assert_eq!(district.answer(1002)["value"], "2/20");
    let flagged: Vec<_> = district.flags().iter().map(|flag| flag["student_id"].clone()).collect();
    assert_eq!(flagged, ["1002"]);
}

/// A flag opens at 10 % and closes strictly below 9 %: 2 of 22 (9.09 %) keeps it, 2 of 23 (8.7 %) clears it.
#[test]
fn a_flag_clears_below_nine_percent_and_not_before() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let mut rows = vec![(1001, 3, "A"), (1001, 4, "A")];
    for (day, state) in [(20, "open"), (22, "open"), (23, "cleared")] {
        rows.push(through(day));
        district.attend(&rows);
        district.up();
        let flags = district.flags();
        assert_eq!((flags.len(), &flags[0]["state"]), (1, &state.into()), "on school day {day}");
    }
    assert_eq!(district.status()["flags"]["cleared"], 1);
}

/// Nobody said anything about the days after the latest row, about weekends, or about days before the entry date.
#[test]
fn only_enrolled_covered_school_days_are_expected() {
    let mut district = District::new();
    let mut file = crate::drops::enrollment(&[1000, 1001]);
    file.push_str("1002,Quillfeather,Zebedee,2007-03-01,100,8/30/2021,9/10/2021\r\n");
    district.drop("enrollment.csv", file);
    let mut rows = crate::drops::attendance(&[(1001, 3, "A"), (1002, 4, "A"), (1002, 8, "A"), through(20)]);
    rows.push_str("1001,100,9/11/2021,A\r\n1001,100,9/6/2021,A\r\n");
    district.drop("attendance.csv", rows);
    district.up();
    let (stays, left) = (district.answer(1001), district.answer(1002));
    assert_eq!(stays["value"], "1/20", "a Saturday and Labor Day are counted nowhere");
    assert_eq!(left["value"], "1/9", "8/30 to 9/10 less Labor Day; the 8/26 row lies before the entry");
}
