//! A bad export ends nothing until somebody has looked at it.

use serde_json::{Value, json};

use crate::district::{District, feed, last_run};
use crate::drops::{self, Row, day};
use crate::receiver::Receiver;

/// 55 rows at school 100, 55 at school 200, 10 at school 300.
fn full_file() -> Vec<Row> {
    let absences = |first: u32, n: u32| (first..first + n).map(move |id| (id, 10 + id as usize % 7, "A"));
    absences(1000, 55).chain(absences(2000, 55)).chain(absences(3000, 10)).collect()
}

fn students() -> Vec<u32> {
    full_file().iter().map(|row| row.0).collect()
}

fn loaded() -> District {
    let mut district = District::new();
    district.enroll(&students());
    district.attend(&full_file());
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["add"], 120, "{status}");
    district
}

/// Nothing of the file got in, and one hold waits.
#[track_caller]
fn assert_held(district: &District, feed: &str, before: &(u64, String), would_end: u64) -> Value {
    assert_eq!((district.count_events(), district.state_hash()), *before, "a hold changes nothing");
    let holds = district.holds();
    assert_eq!(holds.len(), 1, "{holds:?}");
    assert_eq!((&holds[0]["feed"], &holds[0]["would_end"]), (&feed.into(), &would_end.into()));
    assert!(holds[0]["since"].is_string(), "{holds:?}");
    holds[0].clone()
}

fn before(district: &District) -> (u64, String) {
    (district.count_events(), district.state_hash())
}

fn id_of(hold: &Value) -> String {
    hold["id"].as_str().expect("an id").to_owned()
}

fn decide(district: &District, verb: &str, hold: &Value) {
    district.run(&["holds", verb, &id_of(hold), "--by", "Pat", "--reason", "looked at it"]).exit(0);
}

#[test]
fn a_short_file_waits_and_the_good_file_goes_through_by_itself() {
    let mut district = loaded();
    let then = before(&district);
    district.attend(&full_file()[..95]);
    let status = district.up();
    assert_eq!(status["holds"], 1);
    let hold = &last_run(&status, "attendance")["hold"];
    assert_eq!(hold["would_end"], 23, "two more are on the last day of their school: {status}");
    assert_held(&district, "attendance", &then, 23);

    district.attend(&full_file());
    assert_eq!(district.up()["holds"], 0, "superseded by the good file");
    assert_eq!(before(&district), then);
}

#[test]
fn a_few_missing_rows_are_corrections() {
    let mut district = loaded();
    let kept: Vec<Row> = full_file().into_iter().skip(9).collect();
    district.attend(&kept);
    let status = district.up();
    let run = last_run(&status, "attendance");
    // Two were on the last day that the file has: it may have ended within that day.
    assert_eq!((&status["holds"], &run["end"], &run["doubtful"]), (&0.into(), &7.into(), &2.into()));
}

/// 10 of 120 rows are less than 10 %: it is the school that vanished.
#[test]
fn a_vanished_school_waits() {
    let mut district = loaded();
    let then = before(&district);
    district.attend(&full_file()[..110]);
    district.up();
    let hold = assert_held(&district, "attendance", &then, 10);
    let shown = district.json(&["holds", "show", &id_of(&hold)]);
    assert_eq!(shown["schools"], json!([{"school": "300", "would_end": 10}]));
}

