//! Files that others wrote: the Grand Bend exports against an independent reckoning, and two rosters.
//!
//! They stand in `$SIGNALBOX_SAMPLES`, by default `../../shared/data` beside the repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::binary;
use crate::district::{District, feed, last_run, list};

/// The samples' folder; says loudly, past the capture of test output, when a test cannot run without it.
pub(crate) fn samples(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SIGNALBOX_SAMPLES")
        .map_or_else(|| binary::root().join("tests").join("../../shared/data"), PathBuf::from);
    if folder.join("grandbend-csv").is_dir() {
        return Some(folder);
    }
    let told = writeln!(
        std::io::stderr(),
        "\n!!! NOT TESTED: {test}: no sample data in {}; set SIGNALBOX_SAMPLES\n",
        folder.display()
    );
    told.expect("standard error is open");
    None
}

/// The example's own configuration over the real exports.
pub(crate) fn grand_bend(samples: &std::path::Path) -> District {
    let yaml = binary::root().join("examples/grand-bend/signalbox.yaml");
    let yaml = fs::read_to_string(yaml).expect("the example is in the repository");
    let mut district = District::with(|config| config.verbatim = Some(yaml));
    district.now = "2022-06-01T12:00:00Z".into();
    for name in ["enrollment.csv", "attendance.csv"] {
        let bytes = fs::read(samples.join("grandbend-csv").join(name)).expect("the sample is there");
        district.drop(name, bytes);
    }
    district
}

fn oracle(samples: &std::path::Path) -> Value {
    let data = samples.join("grandbend-csv");
    let out = Command::new("python3")
        .arg(binary::root().join("tests/it/oracle.py"))
        .args([data.join("attendance.csv"), data.join("enrollment.csv")])
        .output()
        .expect("python3 is installed (scripts/test installs it)");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("the oracle writes JSON")
}

#[test]
fn grand_bend_flags_and_reasons_agree_with_an_independent_reckoning() {
    let Some(samples) = samples("grand_bend_flags") else { return };
    let district = grand_bend(&samples);
    district.up();
    let expected = oracle(&samples);

    let flags = district.flags();
    let open: BTreeMap<&str, &Value> = flags
        .iter()
        .filter(|flag| flag["state"] == "open")
        .map(|flag| (flag["student_id"].as_str().expect("an id"), flag))
        .collect();
    let flagged: Vec<Value> = open.keys().map(|id| Value::from(*id)).collect();
    assert_eq!(Value::from(flagged), expected["flagged"], "who is flagged at the end of the year");
    assert!(open.len() > 20, "the sample has a good number: {}", open.len());

    for (id, flag) in open {
        let explained = district.json(&["explain", flag["flag_id"].as_str().expect("an id"), "--verify"]);
        let (reason, expected) = (&explained["reasons"][0], &expected["students"][id]);
        for key in ["value", "dates"] {
            assert_eq!(reason[key], expected[key], "{key} of a flagged student");
        }
        assert_eq!(explained["days_left"], expected["days_left"]);
        assert_eq!(explained["verified"], true);
    }
}

/// Also those who are not flagged, one in five: value and days left.
#[test]
fn grand_bend_answers_agree_with_an_independent_reckoning() {
    let Some(samples) = samples("grand_bend_answers") else { return };
    let district = grand_bend(&samples);
    district.up();
    let expected = oracle(&samples);
    assert_eq!(expected["days"], 179);
    let students = expected["students"].as_object().expect("students");
    assert_eq!(students.len(), 227);
    for (id, expected) in students.iter().step_by(5) {
        let student = district.json(&["student", id]);
        let answer = &student["answers"][0];
        assert_eq!((&answer["value"], &answer["status"]), (&expected["value"], &"ok".into()));
        assert_eq!(answer["days_left"], expected["days_left"]);
    }
}

