use jiff::ToSpan;
use jiff::civil::Weekday;

use super::*;
use crate::observation::Category::*;
use crate::observation::{Enrollment, Fact};
use crate::student::{Student, YEAR, build, calendar, day, reference, with_feeds};
use crate::{DateRanges, HalfDay, Rows};

/// Absent half-days, known days, unknown days.
fn figures(evaluation: &Evaluation) -> (u32, u32, u32) {
    let answer = &evaluation.answer;
    (answer.absent_half_days, answer.expected_days, answer.unknown_days)
}

fn episodes(evaluation: &Evaluation) -> Vec<(Date, Option<Date>)> {
    evaluation.episodes.iter().map(|episode| (episode.start, episode.end)).collect()
}

#[test]
fn two_of_twenty_is_at_the_line() {
    let evaluation = Student::new().absent([18, 19]).evaluate(&reference(20), 20);
    assert_eq!(figures(&evaluation), (4, 20, 0));
    assert_eq!(episodes(&evaluation), [(day(20), None)]);
    let AbsenceRate { status, missing, as_of, days_left, absent_dates, feeds, .. } = evaluation.answer;
    assert_eq!((status, missing), (Status::Ok, vec![]));
    assert_eq!((as_of, days_left), (Some(day(20)), Some(16)), "18 of 180 days would be 10 %");
    assert_eq!(absent_dates, [day(18), day(19)]);
    assert_eq!(feeds.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["att"]);
}

#[test]
fn one_of_nineteen_is_not_enough_to_say() {
    let evaluation = Student::new().absent([18]).evaluate(&reference(19), 60);
    assert_eq!(figures(&evaluation), (2, 19, 0));
    assert_eq!(evaluation.episodes, []);
    let answer = evaluation.answer;
    assert_eq!(answer.status, Status::Insufficient);
    assert_eq!(answer.missing, [Missing::MinDays { have: 19, need: 20 }]);
    assert_eq!(answer.missing[0].to_string(), "not enough school days yet (19 of 20)");
    assert_eq!(answer.days_left, Some(17));
}

#[test]
fn as_of_bounds_the_walk_and_coverage_bounds_as_of() {
    let student = Student::new().absent([18, 19]);
    assert_eq!(figures(&student.evaluate(&reference(60), 18)), (2, 18, 0));
    let evaluation = student.evaluate(&reference(25), 180);
    assert_eq!((figures(&evaluation), evaluation.answer.as_of), ((4, 25, 0), Some(day(25))));
    assert_eq!(episodes(&evaluation), [(day(20), Some(day(23)))]);
}

#[test]
fn what_counts_as_absent() {
    for (category, whole, half) in [
        (Present, Some(0), Some(0)),
        (PresentRemote, Some(0), Some(0)),
        (Tardy, Some(0), Some(0)),
        (EarlyDeparture, Some(0), Some(0)),
        (AbsentExcused, Some(2), Some(2)),
        (AbsentUnexcused, Some(2), Some(2)),
        (AbsentHalfDay, Some(2), Some(1)),
        (Unknown, None, None),
    ] {
        let student = Student::new().row("100", 5, Some(category));
        for (half_day, expected) in [(HalfDay::Whole, whole), (HalfDay::Half, half)] {
            let federal = ChronicAbsence::default();
            let policy = ChronicAbsence::new(federal.enter(), federal.leave(), 20, half_day).expect("sound");
            let evaluation = evaluate(&student.registers, &reference(20), &policy, YEAR, day(20));
            let figures = figures(&evaluation);
            let unknown = u32::from(expected.is_none());
            assert_eq!(figures, (expected.unwrap_or(0), 20 - unknown, unknown), "{category} {half_day:?}");
            assert_eq!(evaluation.answer.absent_dates.len(), usize::from(expected > Some(0)));
        }
    }
}

#[test]
fn i16_unknown_days_leave_both_sides_of_what_is_shown() {
    let student = Student::new().absent([3, 4]).row("100", 20, Some(Unknown));
    let evaluation = student.evaluate(&reference(20), 20);
    assert_eq!(figures(&evaluation), (4, 19, 1));
    assert_eq!(evaluation.answer.as_of, Some(day(19)), "an unknown day is not a day used");
    assert_eq!(evaluation.answer.status, Status::Ok, "unknown days count for the minimum of days");
    assert_eq!(episodes(&evaluation), [(day(20), None)], "2 of 20 at least");
    let evaluation = student.evaluate(&reference(21), 21);
    assert_eq!((figures(&evaluation), episodes(&evaluation)), ((4, 20, 1), vec![(day(20), None)]));
}

