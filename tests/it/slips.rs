//! Slips of the pen that read well: a date, a school, an id, a second row. One night of them costs nobody anything, and the
//! next good file heals.

use serde_json::{Value, json};

use crate::district::{District, last_run};
use crate::drops::{self, Row, day, through, us};
use crate::oneroster::{Files, drop_folder, package, reading, zipped};
use crate::receiver::Receiver;

const AUGUST: &str = "8/23/2021";
const RAISED: [&str; 1] = ["risk.flag.raised"];

/// `student,school,entry,exit` as an enrolment export.
fn roster(rows: &[(u32, u32, &str, &str)]) -> String {
    let line = |(id, school, entry, exit): &(u32, u32, &str, &str)| {
        format!("{id},Quillfeather{id},Zebedee{id},2007-03-01,{school},{entry},{exit}")
    };
    drops::csv(drops::ENROLLMENT_HEADER, &rows.iter().map(line).collect::<Vec<_>>())
}

fn drop_roster(district: &mut District, name: &str, rows: &[(u32, u32, &str, &str)]) -> Value {
    district.drop(name, roster(rows));
    district.up()
}

fn enrollments(district: &District, id: u32) -> Vec<Value> {
    district.student(id)["enrollments"].as_array().expect("a list").clone()
}

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

/// `1001` is Zebedee's; one night somebody else has it.
fn roster_with(other: &str) -> String {
    drops::enrollment(&[1000]) + &format!("1001,{other},100,8/23/2021,\r\n")
}

const ZEBEDEE: &str = "Quillfeather1001,Zebedee1001,2007-03-03";
const ODILE: &str = "Marsh,Odile,2009-11-30";

#[test]
fn an_id_that_has_another_name_for_one_night_is_nobodys_that_night() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    for (n, (who, value)) in [(ZEBEDEE, "3/20"), (ODILE, "3/20"), (ZEBEDEE, "3/20")].iter().enumerate() {
        district.drop(&format!("enrollment-{n}.csv"), roster_with(who));
        district.attend(&ABSENCES);
        let status = district.up();
        assert_eq!(receiver.kinds(), RAISED, "night {n}: {status}");
        assert_eq!(district.answer(1001)["value"], *value, "night {n}: {status}");
        let warned = last_run(&status, "enrollment")["warnings"].to_string();
        assert_eq!(warned.contains("two_persons"), *who == ODILE, "night {n}: {warned}");
    }
    assert_eq!(district.status()["unmatched"], 0, "healed");
}

/// Two rows of the other child that differ in a letter are no less another child's.
#[test]
fn an_id_that_two_rows_give_to_somebody_else_is_nobodys() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.attend(&ABSENCES[2..]);
    district.up();
    let twice = roster_with(ODILE) + "1001,Marsh,Odile J,2009-11-30,100,8/23/2021,\r\n";
    district.drop("enrollment-2.csv", twice);
    district.attend(&ABSENCES);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["unmatched"], 3, "{status}");
    assert_eq!(receiver.kinds(), Vec::<String>::new());
}

/// What else the roster of that night teaches about ids is learnt.
#[test]
fn a_roster_with_a_stranger_brings_its_new_children() {
    let mut district = District::new();
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.up();
    district.drop(
        "enrollment-2.csv",
        roster_with(ODILE)
            + &roster(&[(1050, 100, AUGUST, "")])
                .lines()
                .nth(1)
                .map(|line| format!("{line}\r\n"))
                .expect("a line"),
    );
    district.attend(&[(1050, 3, "A"), through(20)]);
    district.up();
    assert_eq!(district.answer(1050)["value"], "1/20");
}