#[test]
fn grand_bends_blemishes_are_reported() {
    let Some(samples) = samples("grand_bend_blemishes") else { return };
    let district = grand_bend(&samples);
    let status = district.up();
    let run = last_run(&status, "attendance");
    assert_eq!((&run["rows"], &run["unmatched"], &run["hold"]), (&1917.into(), &0.into(), &Value::Null));
    let rejects = district.rejects();
    assert_eq!(rejects.len(), 1, "one reject names both rows: {rejects:?}");
    let told = rejects[0].to_string();
    assert!(told.contains("conflicting_rows"), "{told}");
    assert!(told.contains('4') && told.contains('5'), "rows 4 and 5: {told}");

    let day = |student: &str, date: &str| -> Vec<Value> {
        let events = district.events(&["--type", "attendance.daily", "--student", student]);
        let of_day = events.into_iter().filter(|event| event["data"]["date"] == date);
        of_day.map(|event| event["data"]["category"].clone()).collect()
    };
    assert_eq!(day("604822", "2021-12-15"), ["unknown"]);
    let sundays = district.events(&["--type", "attendance.daily"]);
    let sundays = sundays.iter().filter(|event| event["data"]["date"] == "2022-05-15").count();
    assert_eq!(sundays, 3, "kept");
    let warnings = run["warnings"].as_array().expect("warnings");
    let off_days: Vec<&Value> =
        warnings.iter().filter(|warning| warning["code"] == "non_instructional_day").collect();
    assert_eq!((off_days.len(), &off_days[0]["count"]), (1, &3.into()), "reported: {run}");
}

const SIS: &str = "  - {name: sis, roster_of_record: true, oneroster: {path: ./drop/sis}}\n";

fn with_roster(samples: &std::path::Path, name: &str) -> District {
    let mut district = District::with(|config| {
        config.roster = SIS.into();
        config.calendars = "[{schools: all, school_year: 2021, first: 2020-08-17, last: 2021-05-28}]".into();
    });
    district.now = "2021-01-15T23:00:00Z".into();
    let folder = fs::read_dir(samples.join("oneroster").join(name)).expect("the sample is there");
    for entry in folder.map(|entry| entry.expect("the sample can be read")) {
        let file = format!("sis/{}", entry.file_name().to_str().expect("UTF-8"));
        district.drop(&file, fs::read(entry.path()).expect("the sample can be read"));
    }
    district
}

/// A student is found by sourcedId and by each of its userIds; each of several enrolments counts once.
#[test]
fn a_oneroster_folder_is_read_and_found_by_every_id() {
    let Some(samples) = samples("oneroster") else { return };
    let mut district = with_roster(&samples, "lms-toolkit-1.1");
    let mut rows = vec!["604863,255901001,8/18/2020,A".to_owned(), "863,255901001,8/19/2020,A".to_owned()];
    rows.push("604874,255901001,9/11/2020,T".to_owned());
    district.drop("attendance.csv", crate::drops::csv(crate::drops::ATTENDANCE_HEADER, &rows));
    let status = district.up();
    assert!(last_run(&status, "sis")["add"].as_u64() > Some(8), "{status}");
    let run = last_run(&status, "attendance");
    assert_eq!((&run["add"], &run["unmatched"], &run["reject"]), (&3.into(), &0.into(), &0.into()), "{run}");
    // 2020-08-17 to 2020-09-11 are 20 weekdays.
    let student = district.json(&["student", "604863"]);
    assert_eq!(student["answers"][0]["value"], "2/20");
    assert!(student["ids"].to_string().contains("863"), "{student}");
    let flags = list(district.json(&["flags", "list"]));
    assert_eq!((flags.len(), &flags[0]["student_id"]), (1, &"604863".into()));
}

/// School Data Sync looks like OneRoster and is not.
#[test]
fn school_data_sync_is_refused_as_oneroster_and_told_why() {
    let Some(samples) = samples("microsoft-sds") else { return };
    let district = with_roster(&samples, "microsoft-sds-2.1");
    let status = district.up();
    assert_eq!(feed(&status, "sis")["last_run"]["add"].as_u64().unwrap_or(0), 0, "{status}");
    let next_step = feed(&status, "sis")["next_step"].as_str().expect("says what to do");
    assert!(next_step.contains("School Data Sync") && next_step.contains("OneRoster"), "{next_step}");
    let folder = district.path().join("drop/sis");
    let check = district.run(&["check", "--feed", "sis", "--sample", folder.to_str().expect("UTF-8")]);
    let told = check.exit(2).any_json();
    assert!(told["problems"].to_string().contains("School Data Sync"), "{told}");
}