/// 3 of 29 known days would be flagged, 3 of 31 would not.
#[test]
fn what_is_decided_is_walked_twice() {
    let student = Student::new().absent([24, 28, 31]).row("100", 20, Some(Unknown));
    let evaluation = student.row("100", 21, Some(Unknown)).evaluate(&reference(31), 31);
    assert_eq!((figures(&evaluation), episodes(&evaluation)), ((6, 29, 2), vec![]));
    let possible: Vec<_> = evaluation.possible().iter().map(|episode| (episode.start, episode.end)).collect();
    assert_eq!(possible, [(day(24), None)], "3 of 24");
}

#[test]
fn not_one_known_day_is_no_answer() {
    let reference = build(with_feeds(&[("att", Rows::EveryDay)], 25));
    let answer = Student::new().evaluate(&reference, 25).answer;
    assert_eq!((answer.status, answer.unknown_days), (Status::Insufficient, 25));
    assert_eq!(answer.missing[0].to_string(), "not one of 25 school days is known");
}

#[test]
fn i16_a_missing_row_of_an_every_day_feed_is_unknown() {
    let reference = build(with_feeds(&[("att", Rows::EveryDay)], 30));
    let student = (1..=22).fold(Student::new(), |student, at| student.row("100", at, Some(Present)));
    assert_eq!(figures(&student.clone().evaluate(&reference, 30)), (0, 22, 8));
    let ended = student.row("100", 7, None);
    assert_eq!(figures(&ended.evaluate(&reference, 30)), (0, 21, 9));
}

#[test]
fn i16_a_gap_of_coverage_is_unknown() {
    let mut ranges = DateRanges::from((day(1), day(10)));
    ranges.insert(day(21), day(30));
    let builder = Reference::builder("r1").default_calendar(calendar());
    let builder = builder.attendance_feed("att", Rows::Exceptions).covered("att", "100", &ranges);
    let student = Student::new().absent([2, 15, 25]);
    let evaluation = student.evaluate(&build(builder), 40);
    assert_eq!(figures(&evaluation), (6, 21, 9), "of the gap only day 15 is known, and nothing after day 30");
    assert_eq!(evaluation.answer.absent_dates, [day(2), day(15), day(25)]);
    assert_eq!(evaluation.answer.as_of, Some(day(30)));
}

#[test]
fn rows_off_the_calendar_or_the_enrolment_count_nowhere() {
    let saturday = day(5) + 1.days();
    assert_eq!(saturday.weekday(), Weekday::Saturday);
    let fact = Fact::Attendance { school: "100", date: saturday, value: Some(AbsentExcused) };
    let student = Student::default().enrolled("100", 3, Some(30)).tell("att", fact);
    let student = student.absent([2, 31]);
    assert_eq!(figures(&student.evaluate(&reference(60), 60)), (0, 28, 0));
    let unused = |student: &Student| unused_rows(&student.registers, &reference(60), YEAR, day(60));
    assert_eq!(unused(&student), 3);
    let student = student.row("100", 4, Some(Tardy)).row_of("other", "100", 5, Some(Tardy));
    assert_eq!(unused(&student.row("100", 6, Some(Doubtful))), 4);
}

#[test]
fn a_row_of_a_school_without_enrolment_makes_a_silent_day_unknown() {
    let student = Student::default().enrolled("100", 3, Some(30)).row("200", 10, Some(AbsentExcused));
    assert_eq!(figures(&student.evaluate(&reference(60), 60)), (0, 27, 1));
    assert_eq!(unused_rows(&student.registers, &reference(60), YEAR, day(60)), 1);
    let here = student.clone().row("100", 10, Some(Tardy));
    assert_eq!(figures(&here.evaluate(&reference(60), 60)), (0, 28, 0));
    for number in [2, 31] {
        let outside = here.clone().row("200", number, Some(AbsentExcused));
        assert_eq!(figures(&outside.evaluate(&reference(60), 60)), (0, 28, 0), "not enrolled anywhere");
    }
    let doubtful = here.row("200", 11, Some(Doubtful));
    assert_eq!(figures(&doubtful.evaluate(&reference(60), 60)), (0, 28, 0), "no row");
}