/// The next day says so too: it is another child by now, who has nothing of what the first one had before.
#[test]
fn an_id_that_is_given_to_another_child_takes_nothing_along() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.attend(&ABSENCES);
    district.up();
    let entry = format!("2009-11-30,100,{}", us(day(30)));
    let since_day_30 = roster_with(ODILE).replace("2009-11-30,100,8/23/2021", &entry);
    for n in 2..4 {
        // Of the same day a second file proves nothing.
        district.drop(&format!("enrollment-{n}.csv"), &since_day_30);
        assert_eq!(district.up()["holds"], 0);
        assert_eq!(
            (receiver.kinds(), enrollments(&district, 1001).len()),
            (RAISED.map(str::to_owned).to_vec(), 1)
        );
    }
    district.later(24 * 60);
    district.drop("enrollment-4.csv", &since_day_30);
    assert_eq!(district.up()["holds"], 0);
    district.attend(&[ABSENCES[0], ABSENCES[1], ABSENCES[2], (1001, 31, "A"), through(40)]);
    district.up();
    let enrolled = enrollments(&district, 1001);
    assert_eq!((enrolled.len(), &enrolled[0]["entry"]), (1, &day(30).to_string().into()), "{enrolled:?}");
    assert_eq!(district.answer(1001)["value"], "1/11");
    assert_eq!(receiver.kinds()[1..], ["risk.flag.withdrawn"], "of whom there is no trace left");
    district.drop("enrollment-5.csv", &since_day_30);
    assert_eq!(last_run(&district.up(), "enrollment")["unchanged"], 2, "and so it stays");
}

/// On the day on which it is believed a row of the child cannot be read, or the hub dies: a day later it is settled.
#[test]
fn an_id_that_is_given_away_takes_nothing_along_whatever_happens_that_day() {
    let entry = format!("2009-11-30,100,{}", us(day(30)));
    let odile = roster_with(ODILE).replace("2009-11-30,100,8/23/2021", &entry);
    let unread = odile.clone() + "1001,Marsh,Odile,2009-11-30,200,xx,\r\n";
    for (name, second, failpoint) in [
        ("a bad row", &unread, None),
        ("a death", &odile, Some("append")),
        ("another", &odile, Some("ledger")),
    ] {
        let mut district = District::new();
        district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
        district.attend(&ABSENCES);
        district.up();
        for (n, file) in [&odile, second, &odile].into_iter().enumerate() {
            district.later(24 * 60);
            district.drop(&format!("enrollment-{}.csv", n + 2), file);
            if let Some(failpoint) = failpoint.filter(|_| n == 1) {
                district.up_dying_at(failpoint, 1);
            }
            district.up();
        }
        district.attend(&[ABSENCES[0], ABSENCES[1], ABSENCES[2], (1001, 31, "A"), through(40)]);
        district.up();
        let enrolled = enrollments(&district, 1001);
        assert_eq!(enrolled.len(), 1, "{name}: {enrolled:?}");
        assert_eq!(district.answer(1001)["value"], "1/11", "{name}");
    }
}

/// One child's id is believed on the day on which another's is not yet.
#[test]
fn two_ids_that_are_given_away_on_two_days_are_believed_one_after_the_other() {
    let mut district = District::new();
    let roster =
        |first: &str, second: &str| roster_with(first) + &format!("1002,{second},100,8/23/2021,\r\n");
    let (other, third) = ("Reed1002,Tilda1002,2007-03-04", "Stone,Uma,2010-04-01");
    for (n, (first, second, nobody)) in
        [(ZEBEDEE, other, 0), (ODILE, other, 1), (ODILE, third, 1), (ODILE, third, 0)].iter().enumerate()
    {
        district.drop(&format!("enrollment-{n}.csv"), roster(first, second));
        district.attend(&[(1001, 3, "A"), (1002, 3, "A"), through(20)]);
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["unmatched"], *nobody, "night {n}: {status}");
        district.later(24 * 60);
    }
    assert_eq!(district.status()["unmatched"], 0);
}

/// The name and the birth date of a child were placeholders, and are mended.
#[test]
fn a_child_whose_placeholders_are_mended_keeps_everything() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.attend(&ABSENCES);
    district.up();
    for n in 2..5 {
        district.later(24 * 60);
        district.drop(&format!("enrollment-{n}.csv"), roster_with(ODILE));
        district.up();
        assert_eq!(
            (district.answer(1001)["value"].clone(), receiver.kinds().len()),
            ("3/20".into(), 1),
            "night {n}"
        );
    }
    assert_eq!(district.status()["unmatched"], 0);
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