/// Before anybody decides: which file it is, and what people would be told.
#[test]
fn a_hold_shows_its_file_and_what_people_would_be_told() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&students());
    // 1000 and 2000 are over the line, and both schools have been recorded through day 20.
    let more = [(1000, 3, "A"), (2000, 3, "A"), drops::through(20), (2001, 20, "T")];
    let full: Vec<Row> = more.into_iter().chain(full_file()).collect();
    district.attend(&full);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 2]);
    // Without most of school 200, hence without the two days of 2000; and 1001 is said to have been away twice.
    let kept = full.iter().copied().filter(|row| row.0 / 1000 != 2 || row.1 == 20).chain([(1001, 4, "A")]);
    let file = district.attend(&kept.collect::<Vec<_>>());
    district.up();
    let (then, told) = (before(&district), receiver.kinds());
    assert_eq!(told.len(), 3, "only the ends of the school wait: {told:?}");
    let hold = &district.holds()[0];
    let shown = district.json(&["holds", "show", &id_of(hold)]);
    assert_eq!(shown["file"], file.file_name().and_then(|name| name.to_str()).expect("a name"));
    assert_eq!(
        shown["alerts"],
        json!({"raise": 0, "withdraw": 1, "clear": 0, "to": [{"name": "counselor", "raise": 0, "withdraw": 1}]})
    );
    let text = district.run(&["holds", "show", &id_of(hold), "--output", "text"]).exit(0).stdout;
    assert!(text.contains("0 new, 1 taken back") && text.contains("to counselor"), "{text}");
    assert_eq!((before(&district), receiver.kinds()), (then, told), "to look is not to decide");

    decide(&district, "approve", hold);
    district.up();
    assert_eq!(receiver.kinds()[3..], ["risk.flag.withdrawn"], "what was shown");
}

/// What a person refused is decided, and the days that it left unknown are still unknown.
#[test]
fn a_refused_school_leaves_its_days_unknown_and_status_says_so() {
    let mut district = loaded();
    let state = |status: &Value| feed(status, "attendance")["state"].clone();
    let kept = |n: usize| {
        let rows = full_file().into_iter().filter(|row| row.0 / 1000 != 2 || row.0 < 2004);
        rows.chain([drops::through(n), (2001, n, "T")]).collect::<Vec<_>>()
    };
    district.attend(&kept(31));
    district.up();
    let hold = district.holds()[0].clone();
    assert_eq!(hold["reason"], "school");
    decide(&district, "refuse", &hold);
    let status = district.up();
    assert_eq!(state(&status), "attention", "{status}");
    let step = feed(&status, "attendance")["next_step"].to_string();
    assert!(step.contains("unknown, not present") && step.contains("school 200"), "{step}");
    district
        .attend(&full_file().into_iter().chain([drops::through(31), (2001, 31, "T")]).collect::<Vec<_>>());
    let status = district.up();
    assert_eq!(state(&status), "ok", "{status}");
}

#[test]
fn a_roster_with_all_ids_changed_waits() {
    let mut district = loaded();
    let then = before(&district);
    let renumbered: Vec<u32> = students().iter().map(|id| id / 1000 * 10_000 + id).collect();
    district.enroll(&renumbered);
    let status = district.up();
    assert_eq!(last_run(&status, "enrollment")["hold"]["reason"], "ids_changed", "{status}");
    assert_held(&district, "enrollment", &then, 120);
}

#[test]
fn a_held_file_is_not_held_again() {
    let mut district = loaded();
    district.attend(&full_file()[..60]);
    district.up();
    let hold = district.holds();
    district.up();
    assert_eq!(district.holds(), hold);
}

#[test]
fn refused_is_refused_and_the_next_good_file_goes_through() {
    let mut district = loaded();
    let then = before(&district);
    district.attend(&full_file()[..60]);
    district.up();
    decide(&district, "refuse", &district.holds()[0]);
    let status = district.up();
    assert_eq!(status["holds"], 0);
    assert_eq!(district.up()["holds"], 0, "not held again");
    assert_eq!(district.state_hash(), then.1);

    let mut next = full_file();
    next.push((1000, 20, "E"));
    district.attend(&next);
    let status = district.up();
    assert_eq!((&status["holds"], &last_run(&status, "attendance")["add"]), (&0.into(), &1.into()));
}

