//! What changes besides a day's absences: enrolment, calendar, rules, routes, the clock.

use crate::district::{District, feed, last_run};
use crate::drops::{self, Row, day, through};
use crate::receiver::Receiver;

const ROWS: [Row; 3] = [(1001, 3, "A"), (1001, 4, "A"), (1000, 20, "T")];

fn flagged(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&ROWS);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    district
}

#[test]
fn a_stricter_line_takes_flags_back_without_a_new_file() {
    let receiver = Receiver::start();
    let mut district = flagged(&receiver);
    district.configure(|config| {
        config.risk = "{packs: [federal-chronic-absence], min_days: 20, enter: 15%, leave: 9%}";
    });
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
    district.configure(|config| {
        config.risk = "{packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}";
    });
    district.up();
    assert_eq!(receiver.kinds()[2..], ["risk.flag.raised"]);
    assert_eq!(receiver.ids().len(), 3, "another flag");
}

#[test]
fn half_a_day_can_be_half() {
    let mut district = District::with(|config| {
        config.risk =
            "{packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%, half_day: half}";
    });
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "H"), (1001, 4, "A"), through(20)]);
    district.up();
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["days_left"]), (&"1.5/20".into(), &18.into()));
    assert!(district.flags().is_empty());
}

/// A day that turns out to have been closed leaves the denominator: 2 of 19 are not enough days.
#[test]
fn a_corrected_calendar_is_counted_without_a_new_file() {
    let receiver = Receiver::start();
    let mut district = flagged(&receiver);
    district.configure(|config| {
        config.calendars = config.calendars.replace("closed: [", "closed: [2021-08-31, ");
    });
    district.up();
    assert_eq!(district.answer(1001)["value"], "2/19");
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

/// Who left is asked nothing any more, and nothing is cleared by leaving.
#[test]
fn a_student_who_leaves_the_roster_keeps_the_flag_as_it_was() {
    let receiver = Receiver::start();
    let mut district = flagged(&receiver);
    district.enroll(&[1000]);
    let status = district.up();
    assert_eq!(last_run(&status, "enrollment")["end"], 1);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    assert_eq!(status["flags"]["open"], 1);
    let answer = district.answer(1001);
    assert_eq!((&answer["status"], &answer["value"]), (&"ok".into(), &"2/20".into()), "as of the day before");
}

#[test]
fn an_exit_date_ends_the_expected_days() {
    let mut district = flagged(&Receiver::start());
    let mut roster = drops::enrollment(&[1000, 1001]);
    roster.truncate(roster.len() - "\r\n".len());
    roster.push_str("9/17/2021\r\n");
    district.drop("enrollment-exit.csv", roster);
    let status = district.up();
    let run = last_run(&status, "enrollment");
    assert_eq!((&run["change"], &run["unchanged"], &run["add"]), (&1.into(), &1.into(), &0.into()));
    assert_eq!(district.answer(1001)["value"], "2/19");
}

/// A move in mid-year: both schools' days count, each in its own time.
#[test]
fn days_of_two_schools_count_together() {
    let mut district = District::new();
    let lines = [
        "1000,Q,Z,2007-03-01,100,8/23/2021,".to_owned(),
        "2000,Q,Z,2007-03-01,200,8/23/2021,".to_owned(),
        "1001,Q,Z,2007-03-01,100,8/23/2021,9/3/2021".to_owned(),
        "1001,Q,Z,2007-03-01,200,9/7/2021,".to_owned(),
    ];
    district.drop("enrollment.csv", drops::csv(drops::ENROLLMENT_HEADER, &lines));
    let lines = [
        drops::line(&through(20)),
        drops::line(&(2000, 20, "T")),
        "1001,100,8/25/2021,A".to_owned(),
        "1001,200,9/8/2021,A".to_owned(),
        "1001,200,8/26/2021,A".to_owned(),
        "1001,100,9/9/2021,A".to_owned(),
    ];
    district.drop("attendance.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines));
    district.up();
    let answer = district.answer(1001);
    assert_eq!(
        (&answer["value"], &answer["unknown_days"], &answer["unused_rows"]),
        (&"2/18".into(), &2.into(), &2.into()),
        "a row at a school not attended that day says that something is wrong with it"
    );
    assert_eq!(district.flags().len(), 1);
    assert_eq!(district.student(1001)["enrollments"].as_array().map(Vec::len), Some(2));
}

/// A slip of the pen in a date must not make the hub believe that it knows the days to come.
#[test]
fn a_row_of_tomorrow_covers_nothing() {
    let mut district = District::new();
    // 03:00 in London is still the evening before in Chicago.
    district.now = "2021-09-21T03:00:00Z".to_owned();
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 21, "A"), through(19)]);
    let status = district.up();
    assert_eq!(feed(&status, "attendance")["covered_through"], day(19).to_string());
    assert_eq!(district.answer(1001)["value"], "1/19");
}

/// The day of the run says how far the file speaks, where the district declares so.
#[test]
fn coverage_can_reach_the_day_of_the_run() {
    let mut district = District::with(|config| config.csv_extra = "covered_through: run_day");
    district.now = "2021-09-21T03:00:00Z".to_owned();
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A")]);
    let status = district.up();
    assert_eq!(feed(&status, "attendance")["covered_through"], day(20).to_string());
    assert_eq!(district.answer(1001)["value"], "2/20");
}