/// A row whose student is found later says otherwise than one that stands: nobody can tell which holds.
#[test]
fn a_row_that_waited_does_not_override_one_that_stands() {
    let receiver = Receiver::start();
    let mut district = reading("./drop/sis");
    district.configure(|config| config.webhooks = vec![("counselor".to_owned(), receiver.url())]);
    let without = |files: Files| -> Files {
        let change =
            |(name, text): (&'static str, String)| (name, text.replace("{State:TX1001}", "{State:TX9}"));
        files.into_iter().map(change).collect()
    };
    drop_folder(&mut district, &without(package(&[1000, 1001])));
    let row = |id: &str, n: usize, code: &str| format!("{id},s-100,{},{code}", us(day(n)));
    let days = [3, 9, 16];
    let rows = days
        .iter()
        .flat_map(|n| [row("1001", *n, "T"), row("TX1001", *n, "A")])
        .chain([row("1000", 20, "T")]);
    district.drop("attendance-1.csv", drops::csv(drops::ATTENDANCE_HEADER, &rows.collect::<Vec<_>>()));
    district.up();
    assert_eq!(district.answer(1001)["value"], "0/20");
    drop_folder(&mut district, &package(&[1000, 1001]));
    district.up();
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["unknown_days"]), (&"0/17".into(), &3.into()), "{answer}");
    assert_eq!(receiver.kinds(), Vec::<String>::new(), "what is unknown raises nothing");
    assert_eq!(last_run(&district.status(), "attendance")["reject"], 6, "both rows are named");
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

/// The same two rows again, and the same bytes: what is not known stays so, and no more than that.
#[test]
fn bytes_that_are_dropped_again_put_no_later_day_in_doubt() {
    let mut district = District::with(|config| config.csv_extra = "covered_through: run_day");
    district.enroll(&[1000, 1001]);
    let lines = [drops::line(&(1001, 3, "A")), ",100,99/99/2021,A".to_owned(), drops::line(&through(20))];
    let bytes = drops::csv(drops::ATTENDANCE_HEADER, &lines);
    district.drop("attendance-1.csv", &bytes);
    district.up();
    let unknown = |district: &District| district.answer(1001)["unknown_days"].clone();
    assert_ne!(unknown(&district), json!(0), "at the first load it may be about any day");
    for n in 2..5 {
        district.later(24 * 60);
        district.drop(&format!("attendance-{n}.csv"), &bytes);
        district.up();
        assert_eq!(unknown(&district), json!(0), "night {n}: it is no longer new");
    }
}

/// A child of whom no row can be read, night after night.
#[test]
fn days_of_a_student_whose_rows_cannot_be_read_stay_unknown() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let wrong = [3, 9, 16].map(|n| format!("1001,100,{},A", day(n).strftime("%d.%m.%Y")));
    for n in 20..24 {
        let lines = [&wrong[..], &[drops::line(&through(n))]].concat();
        district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
        district.up();
        let answer = district.answer(1001);
        assert!(answer["unknown_days"].as_u64() >= Some(20), "day {n}: {answer}");
    }
    district.attend(&[(1001, 3, "A"), (1001, 9, "A"), (1001, 16, "A"), through(24)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "3/24", "the next good file heals");
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

/// An absence that was planned is over as soon as a file no longer has it, whatever else is planned.
#[test]
fn a_planned_absence_that_is_gone_is_gone() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    for n in 0..4 {
        district.attend(&[(1001, 60 + n, "E"), through(20)]);
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["doubtful"], 0, "night {n}: {status}");
    }
}

/// The few rows of a small school that is not in the file, however far the file says that it goes.
#[test]
fn a_small_school_that_is_not_in_the_file_stands() {
    for through in ["latest_row", "run_day", "day_before_run"] {
        let receiver = Receiver::start();
        let extra: &'static str = Box::leak(format!("covered_through: {through}").into_boxed_str());
        let mut district = District::with(|config| {
            config.csv_extra = extra;
            config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        });
        district.now = format!("{}T23:00:00Z", day(21));
        district.enroll(&[1000, 1001, 3001]);
        let rows: [Row; 5] =
            [(3001, 3, "A"), (3001, 4, "A"), (3001, 5, "A"), (1001, 4, "T"), (1000, 20, "T")];
        district.drop("attendance-1.csv", drops::attendance(&[&rows[..], &[(3001, 20, "T")]].concat()));
        district.up();
        assert_eq!(receiver.kinds(), RAISED, "{through}");
        district.drop("attendance-2.csv", drops::attendance(&rows[3..]));
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["end"], 0, "{through}: {status}");
        assert_eq!(receiver.kinds(), RAISED, "{through}");
    }
}