#[test]
fn approved_ends_exactly_what_was_shown() {
    let mut district = loaded();
    district.attend(&full_file()[..60]);
    district.up();
    let hold = district.holds()[0].clone();
    assert_eq!(hold["would_end"], 53, "seven more are on the last day of school 200");
    decide(&district, "approve", &hold);
    let status = district.up();
    assert_eq!(status["holds"], 0);
    let run = last_run(&status, "attendance");
    assert_eq!((&run["end"], &run["unchanged"]), (&53.into(), &60.into()), "{run}");
    let events = district.events(&["--type", "ops.action"]);
    let told: String = events.iter().map(|event| event["data"].to_string()).collect();
    assert!(told.contains("Pat") && told.contains("looked at it"), "who and why: {told}");
}

/// The same short file under another name: somebody has said no to it already.
#[test]
fn a_refused_payload_is_not_asked_about_again() {
    let mut district = loaded();
    let then = before(&district);
    district.attend(&full_file()[..60]);
    district.up();
    decide(&district, "refuse", &district.holds()[0]);
    district.up();
    district.attend(&full_file()[..60]);
    assert_eq!(district.up()["holds"], 0, "{:?}", district.holds());
    assert_eq!(before(&district).1, then.1, "and it ends nothing either");
}

/// A decision about a file that was overtaken comes too late.
#[test]
fn a_superseded_hold_cannot_be_approved() {
    let mut district = loaded();
    let then = before(&district);
    district.attend(&full_file()[..60]);
    district.up();
    let hold = id_of(&district.holds()[0]);
    district.attend(&full_file());
    district.up();
    let late = district.run(&["holds", "approve", &hold, "--by", "Pat", "--reason", "late"]);
    assert_eq!(late.status.code(), Some(2), "{late:?}");
    district.up();
    assert_eq!(before(&district), then);
}

/// Approved, and a better file comes before the next pass: first what was shown, then the file.
#[test]
fn an_approved_file_goes_before_a_newer_one() {
    let mut district = loaded();
    district.attend(&full_file()[..60]);
    district.up();
    decide(&district, "approve", &district.holds()[0]);
    district.attend(&full_file());
    let status = district.up();
    assert_eq!((&status["holds"], &last_run(&status, "attendance")["add"]), (&0.into(), &53.into()));
    assert_eq!(last_run(&status, "attendance")["unchanged"], 67);
}

/// Who is asked about one file is asked about the next one too; what is approved is no newer for it.
#[test]
fn a_file_that_waits_is_superseded_by_what_is_accepted_and_by_nothing_else() {
    let mut district = loaded();
    let without = |n: u32| full_file().into_iter().filter(|row| row.0 % n != 0).collect::<Vec<_>>();
    district.attend(&without(5));
    district.up();
    let first = district.holds()[0].clone();
    district.attend(&without(4));
    assert_eq!(district.up()["holds"], 2, "both wait");
    decide(&district, "approve", &first);
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["rows"]),
        (&1.into(), &96.into()),
        "{status}"
    );
    assert_ne!(district.holds()[0]["id"], first["id"], "the newer one still waits");
    district.attend(&full_file());
    assert_eq!(district.up()["holds"], 0);
}

/// More than half of a school's rows are not believed to be gone, so its silence on the days since is not believed either.
#[test]
fn the_silence_of_a_school_that_waits_is_unknown() {
    let mut district = loaded();
    let known = |district: &District, id: u32| {
        let answer = district.answer(id);
        (answer["value"].as_str().expect("a value").to_owned(), answer["unknown_days"].as_u64())
    };
    let (before, none) = (known(&district, 2000), Some(0));
    assert_eq!(before.1, none);
    let later: [Row; 2] = [(1000, 22, "T"), (2001, 22, "T")];
    let kept = full_file().into_iter().filter(|row| row.0 / 1000 != 2 || row.0 > 2040);
    district.attend(&kept.chain(later).collect::<Vec<_>>());
    district.up();
    let hold = district.holds()[0].clone();
    assert_eq!(hold["reason"], "school");
    let waits = known(&district, 2000);
    assert_eq!(waits, (before.0, Some(6)), "days 17 to 22 of school 200");
    assert_eq!(known(&district, 1001).1, none, "of school 100 it is heard");
    decide(&district, "refuse", &hold);
    district.up();
    assert_eq!(known(&district, 2000).1, Some(6), "nobody said more");
    district.attend(&full_file().into_iter().chain(later).collect::<Vec<_>>());
    district.up();
    assert_eq!(known(&district, 2000), ("1/22".to_owned(), none));
}

