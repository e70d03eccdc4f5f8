//! Slips of the pen that read well: a date, a school, an id, a second row. One night of them costs nobody anything, and the
//! next good file heals.

mod attendance;
mod others;
mod persons;

use serde_json::{Value, json};

use crate::district::{District, last_run};
use crate::drops::{self, Row, day, through, us};
use crate::leaving::{AUGUST, drop_roster, enrollments, roster};
use crate::oneroster::{Files, drop_folder, package, reading, zipped};
use crate::receiver::Receiver;

const RAISED: [&str; 1] = ["risk.flag.raised"];

/// 1001 was absent on three of 20 days, and is flagged.
fn flagged(receiver: &Receiver, rows: &[(u32, u32, &str, &str)]) -> District {
    let mut district = District::telling(receiver);
    drop_roster(&mut district, "enrollment-1.csv", rows);
    district.attend(&ABSENCES);
    district.up();
    assert_eq!(receiver.kinds(), RAISED);
    district
}

const ABSENCES: [Row; 4] = [(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), (1000, 20, "T")];

/// The tool says for one night that she is at another school since August.
#[test]
fn a_night_at_another_school_leaves_no_trace() {
    let good = [(1000, 100, AUGUST, ""), (1001, 100, AUGUST, ""), (2000, 200, AUGUST, "")];
    for (name, other) in [("a school that there is", 200), ("a school of her own", 300)] {
        let receiver = Receiver::start();
        let mut district = flagged(&receiver, &good);
        let slip = [(1000, 100, AUGUST, ""), (1001, other, AUGUST, ""), (2000, 200, AUGUST, "")];
        let status = drop_roster(&mut district, "enrollment-2.csv", &slip);
        assert_eq!(status["holds"], 0, "{name}: {status}");
        assert_eq!(receiver.kinds(), RAISED, "{name}: nobody is told");
        let status = drop_roster(&mut district, "enrollment-3.csv", &good);
        assert_eq!(status["holds"], 0, "{name}: {status}");
        let enrolled = enrollments(&district, 1001);
        assert_eq!(enrolled.len(), 1, "{name}: {enrolled:?}");
        assert_eq!((&enrolled[0]["school"], &enrolled[0]["exit"]), (&"100".into(), &Value::Null), "{name}");
        assert_eq!(district.answer(1001)["value"], "3/20", "{name}");
        assert_eq!(receiver.kinds(), RAISED, "{name}");
    }
}

