//! What is proposed for which files.

use serde_json::Value;

use super::*;
use crate::config::Loaded;

/// What `init` wrote and said of a folder with these files.
pub(super) struct Proposal {
    pub(super) yaml: String,
    pub(super) said: String,
    pub(super) json: Value,
    /// The YAML as a configuration; no proposal that stands in it is wrong.
    pub(super) loaded: Loaded,
}

pub(super) fn propose(files: &[(&str, &[u8])]) -> Proposal {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let drop = folder.path().join("drop");
    fs::create_dir(&drop).expect("made");
    for (name, bytes) in files {
        fs::write(drop.join(name), bytes).expect("written");
    }
    let config = folder.path().join("signalbox.yaml");
    let said = init(Some(&drop), &config).expect("written");
    let yaml = fs::read_to_string(&config).expect("readable");
    let loaded = config::load(&config, connectors::ALL).expect("no errors");
    let again = Global { config: folder.path().join("2.yaml"), output: Output::Json, now: None };
    let mut out = Vec::new();
    run(&mut out, &again, &Init { from: Some(drop) }).expect("written");
    Proposal { yaml, said, json: serde_json::from_slice(&out).expect("JSON"), loaded }
}

pub(super) fn one(name: &str, text: &str) -> Proposal {
    propose(&[(name, text.as_bytes())])
}

/// Takes the comment signs away from the lines behind the one that ends so, completes them, and reads all of it.
pub(super) fn completed(yaml: &str, above: &str, replace: &[(&str, &str)]) {
    let (before, after) = yaml.split_once(above).expect("it stands there");
    let lines = after.lines().skip(1).take_while(|line| line.trim_start().starts_with("# "));
    let lines: Vec<String> = lines.map(|line| line.replacen("# ", "", 1)).collect();
    let mut text = format!("{}{above}\n{}\n", before.replace("# feeds:", "feeds:"), lines.join("\n"));
    for (incomplete, complete) in replace {
        assert!(text.contains(incomplete), "{incomplete}: {text}");
        text = text.replace(incomplete, complete);
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let config = folder.path().join("signalbox.yaml");
    fs::write(&config, &text).expect("written");
    config::load(&config, connectors::ALL).unwrap_or_else(|_| panic!("no errors: {text}"));
}

pub(super) const GRADES: &str = "Student_Number,School_ID,Section_ID,Term,Grade_Type,Percent,Date_Posted\n\
                      1001,100,7.2,Q1,Final,59.5,2026-10-30\n1002,100,7.2,Q1,IP,71,2026-10-30\n";
pub(super) const INCIDENTS: &str = "Referral_Number,Student_Number,School_ID,Incident_Date,Level\n\
                         R1,1001,100,9/15/2026,OSS\nR2,1002,100,9/16/2026,Minor\nR3,1002,100,9/17/2026,Zap\n";

#[test]
fn every_entity_is_known_by_its_columns() {
    let cases = [
        ("a.csv", "Student_ID,School_ID,Entry_Date\n1,100,2026-08-17\n", "roster.enrollment"),
        (
            "b.csv",
            "SchoolID;STUDENTS.Student_Number;Att Date;Att Code\n100;1;2026-08-17;A\n",
            "attendance.daily",
        ),
        ("c.csv", GRADES, "gradebook.course_grade"),
        ("d.csv", INCIDENTS, "behavior.incident"),
        // Both attendance and incidents: what asks for more columns, and what the file is called.
        (
            "e.csv",
            "Incident_ID,Student_ID,School_ID,Date,Category\n1,1,100,2026-08-17,Major\n",
            "behavior.incident",
        ),
        ("att.csv", "Case_ID,Student_ID,School_ID,Date,Category\n1,1,100,2026-08-17,A\n", "attendance.daily"),
        // Attendance with the enrolment beside it.
        (
            "f.csv",
            "Student_ID,School_ID,Entry_Date,Grade,Date,Code\n1,100,2026-08-17,9,2026-08-18,A\n",
            "attendance.daily",
        ),
    ];
    for (name, text, entity) in cases {
        let proposal = one(name, text);
        assert!(proposal.yaml.contains(&format!("      entity: {entity}\n")), "{name}: {}", proposal.yaml);
        assert_eq!(proposal.loaded.config.feeds.len(), 1, "{name}");
        let entities = proposal.loaded.config.feeds[0].source.entities();
        assert!(entities.iter().any(|found| found.as_str() == entity), "{name}");
    }
}

/// A new entity is known by its columns' own names, without a word here.
#[test]
fn every_mapped_entity_is_known_by_the_names_of_its_columns() {
    for entity in Entity::mapped() {
        let names: Vec<String> = entity.columns().iter().map(|column| column.name.to_owned()).collect();
        let fit = fit::Fit::best(&names, "").expect("all is there");
        assert_eq!(fit.entity, entity);
        assert_eq!(fit.found().count(), names.len(), "{entity}");
    }
}

#[test]
fn tables_of_every_ending_delimiter_and_encoding_are_read() {
    let utf16 = |text: &str| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect()
    };
    let latin = |text: &str| text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect::<Vec<u8>>();
    let grades = GRADES.replace("7.2", "Español");
    for (name, bytes, said) in [
        ("grades.txt", grades.replace(',', "|").into_bytes(), &["delimiter: \"|\""][..]),
        ("grades.tsv", grades.replace(',', "\t").into_bytes(), &["delimiter: \"\\t\""]),
        ("grades.csv", latin(&grades.replace(',', ";")), &["delimiter: \";\"", "encoding: windows-1252"]),
        ("grades.TXT", utf16(&grades), &[]),
        ("grades.csv", format!("\u{feff}{grades}").into_bytes(), &[]),
    ] {
        let Proposal { yaml, loaded, .. } = propose(&[(name, &bytes)]);
        assert_eq!(loaded.config.feeds.len(), 1, "{yaml}");
        assert!(said.iter().all(|said| yaml.contains(said)), "{said:?}: {yaml}");
        let wordy = yaml.matches("encoding:").count() + yaml.matches("delimiter:").count();
        assert_eq!(wordy, said.len(), "nothing is said that is so by default: {yaml}");
    }
}