/// A hold that somebody approves while a newer file is being read comes too late: the newer file says more.
#[test]
fn a_file_that_was_begun_goes_before_what_is_approved_meanwhile() {
    let mut district = loaded();
    district.attend(&full_file()[..60]);
    district.up();
    let mut newer = full_file();
    newer.push((1000, 20, "E"));
    district.attend(&newer);
    assert!(district.up_dying_at("append", 1), "the newer file is half read");
    decide(&district, "approve", &district.holds()[0]);
    let status = district.up();
    assert_eq!(status["holds"], 0, "{status}");
    let run = last_run(&status, "attendance");
    assert_eq!(
        (&run["rows"], &run["end"]),
        (&121.into(), &0.into()),
        "the last file is the newer one: {run}"
    );
    district.up();
    assert_eq!(district.answer(1000)["value"], "2/20", "and nothing of it ended");
}

/// What a process found out about a file before it died was under another mapping.
#[test]
fn a_file_is_judged_anew_where_the_mapping_changed_after_a_crash() {
    let mut district = loaded();
    let stood = district.answer(1001)["value"].clone();
    let mut next = full_file();
    next.push((1000, 20, "E"));
    district.attend(&next);
    assert!(
        district.up_dying_at("run.gate", 1),
        "it found nothing wrong, recorded its only new row, and died"
    );
    district.configure(|config| config.codes = "{P: present, E: absent_excused, T: tardy}");
    let status = district.up();
    let holds = district.holds();
    assert_eq!(holds.len(), 2, "of the file before too nothing could be used: {holds:?}: {status}");
    assert!(holds.iter().all(|hold| hold["reason"] == "unusable"), "{holds:?}");
    assert_eq!(district.answer(1001)["value"], stood, "nothing else of it went in");

    district.configure(|config| config.codes = "{A: absent_unexcused, E: absent_excused, T: tardy}");
    let status = district.up();
    assert_eq!((&status["holds"], &district.answer(1000)["value"]), (&0.into(), &"2/20".into()), "{status}");
}

/// One stray row of last year gives a file no right to lose half of this year's rows.
#[test]
fn a_row_of_another_year_hides_no_loss() {
    let two_years = "[{schools: all, school_year: 2021, first: 2020-08-24, last: 2021-05-28}, \
         {schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27}]";
    let mut district = District::with(|config| two_years.clone_into(&mut config.calendars));
    district.enroll(&students());
    let rows = |rows: &[Row], last_year: usize| {
        let mut lines: Vec<String> = rows.iter().map(drops::line).collect();
        lines.extend((0..last_year).map(|at| format!("{},100,9/14/2020,A", 1000 + at)));
        drops::csv(drops::ATTENDANCE_HEADER, &lines)
    };
    district.drop("attendance-1.csv", rows(&full_file(), 50));
    district.up();
    let then = district.state_hash();
    district.drop("attendance-2.csv", rows(&full_file()[..60], 1));
    let status = district.up();
    assert_eq!(status["holds"], 1, "{status}");
    assert_eq!(district.state_hash(), then);
}

