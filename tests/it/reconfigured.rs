//! A configuration that changes under a hub that remembers. `meanwhile`: what was decided, or waits, under the one before.

mod meanwhile;

use std::fs;

use crate::binary::Run;
use crate::district::{District, eventually, feed, list};
use crate::drops::{Row, through};

const SECRET_KEY: &str = r#", secret: "SECRET[env.SIGNALBOX_SECRET]""#;

/// Whoever would work on the hub is refused as a wrong configuration, with the reason and the mend.
#[track_caller]
fn assert_refused(district: &District, reason: &str, mend: &str) {
    for args in [&["up", "--once"][..], &["up"], &["plan"], &["retry", "attendance"], &["flags", "list"]] {
        assert_says(&District::spawn(district.command_of(args)).end(), reason, mend);
    }
}

#[track_caller]
fn assert_says(run: &Run, reason: &str, mend: &str) {
    assert_eq!(run.status.code(), Some(2), "{run:?}");
    let [error, help] = run.failure();
    assert!(error.contains(reason), "\"{reason}\" in {run:?}");
    assert!(help.contains(mend), "the mend \"{mend}\" in {run:?}");
}

fn rows() -> [Row; 6] {
    let absences = [3, 4, 8, 9, 10].map(|day| (1001, day, "A"));
    [absences[0], absences[1], absences[2], absences[3], absences[4], through(50)]
}

/// With a flag: student 1001 was absent 5 of 50 days.
fn at_work(change: impl FnOnce(&mut crate::config::Config)) -> District {
    let mut district = District::with(change);
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&rows());
    district.up();
    assert_eq!(district.flags().len(), 1);
    district
}

/// Changes the text of the configuration.
fn rewrite(district: &mut District, from: &str, to: &str) {
    let text = district.config.render();
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replace(from, to);
    district.configure(|config| config.verbatim = Some(text));
}

/// The hub goes on as if nothing had been.
#[track_caller]
fn assert_as_before(district: &mut District, hash: &str) {
    district.later(60);
    let status = district.up();
    assert_eq!(status["state_hash"], hash, "{status}");
    assert_eq!(status["flags"]["open"], 1, "{status}");
}

/// A typo that only a look saw is mended and forgotten.
#[test]
fn to_look_fixes_nothing() {
    let mut district = District::new();
    rewrite(&mut district, "lakeside", "lakesied");
    district.status();
    district.json(&["feeds", "list"]);
    rewrite(&mut district, "lakesied", "lakeside");
    district.up();
    rewrite(&mut district, "lakeside", "lakesied");
    assert_refused(&district, "lakeside", "district.id");
}

#[test]
fn another_district_is_refused_and_going_back_heals() {
    let mut district = at_work(|_| ());
    let hash = district.state_hash();
    rewrite(&mut district, "id: lakeside", "id: other-district");
    assert_refused(&district, "district.id", "put district.id back to \"lakeside\"");
    rewrite(&mut district, "id: other-district", "id: lakeside");
    assert_as_before(&mut district, &hash);
}

#[test]
fn another_secret_is_refused_and_going_back_heals() {
    let mut district = at_work(|_| ());
    let hash = district.state_hash();
    for (secret, reason) in [
        ("the secret of another district, long enough", "another than the one that this hub began with"),
        ("", "shorter than 16 bytes"),
        ("x", "shorter than 16 bytes"),
    ] {
        for args in [&["up", "--once"][..], &["plan"], &["flags", "list"]] {
            let mut command = district.command_of(args);
            let run = District::spawn_of(command.env("SIGNALBOX_SECRET", secret)).end();
            assert_says(&run, reason, "put");
            assert!(!run.stderr.contains("long enough"), "{run:?}");
        }
    }
    assert_as_before(&mut district, &hash);
}

#[test]
fn a_short_secret_begins_no_hub() {
    let mut district = District::new();
    district.enroll(&[1000]);
    let mut command = district.command_of(&["up", "--once"]);
    let run = District::spawn_of(command.env("SIGNALBOX_SECRET", "fifteen bytes..")).end();
    assert_says(&run, "shorter than 16 bytes", "openssl rand -hex 32");
    let mut command = district.command_of(&["up", "--once"]);
    District::spawn_of(command.env("SIGNALBOX_SECRET", "sixteen bytes...")).end().exit(0);
}