#[test]
fn a_column_that_is_missing_is_named_and_its_feed_is_a_skeleton() {
    let grades = GRADES.replace("Term", "Room");
    let Proposal { yaml, said, json, loaded } = one("grades.csv", &grades);
    let why = "grades.csv looks like gradebook.course_grade, but no column seems to hold the term";
    assert!(said.contains(why) && yaml.contains(why), "{said}{yaml}");
    assert!(
        yaml.contains("# Its columns: \"Student_Number\", \"School_ID\", \"Section_ID\", \"Room\""),
        "{yaml}"
    );
    assert!(!said.contains("1001") && !yaml.contains("1001"), "cells are nobody's business");
    assert!(loaded.config.feeds.is_empty());
    let incomplete = &json["incomplete"][0];
    assert_eq!((&incomplete["file"], &incomplete["missing"]), (&"grades.csv".into(), &json!(["term"])));
    assert_eq!(incomplete["entity"], "gradebook.course_grade");
    completed(&yaml, "take the comment signs away:", &[("term: \"???\"", "term: Room")]);
}

#[test]
fn two_columns_may_be_missing_where_the_rest_is_clear() {
    let text = "Student_Number,School_ID,Course_Number,Last_Name,Grade\n1001,100,ALG1,A,B+\n";
    let Proposal { said, .. } = one("marks.csv", text);
    let why =
        "marks.csv looks like gradebook.course_grade, but no column seems to hold the term and the kind";
    assert!(said.contains(why), "{said}");
    let text = "Student_Number,School_ID,Last_Name,First_Name,DOB\n1001,100,A,B,2010-02-03\n";
    let why = "students.csv looks like roster.enrollment, but no column seems to hold the entry";
    assert!(one("students.csv", text).said.contains(why));
}