#[test]
fn a_row_without_a_usable_school_is_an_unknown_row_at_every_school() {
    let student = Student::new().enrolled("200", 1, None).row("", 5, Some(Unknown));
    assert_eq!(figures(&student.evaluate(&reference(20), 20)), (0, 19, 1));
    let present = student.clone().row("100", 5, Some(Present)).row("200", 5, Some(Present));
    assert_eq!(figures(&present.evaluate(&reference(20), 20)), (0, 19, 1));
    let absent = student.row("200", 5, Some(AbsentExcused));
    assert_eq!(figures(&absent.evaluate(&reference(20), 20)), (2, 20, 0), "absent for sure");
    let gone = absent.row("200", 5, None).row("", 5, None);
    assert_eq!(figures(&gone.evaluate(&reference(20), 20)), (0, 20, 0));
}

#[test]
fn doubt_turns_only_the_silence_of_exceptions_into_unknown() {
    let doubtful = Student::new().row("100", 5, Some(Doubtful));
    assert_eq!(figures(&doubtful.evaluate(&reference(20), 20)), (0, 19, 1));
    let said = doubtful.clone().row_of("office", "100", 5, Some(AbsentExcused));
    let feeds = [("att", Rows::Exceptions), ("office", Rows::EveryDay)];
    assert_eq!(figures(&said.evaluate(&build(with_feeds(&feeds, 20)), 20)), (2, 20, 0));
    let elsewhere = doubtful.enrolled("200", 1, None);
    assert_eq!(figures(&elsewhere.clone().evaluate(&reference(20), 20)), (0, 19, 1));
    let present = elsewhere.row("200", 5, Some(Present));
    assert_eq!(figures(&present.evaluate(&reference(20), 20)), (0, 20, 0));
}

#[test]
fn the_doubtful_days_of_a_school_are_unknown_where_no_row_decides() {
    let days = DateRanges::from((day(10), day(12)));
    let doubtful = |rows| build(with_feeds(&[("att", rows)], 20).doubtful("100", &days));
    let student = Student::new().absent([11]);
    assert_eq!(figures(&student.evaluate(&doubtful(Rows::Exceptions), 20)), (2, 18, 2));
    assert_eq!(figures(&student.evaluate(&doubtful(Rows::EveryDay), 20)), (2, 1, 19));
    let elsewhere = Student::default().enrolled("200", 1, None);
    assert_eq!(figures(&elsewhere.evaluate(&doubtful(Rows::Exceptions), 20)), (0, 20, 0));
}

#[test]
fn the_first_live_feed_in_authority_order_decides() {
    let feeds = [("office", Rows::EveryDay), ("att", Rows::Exceptions)];
    let reference = build(with_feeds(&feeds, 20));
    let swapped = build(with_feeds(&[feeds[1], feeds[0]], 20));
    let student = Student::new().absent([4]).row_of("office", "100", 4, Some(Tardy));
    let student = student.row_of("other", "100", 5, Some(AbsentExcused));
    assert_eq!(figures(&student.evaluate(&reference, 20)), (0, 1, 19), "the office is silent on 19 days");
    assert_eq!(figures(&student.evaluate(&swapped, 20)), (2, 20, 0));
    let retired = student.row_of("office", "100", 4, None);
    let evaluation = retired.evaluate(&reference, 20);
    assert_eq!(figures(&evaluation), (2, 1, 19));
    let feeds: Vec<_> = evaluation.answer.feeds.iter().map(AsRef::as_ref).collect();
    assert_eq!(feeds, ["office", "att"], "one by covering, one by its row");
}

#[test]
fn a_feed_that_decides_nothing_is_no_evidence() {
    let reference = build(with_feeds(&[("att", Rows::Exceptions), ("office", Rows::Exceptions)], 20));
    let evaluation = Student::new().absent([4]).evaluate(&reference, 20);
    assert_eq!(evaluation.answer.feeds.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["att"]);
}