#[test]
fn a_secret_file_that_is_gone_or_cut_is_not_made_anew() {
    let mut district = District::new();
    rewrite(&mut district, SECRET_KEY, "");
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&rows());
    district.up();
    let hash = district.state_hash();

    let file = district.path().join("var/secret");
    let secret = fs::read(&file).expect("one was made");
    fs::write(&file, &secret[..31]).expect("it is writable");
    assert_refused(&district, "is not whole", "from a backup");
    fs::write(&file, b"").expect("it is writable");
    assert_refused(&district, "is not whole", "from a backup");
    fs::remove_file(&file).expect("it is there");
    assert_refused(&district, "is gone", "from a backup");
    assert!(!file.exists(), "nobody made another");

    fs::write(&file, [7; 32]).expect("it is writable");
    assert_refused(&district, "another than the one that this hub began with", "put it back");
    fs::write(&file, secret).expect("it is writable");
    assert_as_before(&mut district, &hash);
}

#[test]
fn another_roster_of_record_is_refused_and_going_back_heals() {
    let mut district = at_work(|_| ());
    let hash = district.state_hash();
    rewrite(&mut district, "name: enrollment", "name: students");
    assert_refused(
        &district,
        "the roster of record is \"students\"",
        "signalbox feeds rename enrollment students",
    );
    rewrite(&mut district, "name: students", "name: enrollment");
    assert_as_before(&mut district, &hash);
}

const AS_ABSENCES: (&str, &str) = ("name: attendance\n", "name: absences\n");

fn student_key(district: &District, id: u32) -> String {
    district.student(id)["student_key"].as_str().expect("a key").to_owned()
}

#[track_caller]
fn state<'a>(status: &'a serde_json::Value, name: &str) -> &'a str {
    feed(status, name)["state"].as_str().expect("a state")
}

fn warns(status: &serde_json::Value, code: &str) -> bool {
    list(status["warnings"].clone()).iter().any(|warning| warning["code"] == code)
}

/// A file of attendance is read half: its rows are on the log, and its run is open.
fn cut_short(district: &mut District) {
    district.later(60);
    let more = [11, 12, 13, 14, 15, 16, 17].map(|day| (1002, day, "A"));
    district.attend(&[&rows()[..], &more].concat());
    assert!(district.up_dying_at("append", 1), "it died while it was reading");
}

/// Student 1002 is flagged too, by the feed of this name.
#[track_caller]
fn assert_goes_on(district: &mut District, name: &str) {
    district.later(60);
    let status = district.up();
    assert_eq!(status["flags"]["open"], 2, "{status}");
    assert_eq!(feed(&status, name)["open_run_since"], serde_json::Value::Null, "{status}");
    assert!(!warns(&status, "open_run"), "{status}");
}

#[test]
fn an_open_run_is_named_and_nothing_reads_healthy_meanwhile() {
    let mut district = at_work(|_| ());
    cut_short(&mut district);
    let status = district.status();
    assert_eq!(state(&status, "attendance"), "reading", "{status}");
    assert!(feed(&status, "attendance")["open_run_since"].is_string(), "{status}");
    assert!(feed(&status, "attendance")["next_step"].is_string(), "{status}");
    assert!(warns(&status, "open_run"), "{status}");
    let mut command = district.command_of(&["status", "--output", "text"]);
    let text: Run = command.output().expect("the binary starts").into();
    assert!(text.stdout.contains("READING, all wait"), "{text:?}");
    assert_goes_on(&mut district, "attendance");
}

#[test]
fn a_feed_renamed_while_its_run_was_open_silences_nobody() {
    let mut district = at_work(|_| ());
    cut_short(&mut district);
    rewrite(&mut district, AS_ABSENCES.0, AS_ABSENCES.1);
    let status = district.status();
    assert_eq!(state(&status, "attendance"), "not_configured", "{status}");
    assert!(feed(&status, "attendance")["open_run_since"].is_string(), "{status}");
    assert!(warns(&status, "open_run"), "{status}");
    assert_goes_on(&mut district, "attendance");
}

#[test]
fn a_feed_removed_while_its_run_was_open_reads_the_file_when_it_comes_back() {
    let mut district = at_work(|_| ());
    cut_short(&mut district);
    let text = district.config.render();
    let start = text.find("  - name: attendance\n").expect("the feed");
    let end = text.find("risk:").expect("the rules");
    district.configure(|config| config.verbatim = Some([&text[..start], &text[end..]].concat()));
    district.later(60);
    let status = district.up();
    assert_eq!(feed(&status, "attendance")["open_run_since"], serde_json::Value::Null, "{status}");
    assert_eq!(status["flags"]["open"], 1, "neither taken back nor raised: {status}");
    // Whoever is evaluated now is evaluated though the run was never finished.
    district.later(60);
    district.enroll(&[1000, 1001, 1002, 1003]);
    district.up();
    assert_eq!(district.answer(1003)["unknown_days"], 50, "{}", district.answer(1003));
    district.configure(|config| config.verbatim = Some(text));
    assert_goes_on(&mut district, "attendance");
}