/// The file is sorted by school and cut: one school is missing, and the last students of the one before it are.
#[test]
fn students_who_lose_everything_wait_beside_a_school_that_vanished() {
    let of = |ids: std::ops::Range<u32>| ids.flat_map(|id| (3..7).map(move |n| (id, n, "A")));
    let clerks = [(1000, 20, "T"), (2000, 20, "T"), (3000, 20, "T")];
    let all: Vec<Row> =
        clerks.into_iter().chain(of(1001..1080)).chain(of(2001..2080)).chain(of(3001..3006)).collect();
    let mut district = District::new();
    district.enroll(&(1000..1080).chain(2000..2080).chain(3000..3006).collect::<Vec<_>>());
    district.attend(&all);
    district.up();
    let then = district.state_hash();
    let cut = all.iter().copied().filter(|row| row.0 / 1000 != 3 && !(2070..2080).contains(&row.0));
    district.attend(&cut.collect::<Vec<_>>());
    district.up();
    assert_eq!(district.holds()[0]["reason"], "students", "{:?}", district.holds());
    assert_eq!(district.state_hash(), then);
}

/// A hold that was judged again says what was found now, and approving it ends that.
#[test]
fn a_hold_that_is_judged_again_says_why_it_waits_now() {
    let mut district = loaded();
    let half: Vec<String> = full_file()[..60].iter().map(drops::line).collect();
    let strangers: Vec<String> =
        (0..20).map(|n| format!("{},100,{},A", 8000 + n, drops::us(day(10)))).collect();
    district.drop("attendance-x.csv", drops::csv(drops::ATTENDANCE_HEADER, &[half, strangers].concat()));
    district.up();
    let hold = district.holds()[0].clone();
    assert_eq!(hold["reason"], "unusable");
    let mut everybody = students();
    everybody.extend(8000..8020);
    district.enroll(&everybody);
    district.up();
    let holds = district.holds();
    assert_eq!((holds.len(), &holds[0]["reason"]), (1, &"school".into()), "{holds:?}");
    decide(&district, "approve", &holds[0]);
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["end"]),
        (&0.into(), &holds[0]["would_end"])
    );
}

/// To retry is not to approve.
#[test]
fn retry_does_not_get_round_the_guard() {
    let mut district = loaded();
    let then = before(&district);
    district.attend(&full_file()[..60]);
    district.up();
    district.run(&["retry", "attendance"]).exit(0);
    district.up();
    assert_eq!(before(&district), then);
    assert_eq!(district.holds().len(), 1);
}

#[test]
fn a_short_roster_waits_and_the_attendance_goes_on() {
    let mut district = loaded();
    district.enroll(&students()[..90]);
    let mut rows = full_file();
    rows.push((1000, 20, "E"));
    district.attend(&rows);
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "enrollment")["hold"]["would_end"]),
        (&1.into(), &30.into())
    );
    assert_eq!(last_run(&status, "attendance")["add"], 1);
}

/// A new school year starts with an empty file; last year's rows are none of its business.
#[test]
fn the_roll_over_of_the_school_year_does_not_wait() {
    let mut district = loaded();
    district.configure(|config| {
        config.calendars = "[{schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27}, \
                            {schools: all, school_year: 2023, first: 2022-08-22, last: 2023-05-26}]"
            .to_owned();
    });
    district.now = "2022-08-25T23:00:00Z".to_owned();
    let lines: Vec<String> = students()
        .iter()
        .map(|id| format!("{id},Q,Z,2007-03-01,{},8/22/2022,", drops::school(*id)))
        .collect();
    district.drop("enrollment-next.csv", drops::csv(drops::ENROLLMENT_HEADER, &lines));
    let rows = ["1000,100,8/23/2022,A".to_owned(), "2000,200,8/23/2022,T".to_owned()];
    district.drop("attendance-next.csv", drops::csv(drops::ATTENDANCE_HEADER, &rows));
    let status = district.up();
    assert_eq!(status["holds"], 0, "{status}");
    assert_eq!(
        (&last_run(&status, "attendance")["add"], &last_run(&status, "attendance")["end"]),
        (&2.into(), &0.into())
    );
    assert_eq!(last_run(&status, "enrollment")["end"], 0);
    let kept = district.events(&["--type", "attendance.daily", "--student", "1000"]);
    assert!(kept.iter().any(|event| event["data"]["date"] == day(10 + 1000 % 7).to_string()));
}