#[test]
fn a_transfer_is_one_school_year() {
    let student = Student::default().enrolled("100", 1, Some(12)).enrolled("200", 13, None);
    let student = student.absent([12, 13]).row("200", 14, Some(AbsentExcused));
    let evaluation = student.evaluate(&reference(20), 20);
    assert_eq!(figures(&evaluation), (4, 19, 1), "day 13 belongs to the other school, which says nothing");
    let student = student.row("200", 13, Some(Tardy));
    let evaluation = student.evaluate(&reference(20), 20);
    assert_eq!(figures(&evaluation), (4, 20, 0));
    assert_eq!(episodes(&evaluation), [(day(20), None)]);
    assert_eq!(evaluation.answer.days_left, Some(16));
}

#[test]
fn a_day_counts_once_however_many_schools_there_are() {
    let student = Student::new().enrolled("200", 1, Some(10)).absent([3]).row("200", 3, Some(AbsentExcused));
    let student = student.row("200", 4, Some(Unknown)).row("100", 5, Some(AbsentHalfDay));
    let student =
        student.row("200", 5, Some(Tardy)).row("100", 6, Some(Present)).row("200", 6, Some(Unknown));
    let evaluation = student.evaluate(&reference(11), 11);
    assert_eq!(figures(&evaluation), (4, 9, 2));
    assert_eq!(evaluation.answer.absent_dates, [day(3), day(5)]);
    assert_eq!(evaluation.answer.days_left, Some(16), "18 of 180 days would be 10 %");
    assert_eq!(school_days_after(&student.registers, &reference(11), YEAR, day(11)), 169);
}

#[test]
fn of_two_schools_on_one_day_the_greater_absence_counts() {
    let half =
        ChronicAbsence::new("10%".parse().expect("valid"), "9%".parse().expect("valid"), 20, HalfDay::Half);
    let student = Student::new().enrolled("200", 1, None).row("100", 5, Some(AbsentHalfDay));
    for (elsewhere, half_days) in [(Present, 1), (AbsentExcused, 2), (Unknown, 1)] {
        let student = student.clone().row("200", 5, Some(elsewhere));
        let evaluation = evaluate(&student.registers, &reference(20), &half.expect("sound"), YEAR, day(20));
        assert_eq!(figures(&evaluation), (half_days, 20, 0), "{elsewhere}");
    }
}

/// The second school sends no rows: of a feed of every day a row is missed only where no other school says anything.
#[test]
fn a_second_school_that_says_nothing_takes_nothing_away() {
    let rows = (1..=20).fold(Student::new(), |student, at| student.row("100", at, Some(Present)));
    let both = rows.enrolled("200", 1, None);
    let every_day = build(with_feeds(&[("att", Rows::EveryDay)], 22));
    assert_eq!(figures(&both.evaluate(&every_day, 22)), (0, 20, 2));
    let ranges = DateRanges::from((day(1), day(20)));
    let builder =
        Reference::builder("").default_calendar(calendar()).attendance_feed("att", Rows::Exceptions);
    let only_one = build(builder.covered("att", "100", &ranges));
    let evaluation = both.evaluate(&only_one, 22);
    assert_eq!((figures(&evaluation), evaluation.answer.missing), ((0, 20, 0), vec![]));
    let moved = Student::default().enrolled("100", 1, Some(15)).enrolled("200", 16, None);
    assert!(moved.evaluate(&only_one, 22).lacks_data(), "nobody says how the days at the second were");
}

/// The CSV knows that the student left school 100 after day 12; the SIS still has the student there.
#[test]
fn of_two_enrolment_feeds_the_first_is_heard_at_each_school() {
    let left = Some(Enrollment { school: "100", entry: day(1), exit: Some(day(12)), grade: None });
    let moved = Some(Enrollment { school: "200", entry: day(13), exit: None, grade: None });
    let student = Student::new()
        .tell("csv", Fact::Enrollment { key: "a", value: left })
        .tell("csv", Fact::Enrollment { key: "b", value: moved })
        .absent([15]);
    for (order, absent) in [(["csv", "sis"], 0), (["sis", "csv"], 1)] {
        let builder = with_feeds(&[("att", Rows::Exceptions)], 20);
        let reference = build(builder.enrollment_feed(order[0]).enrollment_feed(order[1]));
        let absent_dates = student.evaluate(&reference, 20).answer.absent_dates;
        assert_eq!(absent_dates.len(), absent, "{order:?}");
    }
}