/// A second feed of enrolments, which says that student 1003 goes to school 200 all year.
fn campus(config: &mut crate::config::Config) {
    let second = config.roster.replace("name: enrollment", "name: campus");
    let second = second.replace("    roster_of_record: true\n", "").replace("enrollment*.csv", "campus*.csv");
    config.roster.push_str(&second);
}

#[test]
fn enrolments_of_a_feed_that_is_gone_count_nowhere() {
    let mut district = District::with(campus);
    // By the roster, student 1003 left on September 30.
    let roster = crate::drops::enrollment(&[1000, 1001, 1002, 1003, 2000]);
    let left = roster.replace(
        "1003,Quillfeather1003,Zebedee1003,2007-03-05,100,8/23/2021,",
        "1003,Quillfeather1003,Zebedee1003,2007-03-05,100,8/23/2021,9/30/2021",
    );
    assert_ne!(left, roster);
    district.drop("enrollment.csv", left);
    let schooled = crate::drops::enrollment(&[1003]).replace(",100,", ",200,");
    district.drop("campus.csv", format!("{schooled}1003,,,,100,not a day,\r\n"));
    district.attend(&[&rows()[..], &[(2000, 50, "T")]].concat());
    let status = district.up();
    assert_eq!(status["rejects"], 1, "{status}");
    assert_eq!(district.answer(1003)["n"], 50, "{}", district.answer(1003));
    let (hash, with) = (district.state_hash(), district.config.render());

    district.configure(|config| config.roster = crate::config::CSV_ROSTER.to_owned());
    district.later(60);
    let status = district.up();
    assert_eq!(state(&status, "campus"), "not_configured", "{status}");
    let step = feed(&status, "campus")["next_step"].as_str().expect("a step");
    assert!(step.contains("feeds rename campus") && step.contains("feeds retire campus"), "{step}");
    assert_eq!(status["rejects"], 0, "{status}");
    assert!(district.rejects().is_empty());
    assert_eq!(district.answer(1003)["n"], 28, "{}", district.answer(1003));
    assert_eq!(district.student(1003)["enrollments"].as_array().expect("a list").len(), 1);
    assert_eq!(district.flags().len(), 1);

    district.configure(|config| config.verbatim = Some(with));
    assert_as_before(&mut district, &hash);
    assert_eq!(district.answer(1003)["n"], 50);
    assert_eq!(district.status()["rejects"], 1);
}

#[test]
fn days_that_only_a_feed_covered_that_is_gone_are_unknown_until_it_is_retired() {
    let mut district = at_work(|_| ());
    let (hash, with) = (district.state_hash(), district.config.render());
    rewrite(&mut district, "./drop/attendance*.csv", "./drop/other*.csv");
    rewrite(&mut district, AS_ABSENCES.0, AS_ABSENCES.1);
    rewrite(&mut district, "exceptions, covers: school_year", "exceptions, covers: {school_days: 25}");
    district.later(60);
    let status = district.up();
    assert_eq!(state(&status, "absences"), "never_read", "{status}");
    assert_eq!(status["flags"]["open"], 1, "neither cleared nor taken back: {status}");
    let answer = district.answer(1001);
    assert_eq!((&answer["n"], &answer["unknown_days"]), (&0.into(), &50.into()), "{answer}");

    // Nothing is lost by looking.
    let gone = district.config.render();
    district.configure(|config| config.verbatim = Some(with));
    assert_as_before(&mut district, &hash);
    district.configure(|config| config.verbatim = Some(gone));
    district.later(60);
    district.up();

    // The latter half of the days another feed covers by now.
    district.drop("other-1.csv", crate::drops::attendance(&[through(50)]));
    district.later(60);
    let status = district.up();
    assert_eq!(status["flags"]["open"], 1, "the first half may be as it was: {status}");
    assert_eq!(district.answer(1001)["value"], "0/25", "{}", district.answer(1001));

    let why = ["--by", "R. Ortiz", "--reason", "another tool"];
    let retire = |name: &'static str| [&["feeds", "retire", name][..], &why].concat();
    assert_says(&district.run(&retire("absences")), "still in the configuration", "take the feed out");
    assert_says(&district.run(&retire("nobody")), "nothing is remembered", "feeds list");
    let feeds = list(district.json(&retire("attendance")));
    assert!(feeds.iter().all(|feed| feed["feed"] != "attendance"), "{feeds:?}");
    let status = district.up();
    assert!(list(status["feeds"].clone()).iter().all(|feed| feed["feed"] != "attendance"), "{status}");
    assert_eq!(status["flags"]["open"], 0, "{status}");
    assert_eq!(district.answer(1001)["unknown_days"], 0);
    let acts = district.events(&["--type", "ops.action"]);
    assert_eq!(acts.last().map(|act| act["data"]["actor"].clone()), Some("R. Ortiz".into()), "{acts:?}");

    // Its name is free for a feed of its own, which begins anew.
    rewrite(&mut district, "./drop/other*.csv", "./drop/attendance*.csv");
    rewrite(&mut district, "exceptions, covers: {school_days: 25}", "exceptions, covers: school_year");
    rewrite(&mut district, AS_ABSENCES.1, AS_ABSENCES.0);
    district.later(60);
    let status = district.up();
    assert_eq!(status["flags"]["open"], 1, "{status}");
    assert_eq!(crate::district::last_run(&status, "attendance")["add"], 6, "{status}");
}