/// A row whose cells are one column off makes a school up, and an entry date: the next good file takes both away.
#[test]
fn a_school_that_one_slip_made_up_holds_nothing_up() {
    let mut district = District::new();
    let good = [(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")];
    drop_roster(&mut district, "enrollment-1.csv", &good);
    let slip = [(1000, 100, AUGUST, ""), (1001, 8231, "9/20/2021", "")];
    drop_roster(&mut district, "enrollment-2.csv", &slip);
    let status = drop_roster(&mut district, "enrollment-3.csv", &good);
    assert_eq!(status["holds"], 0, "{status}");
    let enrolled = enrollments(&district, 1001);
    let here = enrolled.iter().find(|one| one["school"] == "100").expect("at school");
    assert_eq!(here["exit"], Value::Null, "{enrolled:?}");
}

/// Whole schools do not move by slips of the pen: there a person is asked.
#[test]
fn a_school_under_another_number_waits() {
    let mut district = District::new();
    let at = |school: u32| (1000..1012).map(|id| (id, school, AUGUST, "")).collect::<Vec<_>>();
    drop_roster(&mut district, "enrollment-1.csv", &at(100));
    let events = district.count_events();
    let status = drop_roster(&mut district, "enrollment-2.csv", &at(110));
    assert_eq!(status["holds"], 1, "{status}");
    assert_eq!(district.count_events(), events);
}

/// A child at two schools stops going to one of them after months: it was there until then.
#[test]
fn who_was_at_two_schools_was_at_both_until_one_of_them_ends() {
    let at_200 = us(day(5));
    let both = [(1000, 100, AUGUST, ""), (1001, 100, AUGUST, ""), (1001, 200, &at_200, "")];
    let receiver = Receiver::start();
    let mut district = flagged(&receiver, &both);
    drop_roster(&mut district, "enrollment-2.csv", &[(1000, 100, AUGUST, ""), (1001, 200, &at_200, "")]);
    let exit = |district: &District| {
        let enrolled = enrollments(district, 1001);
        enrolled.iter().find(|one| one["school"] == "100").expect("it was")["exit"].clone()
    };
    assert_eq!(exit(&district), "2021-10-31", "the day before it was read");
    assert_eq!(receiver.kinds(), RAISED);
}

/// A roster that shows both for a few nights, where a child was and where it went.
#[test]
fn who_went_elsewhere_lately_left_when_that_began() {
    let (mut district, went) = (District::new(), us(day(45)));
    let both = [(1000, 100, AUGUST, ""), (1001, 100, AUGUST, ""), (1001, 200, &went, "")];
    drop_roster(&mut district, "enrollment-1.csv", &both);
    drop_roster(&mut district, "enrollment-2.csv", &[(1000, 100, AUGUST, ""), (1001, 200, &went, "")]);
    let enrolled = enrollments(&district, 1001);
    let old = enrolled.iter().find(|one| one["school"] == "100").expect("it was");
    assert_eq!(old["exit"], day(45).yesterday().expect("a day").to_string());
}

/// Two rows of one enrolment, of which one says that it is over: whichever the file sorts first.
#[test]
fn rows_of_an_enrolment_that_disagree_change_nothing() {
    for exit in ["8/28/2021", "8/31/2021", "9/24/2021"] {
        let receiver = Receiver::start();
        let mut district = flagged(&receiver, &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
        let two = [(1000, 100, AUGUST, ""), (1001, 100, AUGUST, exit), (1001, 100, AUGUST, "")];
        let status = drop_roster(&mut district, "enrollment-2.csv", &two);
        assert_eq!(last_run(&status, "enrollment")["reject"], 2, "{status}");
        assert_eq!(enrollments(&district, 1001)[0]["exit"], Value::Null, "what was known stands");
        assert_eq!(receiver.kinds(), RAISED, "{exit}");

        let mut first = District::new();
        drop_roster(&mut first, "enrollment-1.csv", &two);
        assert_eq!(enrollments(&first, 1001)[0]["exit"], Value::Null, "the one that lasts longer");
    }
}

/// A delta that gives u-1002 the identifier of u-1001, of whom it says nothing: it fits both.
#[test]
fn a_delta_takes_no_id_away_from_whom_it_does_not_name() {
    let receiver = Receiver::start();
    let mut district = reading("./drop/sis.zip");
    district.configure(|config| config.webhooks = vec![("counselor".to_owned(), receiver.url())]);
    district.drop("sis.zip", zipped(&package(&[1000, 1001, 1002])));
    let rows = [3, 4, 5].map(|n| format!("1001,s-100,{},A", us(day(n))));
    let rows = drops::csv(
        drops::ATTENDANCE_HEADER,
        &[&rows[..], &[format!("1000,s-100,{},T", us(day(20)))]].concat(),
    );
    district.drop("attendance-1.csv", &rows);
    district.up();
    assert_eq!(receiver.kinds(), RAISED);

    district.drop("sis.zip", zipped(&delta(&[1002], |text| text.replace(",,1002,,", ",,1001,,"))));
    district.drop("attendance-2.csv", &rows);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["unmatched"], 3, "two students fit: {status}");
    assert_eq!(receiver.kinds(), RAISED, "nobody is told");
    district.drop("sis.zip", zipped(&delta(&[1002], |text| text)));
    let status = district.up();
    assert_eq!(
        (&status["unmatched"], &district.answer(1001)["value"]),
        (&0.into(), &"3/20".into()),
        "{status}"
    );
}

/// Users of a delta.
fn delta(students: &[u32], change: impl Fn(String) -> String) -> Files {
    let mut files = package(students);
    files.retain(|(name, _)| ["manifest.csv", "users.csv"].contains(name));
    for (_, text) in &mut files {
        for name in ["orgs", "academicSessions", "classes", "enrollments"] {
            *text = text.replace(&format!("file.{name},bulk"), &format!("file.{name},absent"));
        }
        *text = text.replace("file.users,bulk", "file.users,delta");
        *text = change(text.replace(",,,true", ",active,2021-10-01T00:00:00Z,true"));
    }
    files
}

/// What a delta said is not said again by the next one: it waits until somebody decides.
#[test]
fn a_delta_that_waits_is_not_superseded_by_the_next() {
    let mut district = reading("./drop/sis.zip");
    let students: Vec<u32> = (1000..1030).collect();
    district.drop("sis.zip", zipped(&package(&students)));
    district.up();
    let gone: Files =
        delta(&(1000..1012).collect::<Vec<_>>(), |text| text.replace(",active,", ",tobedeleted,"));
    district.drop("sis.zip", zipped(&gone));
    assert_eq!(district.up()["holds"], 1, "12 of 30 would end");
    let newer = delta(&[1000, 1020], |text| text.replace("Zebedee", "Zeb"));
    district.drop("sis.zip", zipped(&newer));
    assert_eq!(district.up()["holds"], 1, "it still waits");
    district.drop("sis.zip", zipped(&newer));
    assert_eq!(district.up()["holds"], 1, "the same bytes again supersede nothing either");
    let hold = district.holds()[0]["id"].as_str().expect("an id").to_owned();
    district.run(&["holds", "approve", &hold, "--by", "Pat", "--reason", "they left"]).exit(0);
    assert!(district.up_dying_at("run.close", 1), "it dies when the older one is in");
    assert_eq!(district.up()["holds"], 0);
    let names = district.events(&["--type", "roster.student"]);
    let last =
        |id: &str| names.iter().rev().find(|event| event.to_string().contains(id)).expect("it was said");
    assert_eq!(last("u-1001")["data"]["status"], "tobedeleted", "as approved");
    assert_eq!(last("u-1000")["data"]["status"], "active", "the newer word holds: {}", last("u-1000"));
}

/// Who never was enrolled was never absent: what was told is taken back.
#[test]
fn an_enrolment_that_never_was_takes_its_flag_back() {
    let receiver = Receiver::start();
    let mut district = District::with(|config| {
        config.roster = config.roster.replace("absent_rows: end", "absent_rows: erase");
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    drop_roster(&mut district, "enrollment-1.csv", &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    district.attend(&ABSENCES);
    district.up();
    assert_eq!(receiver.kinds(), RAISED);
    drop_roster(&mut district, "enrollment-2.csv", &[(1000, 100, AUGUST, "")]);
    assert_eq!(receiver.kinds()[1..], ["risk.flag.withdrawn"]);
    assert_eq!(district.answer(1001)["status"], "insufficient");
}

/// An enrolment that begins in a year that nobody configured: night after night the child stays where it was.
#[test]
fn an_entry_in_no_year_takes_no_child_out() {
    let receiver = Receiver::start();
    let mut district = flagged(&receiver, &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    for n in 2..5 {
        let status = drop_roster(
            &mut district,
            &format!("enrollment-{n}.csv"),
            &[(1000, 100, AUGUST, ""), (1001, 100, "8/23/2061", "")],
        );
        assert_eq!(last_run(&status, "enrollment")["end"], 0, "night {n}: {status}");
        assert_eq!(enrollments(&district, 1001)[0]["exit"], Value::Null, "night {n}");
    }
}

/// A row key whose dates were wrong for one night, and are right again.
#[test]
fn a_row_key_that_comes_back_never_moved_on() {
    let mut district = reading("./drop/sis");
    let good = package(&[1000, 1001]);
    let begins = format!("student,,{},", day(40));
    let late: Files = good
        .iter()
        .map(|(name, text)| (*name, text.replace("u-1001,student,,,", &format!("u-1001,{begins}"))))
        .collect();
    for (files, stints) in [(&good, 1), (&late, 2), (&good, 1), (&late, 2)] {
        drop_folder(&mut district, files);
        district.up();
        let enrolled = enrollments(&district, 1001);
        assert_eq!(enrolled.len(), stints, "{enrolled:?}");
    }
}