#[test]
fn overlapping_rows_of_one_school_unite() {
    let student = Student::default().enrolled("100", 1, Some(15)).enrolled("100", 10, Some(20));
    let student = student.enrolled("100", 12, Some(14)).enrolled("100", 25, None);
    assert_eq!(figures(&student.absent([12]).evaluate(&reference(30), 30)), (2, 26, 0));
}

#[test]
fn an_episode_closes_strictly_below_the_lower_line() {
    let student = Student::new().absent(1..=9);
    let reference = reference(180);
    assert_eq!(episodes(&student.evaluate(&reference, 100)), [(day(20), None)], "9 of 100 is 9 %");
    assert_eq!(episodes(&student.evaluate(&reference, 101)), [(day(20), Some(day(101)))]);
    let elsewhere_too = student.clone().enrolled("200", 1, Some(1));
    assert_eq!(episodes(&elsewhere_too.evaluate(&reference, 101)), [(day(20), Some(day(101)))]);
    let again = student.absent(102..=103);
    assert_eq!(
        episodes(&again.clone().evaluate(&reference, 110)),
        [(day(20), Some(day(101))), (day(103), None)]
    );
}

#[test]
fn what_is_missing_is_named() {
    let no_calendar = build(Reference::builder("").attendance_feed("att", Rows::Exceptions));
    let no_coverage = build(Reference::builder("").default_calendar(calendar()));
    let calendar_of = |school: &str| Missing::Calendar { school: school.into() };
    let coverage_of = |school: &str| Missing::Coverage { school: school.into() };
    let moved = Student::default().enrolled("100", 1, Some(20)).enrolled("300", 21, None);
    let partly = with_feeds(&[("att", Rows::Exceptions)], 30);
    for (student, reference, missing, days_left) in [
        (Student::default(), reference(30), vec![Missing::Enrollment], None),
        (Student::new(), no_calendar, vec![calendar_of("100")], None),
        (Student::new(), no_coverage.clone(), vec![coverage_of("100")], Some(18)),
        (moved.clone(), no_coverage, vec![coverage_of("100"), coverage_of("300")], Some(18)),
        (moved, build(partly), vec![coverage_of("300")], Some(18)),
    ] {
        let evaluation = student.evaluate(&reference, 30);
        assert!(evaluation.lacks_data());
        let answer = evaluation.answer;
        assert_eq!(
            (answer.status, answer.missing, answer.days_left),
            (Status::Insufficient, missing, days_left)
        );
    }
    assert_eq!(calendar_of("100").to_string(), "no calendar for school 100");
}

#[test]
fn a_school_that_is_still_to_come_lacks_nothing() {
    let student = Student::default().enrolled("100", 1, Some(30)).enrolled("300", 31, None).absent([1, 2]);
    let evaluation = student.evaluate(&reference(30), 30);
    assert_eq!((figures(&evaluation), evaluation.answer.status), ((4, 30, 0), Status::Ok));
    let newcomer = Student::default().enrolled("100", 31, None).evaluate(&reference(30), 30);
    assert_eq!(newcomer.answer.missing, [Missing::MinDays { have: 0, need: 20 }]);
    assert_eq!((newcomer.answer.as_of, newcomer.answer.days_left), (None, Some(15)));
}

#[test]
fn days_left_is_the_smallest_number_that_reaches_the_line() {
    let left = |student: Student| student.evaluate(&reference(180), 180).answer.days_left;
    assert_eq!(left(Student::new().absent(1..=17)), Some(1));
    assert_eq!(left(Student::new().absent(1..=18)), Some(0));
    assert_eq!(left(Student::new().absent(1..=30)), Some(0));
    let short = Student::default().enrolled("100", 1, Some(175));
    assert_eq!(left(short.clone()), Some(18), "17.5 days are not 17");
    assert_eq!(left(short.absent(1..=17)), Some(1));
    let never = Student::default().enrolled("100", 200, Some(190));
    assert_eq!(left(never), None, "no school day in the whole year");
}