#[test]
fn a_renamed_feed_keeps_all_that_it_remembers() {
    let mut district = at_work(|_| ());
    let (hash, key, flags) = (district.state_hash(), student_key(&district, 1001), district.flags());
    rewrite(&mut district, AS_ABSENCES.0, AS_ABSENCES.1);
    rewrite(&mut district, "name: enrollment\n", "name: students\n");
    assert_says(
        &district.run(&["feeds", "rename", "nobody", "absences"]),
        "nothing is remembered",
        "feeds list",
    );
    district.json(&["feeds", "rename", "enrollment", "students"]);
    let feeds = list(district.json(&["feeds", "rename", "attendance", "absences"]));
    let line = |name: &str| feeds.iter().find(|feed| feed["feed"] == name).cloned().unwrap_or_default();
    assert_eq!((&line("absences")["connector"], &line("absences")["state"]), (&"csv".into(), &"ok".into()));
    assert_eq!(line("absences")["entities"], serde_json::json!(["attendance.daily"]));
    assert!(line("absences")["last_read"].is_string() && line("absences")["expected_by"].is_null());
    assert_eq!(feeds.len(), 2, "{feeds:?}");

    let events = district.events(&["--topic", "attendance"]).len();
    assert_as_before(&mut district, &hash);
    assert_eq!(district.events(&["--topic", "attendance"]).len(), events, "no file was read again");
    assert_eq!((student_key(&district, 1001), district.flags()), (key, flags));
    let status = district.status();
    assert_eq!(crate::district::last_run(&status, "absences")["feed"], "absences");
    // Corrections find the rows of before.
    district.later(60);
    district.attend(&[(1001, 3, "T"), (1001, 4, "T"), rows()[2], rows()[3], rows()[4], through(50)]);
    let status = district.up();
    assert_eq!(crate::district::last_run(&status, "absences")["change"], 2, "{status}");
    assert_eq!(status["flags"]["open"], 0, "{status}");
    assert_eq!(district.json(&["retry", "absences"])["feed"], "absences");

    // Another feed that takes the old name is not the one that had it.
    rewrite(&mut district, AS_ABSENCES.1, AS_ABSENCES.0);
    district.later(60);
    let status = district.up();
    assert_eq!(state(&status, "absences"), "not_configured", "{status}");
    assert_eq!(crate::district::last_run(&status, "attendance")["change"], 2, "it read both files: {status}");
    let refused = district.run(&["feeds", "rename", "absences", "attendance"]);
    assert_says(&refused, "has read files of its own", "feeds retire");
}

#[test]
fn a_changed_file_is_in_force_after_a_restart_only_and_said_until_then() {
    let mut district = at_work(|_| ());
    let up = district.start();
    let lenient = "enter: 40%, leave: 30%";
    eventually("the hub runs", || district.run(&["status"]).status.success());
    rewrite(&mut district, "enter: 10%, leave: 9%", lenient);
    let status = district.status();
    assert!(warns(&status, "configuration_differs"), "{status}");
    assert_eq!(status["flags"]["open"], 1, "{status}");
    up.signal("TERM");
    up.end().exit(0);
    let announced = district.events(&["--type", "ops.policy.changed"]).len();
    district.later(60);
    let status = district.up();
    assert!(!warns(&status, "configuration_differs"), "{status}");
    assert_eq!(status["flags"]["open"], 0, "{status}");
    let events = district.events(&["--type", "ops.policy.changed"]);
    assert!(events.len() > announced);
    assert_eq!(
        events.last().expect("one")["data"]["rules"][0]["settings"]["enter"],
        "40%",
        "{:?}",
        events.last()
    );
}