/// What the hub infers of a bad row lasts no longer than the bad row, also where files take nothing back.
#[test]
fn days_that_were_unknown_are_known_again_where_rows_are_kept() {
    let mut district = District::with(|config| config.absent_rows = "keep");
    district.enroll(&[1000, 1001]);
    let lines = |date: String| [format!("1001,100,{date},A"), drops::line(&through(20))];
    let bad = lines(day(3).strftime("%d.%m.%Y").to_string());
    district.drop("attendance-1.csv", drops::csv(drops::ATTENDANCE_HEADER, &bad));
    district.up();
    assert_eq!(district.answer(1001)["unknown_days"], 20);
    district.drop("attendance-2.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines(us(day(3)))));
    district.up();
    assert_eq!(
        (&district.answer(1001)["value"], &district.answer(1001)["unknown_days"]),
        (&"1/20".into(), &0.into())
    );
    district.attend(&[through(21)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/21", "what was said is kept");
}

/// A file that says nothing comes between.
#[test]
fn days_that_were_unknown_are_known_again_whatever_comes_between() {
    let mut district = District::with(|config| config.absent_rows = "keep");
    district.enroll(&[1000, 1001]);
    let bad = [format!("1001,100,{},A", day(3).strftime("%d.%m.%Y")), drops::line(&through(20))];
    district.drop("attendance-1.csv", drops::csv(drops::ATTENDANCE_HEADER, &bad));
    district.up();
    district.drop("attendance-2.csv", drops::csv(drops::ATTENDANCE_HEADER, &[]));
    district.up();
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/20");
}

/// Children at two schools lose the rows of one of them, which stand at the other all along: that is a loss.
#[test]
fn days_that_stood_at_another_school_all_along_are_no_moved_days() {
    let mut district = District::new();
    let both: Vec<(u32, u32, &str, &str)> =
        (1000..1012).flat_map(|id| [(id, 100, AUGUST, ""), (id, 200, AUGUST, "")]).collect();
    drop_roster(&mut district, "enrollment-1.csv", &both);
    let at = |school: u32, code: &str| {
        let line = move |id: u32, n: usize, code: &str| format!("{id},{school},{},{code}", us(day(n)));
        let rows = (1000..1012).flat_map(|id| [3, 4].map(|n| line(id, n, code)));
        rows.chain([line(1000, 20, "T")]).collect::<Vec<_>>()
    };
    district.drop(
        "attendance-1.csv",
        drops::csv(drops::ATTENDANCE_HEADER, &[at(100, "T"), at(200, "A")].concat()),
    );
    district.up();
    let last = format!("1000,200,{},T", us(day(20)));
    district
        .drop("attendance-2.csv", drops::csv(drops::ATTENDANCE_HEADER, &[at(100, "T"), vec![last]].concat()));
    assert_eq!(district.up()["holds"], 1, "24 of 50 rows");
}

/// The attendance of a whole school stands under another school's number for one night.
#[test]
fn a_night_of_attendance_under_another_schools_number_heals_by_itself() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let students: Vec<u32> = (1000..1020).chain(3000..3012).collect();
    district.enroll(&students);
    let flagged: [Row; 3] = [(3001, 3, "A"), (3001, 4, "A"), (3001, 5, "A")];
    let all = (1000..1020)
        .chain(3000..3012)
        .map(|id| (id, 10, "E"))
        .chain(flagged)
        .chain([(3000, 20, "T"), through(20)]);
    let good: Vec<Row> = all.collect();
    district.attend(&good);
    district.up();
    assert_eq!(receiver.kinds(), RAISED);
    let slip: Vec<String> = good.iter().map(|row| drops::line(row).replace(",300,", ",100,")).collect();
    district.drop("attendance-x.csv", drops::csv(drops::ATTENDANCE_HEADER, &slip));
    assert_eq!(district.up()["holds"], 0, "no day is lost");
    assert_eq!(receiver.kinds(), RAISED, "of rows at a school where they are not, nothing is known");
    district.attend(&good);
    let status = district.up();
    assert_eq!((&status["holds"], &district.answer(3001)["value"]), (&0.into(), &"4/20".into()), "{status}");
    assert_eq!(receiver.kinds(), RAISED);
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