/// A feed that names a column that stands twice is refused.
#[test]
fn a_column_that_stands_twice_is_none() {
    let text = "Student_ID,School_ID,Entry_Date,Entry_Date,Exit_Date,Grade\n1,100,2026-08-17,2026-08-18,,9\n";
    let said = one("enrollment.csv", text).said;
    assert!(said.contains("no column seems to hold the entry"), "{said}");
}

#[test]
fn dates_are_written_in_a_format_that_every_value_fits_or_not_at_all() {
    let file = |dates: [&str; 2]| {
        let [one, two] = dates;
        format!("Student_ID,School_ID,Att_Date,Att_Code\n1,100,\"{one}\",A\n2,100,\"{two}\",A\n")
    };
    for (dates, said) in [
        (["2026-09-15", "2026-09-16"], "date: Att_Date\n"),
        (["15/09/2026", "03/09/2026"], "format: \"%d/%m/%Y\"}\n"),
        (["9/3/2026", "9/4/2026"], "format: \"%m/%d/%Y\"}   # or \"%d/%m/%Y\": every date fits both\n"),
        (["9/15/26", "10/2/26"], "format: \"%m/%d/%y\"}\n"),
        (["2026-09-15 00:00:00.000", "2026-09-16 00:00:00"], "format: \"%Y-%m-%d %H:%M:%S%.f\"}\n"),
        (["2026-09-15T07:00:00Z", "2026-09-16T07:00:00-05:00"], "format: \"%Y-%m-%dT%H:%M:%S%z\"}\n"),
        (["9/15/2026 12:00:00 AM", "9/16/2026 12:00:00 AM"], "format: \"%m/%d/%Y %I:%M:%S %p\"}\n"),
        (["15-Sep-2026", "16-Sep-2026"], "format: \"%d-%b-%Y\"}\n"),
        (["Sep 15, 2026", "Oct 2, 2026"], "format: \"%b %d, %Y\"}\n"),
        (["", "NULL"], "date: Att_Date   # no date yet"),
    ] {
        let Proposal { yaml, loaded, .. } = one("att.csv", &file(dates));
        assert!(yaml.contains(said), "{said}: {yaml}");
        assert_eq!(loaded.config.feeds.len(), 1, "{dates:?}");
    }
    for dates in [["2026-09-15", "9/16/2026"], ["15/09/2026", "09/16/2026"], ["week 3", "week 4"]] {
        let Proposal { yaml, said, loaded, .. } = one("att.csv", &file(dates));
        let why = "att.csv looks like attendance.daily, but the dates in \"Att_Date\" are in no format";
        assert!(said.contains(why), "{said}");
        assert!(loaded.config.feeds.is_empty() && !yaml.contains(dates[1]), "{yaml}");
        completed(&yaml, "take the comment signs away:", &[("???", "%Y-%m-%d")]);
    }
}

/// A file is written by one tool: what its other dates fit is likelier.
#[test]
fn the_dates_of_a_file_speak_for_each_other() {
    let text = "Student_ID,School_ID,Entry_Date,DOB\n1,100,03/09/2026,22/03/2010\n";
    let yaml = one("enrollment.csv", text).yaml;
    assert!(yaml.contains("entry: {from: Entry_Date, format: \"%d/%m/%Y\"}\n"), "{yaml}");
}

/// Nobody would ever leave; of a date of birth that is left out, nobody is the worse.
#[test]
fn an_exit_that_is_not_understood_is_not_left_out() {
    let text = "Student_ID,School_ID,Entry_Date,Exit_Date\n1,100,2026-09-03,someday\n";
    assert!(one("enrollment.csv", text).loaded.config.feeds.is_empty());
    let Proposal { yaml, loaded, .. } = one("enrollment.csv", &text.replace("Exit_Date", "DOB"));
    assert_eq!(loaded.config.feeds.len(), 1);
    assert!(
        yaml.contains("# birth_date: {from: DOB, format: \"???\"}   # its dates are not under"),
        "{yaml}"
    );
}