/// Whoever writes `test` to stop alerts has to hear that the running hub does not know of it.
#[test]
fn every_change_of_the_file_is_said_while_the_hub_runs_on() {
    let mut district = at_work(|_| ());
    let up = district.start();
    eventually("the hub runs", || !district.status()["running"].as_array().expect("a list").is_empty());
    assert!(!warns(&district.status(), "configuration_differs"));
    rewrite(&mut district, "mode: live", "mode: test");
    let status = district.status();
    assert!(warns(&status, "configuration_differs"), "{status}");
    assert_eq!(
        crate::district::feed(&status, "attendance")["mode"],
        "live",
        "it is told on until the restart"
    );
    up.signal("TERM");
    up.end().exit(0);
    let status = district.up();
    assert!(!warns(&status, "configuration_differs"));
    assert_eq!(crate::district::feed(&status, "attendance")["mode"], "test");
}

/// What rows mean is corrected: the file that stands there says another thing, though no row of it changed.
#[test]
fn rows_that_mean_another_thing_are_heard_at_once() {
    let mut district = at_work(|_| ());
    let before = district.answer(1001);
    assert_eq!(
        (&before["value"], &before["unknown_days"]),
        (&"5/50".into(), &0.into()),
        "silence is present"
    );
    rewrite(&mut district, "rows: exceptions", "rows: every_day");
    district.up();
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["unknown_days"]), (&"5/5".into(), &45.into()), "nobody knows");
    rewrite(&mut district, "rows: every_day", "rows: exceptions");
    district.up();
    assert_eq!(district.answer(1001)["value"], before["value"]);
}

/// A school year that was labelled wrongly: what was judged in it is over once the label is right.
#[test]
fn a_flag_of_a_year_that_is_labelled_anew_does_not_stand_on() {
    let autumn =
        "[{schools: all, school_year: 2022, first: 2021-08-23, last: 2021-12-17, closed: [2021-09-06]}]";
    let mut district = District::with(|config| autumn.clone_into(&mut config.calendars));
    district.enroll(&(1000..=1002).collect::<Vec<_>>());
    district.attend(&rows());
    district.up();
    assert_eq!(district.flags().len(), 1);
    rewrite(&mut district, "school_year: 2022", "school_year: 2021");
    district.enroll(&(1000..=1002).collect::<Vec<_>>());
    district.attend(&rows());
    let status = district.up();
    let mut states: Vec<_> = district.flags().iter().map(|flag| flag["state"].to_string()).collect();
    states.sort();
    assert_eq!(states, ["\"ended\"", "\"open\""], "{status}");
    rewrite(&mut district, "school_year: 2021", "school_year: 2020");
    let refused = district.run(&["up", "--once"]);
    assert_eq!(refused.status.code(), Some(2), "no such year ends in it: {refused:?}");
}

/// Each announces its file once, and all judge by what was announced last.
#[test]
fn processes_with_different_files_agree() {
    if !crate::servers::asked_for() {
        return;
    }
    let mut district = at_work(|_| ());
    let strict = district.start_run(&["ingest", "risk"]);
    eventually("it runs", || district.run(&["status"]).status.success());
    rewrite(&mut district, "enter: 10%, leave: 9%", "enter: 40%, leave: 30%");
    let lenient = district.start_run(&["ingest", "risk"]);
    eventually("the second file is in force", || district.status()["flags"]["open"] == 0);
    let announced = district.events(&["--type", "ops.policy.changed"]).len();
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(district.events(&["--type", "ops.policy.changed"]).len(), announced, "nobody announces again");
    assert!(!warns(&district.status(), "configuration_differs"));
    for process in [strict, lenient] {
        process.signal("TERM");
        let run = process.end().exit(0);
        drop(run);
    }
    assert_eq!(district.flags()[0]["state"], "withdrawn", "{:?}", district.flags());
}

/// School days were written down for schools that there are not. Mended, what was read under them is read again.
#[test]
fn calendars_that_are_mended_hold_at_the_next_start() {
    let mut district = District::new();
    rewrite(&mut district, "schools: all", "schools: [\"0100\", \"200\"]");
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&rows());
    let status = district.up();
    assert_eq!(district.flags().len(), 0);
    let warnings = feed(&status, "attendance")["last_run"]["warnings"].to_string();
    assert!(warnings.contains("no calendar covers, e.g. at school 100"), "{warnings}");
    district.configure(|config| config.verbatim = None);
    let status = district.up();
    assert_eq!(district.flags().len(), 1, "{status}");
    assert_eq!(district.answer(1001)["value"], "5/50");
}