/// Read on a Monday at six, before school: the file can say nothing of that day.
#[test]
fn coverage_can_end_on_the_day_before_the_run() {
    for (covered_through, last) in [("covered_through: run_day", 20), ("covered_through: day_before_run", 19)]
    {
        let mut district = District::with(|config| config.csv_extra = covered_through);
        district.now = format!("{}T11:00:00Z", day(20));
        assert_eq!(day(20).weekday(), jiff::civil::Weekday::Monday);
        district.enroll(&[1000, 1001]);
        district.attend(&[(1001, 3, "A"), (1001, 4, "A")]);
        district.up();
        let answer = district.answer(1001);
        assert_eq!(answer["as_of"], day(last).to_string(), "{covered_through}: {answer}");
    }
}

/// Two enrolments at one school, of which one goes; a blank school, mended on the same day. Each says something, and the
/// hub goes on judging.
#[test]
fn what_is_taken_back_quietly_holds_nobody_up() {
    let receiver = crate::receiver::Receiver::start();
    let mut district = District::telling(&receiver);
    let roster = |twice: bool| {
        let row = |id: u32, entry: &str| format!("{id},Quillfeather,Zebedee,2007-03-01,100,{entry},");
        let mut lines: Vec<String> = (1000..1020).map(|id| row(id, "8/23/2021")).collect();
        lines.extend(twice.then(|| row(1001, "10/25/2021")));
        crate::drops::csv(crate::drops::ENROLLMENT_HEADER, &lines)
    };
    district.drop("enrollment-1.csv", roster(true));
    let file = |school: &str, more: &[crate::drops::Row]| {
        let rows: Vec<String> = more.iter().chain(&[through(20)]).map(crate::drops::line).collect();
        let odd = format!("1003,{school},{},A", crate::drops::us(day(5)));
        crate::drops::csv(crate::drops::ATTENDANCE_HEADER, &[rows, vec![odd]].concat())
    };
    district.drop("attendance-1.csv", file("", &[]));
    district.up();
    district.drop("enrollment-2.csv", roster(false));
    district.drop("attendance-2.csv", file("100", &[]));
    let status = district.up();
    assert_eq!(status["warnings"], serde_json::json!([]), "{status}");
    let flagged: Vec<crate::drops::Row> = (1004..1012).flat_map(|id| [(id, 3, "A"), (id, 4, "A")]).collect();
    district.drop("attendance-3.csv", file("100", &flagged));
    let status = district.up();
    assert_eq!((&status["flags"]["open"], receiver.kinds().len()), (&8.into(), 8), "{status}");
    assert_eq!(district.answer(1003)["value"], "1/20");
}

/// A clock that once ran ahead: the hub says so for as long as it waits for that day.
#[test]
fn a_clock_that_ran_ahead_is_named() {
    let mut district = flagged(&crate::receiver::Receiver::start());
    let now = std::mem::replace(&mut district.now, "2022-05-01T12:00:00Z".to_owned());
    district.up();
    district.now = now;
    let status = district.up();
    assert_eq!(status["warnings"][0]["code"], "clock_behind", "{status}");
    let text = district.run(&["status", "--output", "text"]).exit(0).stdout;
    assert!(text.contains("2022-05-01"), "{text}");
}

/// A receiver that is added later hears of what stands, once.
#[test]
fn a_new_recipient_gets_the_standing_list() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let mut district = flagged(&first);
    district.configure(|config| config.webhooks.push(("dean".to_owned(), second.url())));
    district.up();
    district.up();
    assert_eq!(first.kinds(), ["risk.flag.raised"]);
    assert_eq!(second.kinds(), ["risk.flags.standing"]);
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    assert_eq!(first.kinds()[1..], ["risk.flag.withdrawn"]);
    assert_eq!(second.kinds()[1..], ["risk.flag.withdrawn"]);
}

/// Two drops wait: they are read in the order in which they were written.
#[test]
fn files_are_read_oldest_first() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.drop("attendance-z.csv", drops::attendance(&ROWS));
    district.drop("attendance-a.csv", drops::attendance(&ROWS[1..]));
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["payload"], "attendance-a.csv");
    assert_eq!(district.answer(1001)["value"], "1/20", "the newer file has the last word");
}

/// The clock of a machine may be set back: nothing is announced twice, nothing is lost.
#[test]
fn a_clock_that_is_set_back_announces_nothing_twice() {
    let receiver = Receiver::start();
    let mut district = flagged(&receiver);
    let hash = district.state_hash();
    district.now = "2021-10-30T23:00:00Z".to_owned();
    district.up();
    assert_eq!((district.state_hash(), receiver.kinds().len()), (hash, 1));
}

/// A day that has not come is said by every file or by none: the row of a slip is gone with the next whole file.
#[test]
fn a_row_of_a_day_ahead_goes_with_the_next_file() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.now = format!("{}T23:00:00Z", day(20));
    district.attend(&[(1001, 3, "A"), (1001, 25, "A"), (1000, 20, "T")]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/20");
    for n in 21..=25 {
        district.now = format!("{}T23:00:00Z", day(n));
        district.attend(&[(1001, 3, "A"), (1000, n, "T")]);
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["doubtful"], 0, "{status}");
        assert_eq!(district.answer(1001)["value"], format!("1/{n}"));
    }
}
