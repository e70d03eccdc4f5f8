use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

const CONFIG: &str = "\
district: {id: lakeview, timezone: America/Chicago}
calendars: [{schools: all, school_year: 2027, first: 2026-08-17, last: 2027-05-28, closed: [2026-09-07]}]
feeds:
  - name: enrollment
    csv: {path: e.csv, entity: roster.enrollment, covers: school_year, absent_rows: end,
          columns: {student: Student, school: School, entry: Entry}}
  - name: attendance
    csv:
      path: att*.csv
      entity: attendance.daily
      rows: exceptions
      covers: school_year
      absent_rows: end
      columns: {student: Student, school: School, date: {from: Day, format: \"%m/%d/%Y\"}, category: Code}
      codes:
        category: {A: absent_unexcused, E: absent_excused}
";

mod gate;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a scratch folder"));
        folder.write("signalbox.yaml", CONFIG);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn check(&self, output: Output, sample: Option<(&str, &str)>) -> (Done, String) {
        self.check_on(None, output, sample)
    }

    fn check_on(&self, now: Option<&str>, output: Output, sample: Option<(&str, &str)>) -> (Done, String) {
        let now = now.map(|now| now.parse().expect("a time"));
        let global = Global { config: self.path("signalbox.yaml"), output, now };
        let args = Check {
            feed: sample.map(|(feed, _)| feed.to_owned()),
            sample: sample.map(|(_, file)| self.path(file)),
        };
        let mut out = Vec::new();
        let done = run(&mut out, &global, &args).expect("runs");
        (done, String::from_utf8(out).expect("text"))
    }

    fn problems(&self, sample: Option<(&str, &str)>) -> (Done, Value) {
        let (done, out) = self.check(Output::Json, sample);
        let value: Value = serde_json::from_str(&out).expect("one JSON object");
        assert_eq!(value["ok"], Value::Bool(done == Done::Ok));
        (done, value["problems"].clone())
    }
}

fn names(path: &Value, file: &str) -> bool {
    path.as_str().is_some_and(|path| Path::new(path).ends_with(file))
}

#[test]
fn a_sound_configuration_has_no_problems() {
    let folder = Folder::new();
    let (done, problems) = folder.problems(None);
    let codes: Vec<&str> =
        problems.as_array().expect("a list").iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!((done, codes), (Done::Ok, vec!["nothing_there", "nothing_there"]));
    folder.write("e.csv", "Student,School,Entry\n1001,100,2026-08-17\n");
    folder.write("att.csv", "Student,School,Day,Code\n1001,100,09/16/2026,A\n");
    assert_eq!(folder.problems(None), (Done::Ok, Value::Array(Vec::new())));
}

/// `check` without a sample looks at what lies there, and blames the mapping alone: the file may be an old one.
#[test]
fn the_newest_file_shows_what_the_mapping_misses() {
    let folder = Folder::new();
    folder.write("e.csv", "Student,Entry\n1001,2026-08-17\n");
    folder.write("att_old.csv", "Student,School,Day,Code\n1001,100,09/16/2026,OLD\n");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(24);
    let old = fs::File::options().write(true).open(folder.path("att_old.csv")).expect("opens");
    old.set_modified(long_ago).expect("a time");
    let rows = "1001,100,09/16/2026,TRU\n1001,100,09/17/2026,TRU\n1001,100,16.9.2026,A\n";
    folder.write("att.csv", &format!("Student,School,Day,Code\n{rows}"));
    let (done, problems) = folder.problems(None);
    assert_eq!(done, Done::Ok, "{problems:#}");
    let found: Vec<_> = problems.as_array().expect("a list").iter().collect();
    let codes: Vec<_> = found.iter().map(|one| (one["severity"].as_str(), one["code"].as_str())).collect();
    let warning = |code| (Some("warning"), Some(code));
    let expected = [warning("missing_column"), warning("unmapped_code"), warning("unusable_rows")];
    assert_eq!(codes, expected, "{problems:#}");
    assert!(names(&found[0]["path"], "e.csv") && names(&found[2]["path"], "att.csv"), "{problems:#}");
    assert_eq!(found[1]["line"], 16, "{problems:#}");
    let said = found[1]["message"].as_str().expect("text");
    assert!(said.contains("\"TRU\"") && said.contains("2 times"), "{said}");
    assert!(!problems.to_string().contains("OLD"), "{problems:#}");
    assert!(found[2]["help"].as_str().is_some_and(|help| help.contains("--sample")), "{problems:#}");
}

#[test]
fn an_unmapped_code_points_to_the_mapping() {
    let folder = Folder::new();
    let rows = "Student,School,Day,Code\n1,100,9/1/2026,A\n2,200,9/1/2026,VIR\n3,100,9/1/2026,E\n4,200,9/2/2026,VIR\n";
    // What a roster has is a school; another cell is not shown.
    folder.write(
        "e.csv",
        "Student,School,Entry\n1,100,2026-08-17\n2,200,2026-08-17\n3,100,2026-08-17\n4,200,2026-08-17\n",
    );
    folder.write("att.csv", rows);
    let (done, problems) = folder.problems(Some(("attendance", "att.csv")));
    assert_eq!(done, Done::Invalid);
    let [problem] = problems.as_array().expect("a list").as_slice() else { panic!("{problems:#}") };
    assert!(names(&problem["path"], "signalbox.yaml"));
    assert_eq!((&problem["line"], &problem["column"]), (&16.into(), &19.into()));
    assert_eq!((&problem["severity"], &problem["code"]), (&"error".into(), &"unmapped_code".into()));
    let message = problem["message"].as_str().expect("text");
    assert!(message.contains("\"VIR\" has no meaning yet"), "{message}");
    assert!(
        message.contains("In att.csv 2 times, first at row 3 column Code, only at school 200."),
        "{message}"
    );
    assert!(problem["help"].as_str().expect("text").contains("VIR: present | present_remote"));
}

#[test]
fn other_faults_point_into_the_sample_by_cause() {
    let folder = Folder::new();
    let rows = "Student,School,Day,Code\n1,100,99/99/9999,A\n2,100,99/99/9998,A\n,100,9/1/2026,A\n";
    folder.write("att.csv", rows);
    let (done, problems) = folder.problems(Some(("attendance", "att.csv")));
    assert_eq!(done, Done::Invalid);
    let [waits, dates, blank] = problems.as_array().expect("a list").as_slice() else {
        panic!("{problems:#}")
    };
    assert_eq!((&waits["code"], &waits["severity"]), (&"would_wait".into(), &"warning".into()));
    assert!(names(&dates["path"], "att.csv"));
    assert_eq!(
        (&dates["line"], &dates["column"], &dates["code"]),
        (&2.into(), &3.into(), &"invalid_date".into())
    );
    let message = dates["message"].as_str().expect("text");
    assert!(message.contains("2 times"), "{dates:#}");
    let shape = "format, of the shape \"99/99/9999\" (9 is any digit, A any letter). In att.csv";
    assert!(message.contains(shape), "a shape is no value: {message}");
    assert!(blank["message"].as_str().expect("text").contains("a required value is blank. In"), "{blank:#}");
    assert_eq!(
        (&blank["line"], &blank["column"], &blank["code"]),
        (&4.into(), &1.into(), &"missing_value".into())
    );
}

#[test]
fn rows_of_one_key_that_disagree_are_found_in_the_sample() {
    let folder = Folder::new();
    let rows = "Student,School,Day,Code\n1,100,09/01/2026,A\n2,100,09/01/2026,A\n1,100,09/01/2026,E\n2,100,09/01/2026,A\n";
    folder.write("att.csv", rows);
    let (_, problems) = folder.problems(Some(("attendance", "att.csv")));
    let conflict = problems.as_array().expect("a list").iter().find(|one| one["code"] == "conflicting_rows");
    let conflict = conflict.unwrap_or_else(|| panic!("{problems:#}"));
    assert_eq!(conflict["line"], 2);
    assert!(conflict["message"].as_str().expect("text").contains("2 times"), "{conflict:#}");
    let (_, text) = folder.check(Output::Text, Some(("attendance", "att.csv")));
    assert!(text.contains("2 of 4 rows can be used"), "{text}");
}

#[test]
fn values_that_are_left_out_are_a_warning() {
    let folder = Folder::new();
    folder.write("signalbox.yaml", &CONFIG.replace("entry: Entry}", "entry: Entry, birth_date: Born}"));
    folder.write(
        "e.csv",
        "student,school,ENTRY,born\n1,100,2026-08-17,0/0/0\n2,100,2026-08-17,1/0/0\n3,100,2026-08-17,2015-09-13\n",
    );
    let (done, problems) = folder.problems(Some(("enrollment", "e.csv")));
    assert_eq!(done, Done::Ok, "a warning is no error");
    let [born] = problems.as_array().expect("a list").as_slice() else { panic!("{problems:#}") };
    assert_eq!(
        (&born["line"], &born["column"], &born["severity"]),
        (&2.into(), &4.into(), &"warning".into())
    );
    let message = born["message"].as_str().expect("text");
    assert!(message.contains("2 times") && message.ends_with("the row is used."), "{message}");
    let (_, text) = folder.check(Output::Text, Some(("enrollment", "e.csv")));
    assert!(text.contains("3 of 3 rows can be used"), "{text}");
}

#[test]
fn a_blank_code_and_a_school_that_cannot_be_used_are_faults_of_the_sample() {
    let folder = Folder::new();
    folder.write("att.csv", "Student,School,Day,Code\n1,100,9/1/2026,\n2,,9/1/2026,A\n3,100,9/1/2026,A\n");
    let (done, problems) = folder.problems(Some(("attendance", "att.csv")));
    assert_eq!(done, Done::Invalid);
    let columns: Vec<_> = problems.as_array().expect("a list").iter().map(|one| &one["column"]).collect();
    assert_eq!(columns, [4, 2]);
}

#[test]
fn rows_on_days_without_school_are_a_warning() {
    let folder = Folder::new();
    folder
        .write("att.csv", "Student,School,Day,Code\n1,100,9/1/2026,A\n1,100,9/7/2026,A\n1,100,9/6/2026,A\n");
    let (done, problems) = folder.problems(Some(("attendance", "att.csv")));
    assert_eq!(done, Done::Ok, "a warning is no error");
    let [days] = problems.as_array().expect("a list").as_slice() else { panic!("{problems:#}") };
    assert_eq!(
        (&days["line"], &days["column"], &days["severity"]),
        (&3.into(), &3.into(), &"warning".into())
    );
    assert!(days["message"].as_str().expect("text").starts_with("2 rows"), "{days:#}");
}

#[test]
fn the_text_says_where_and_what_to_do_but_no_row() {
    let folder = Folder::new();
    folder.write("att.csv", "Student,School,Day,Code\nPeter,100,9/1/2026,VIR\nPaul,100,soon,A\n");
    let (_, text) = folder.check(Output::Text, Some(("attendance", "att.csv")));
    for part in [
        "signalbox.yaml:16:19  error: attendance code \"VIR\" has no meaning yet\n",
        "   16 |         category: {A: absent_unexcused, E: absent_excused}\n",
        "   In att.csv once, first at row 2 column Code.\n",
        "   Mend: add one of  VIR: present | ",
        "att.csv:3:3  error: Day: ",
        "att.csv: 0 of 2 rows can be used, if their students are found: no roster was read, and none lies where its feed looks.\n",
        "att.csv  warning: the file would wait for you: 2 of 2 rows cannot be used, ",
        "2 errors, 1 warning. Nothing was read in, nobody was alerted.\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("Peter") && !text.contains("Paul") && !text.contains("soon"), "{text}");
}

#[test]
fn a_sample_that_cannot_be_tried_is_an_error() {
    let folder = Folder::new();
    let (done, problems) = folder.problems(Some(("attendance", "nothing.csv")));
    assert_eq!((done, &problems[0]["code"]), (Done::Invalid, &"unreadable_file".into()));
    folder.write("att.csv", "Student,School,When,Code\n1,100,9/1/2026,A\n");
    let (done, problems) = folder.problems(Some(("attendance", "att.csv")));
    assert_eq!((done, &problems[0]["code"]), (Done::Invalid, &"missing_column".into()));
    let (done, problems) = folder.problems(Some(("atendance", "att.csv")));
    assert_eq!((done, &problems[0]["code"]), (Done::Invalid, &"unknown_feed".into()));
    assert!(problems[0]["help"].as_str().expect("text").contains("did you mean \"attendance\""));
}

#[test]
fn a_folder_is_tried_as_its_source_packs_it() {
    let lakeview = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/lakeview");
    let global = Global { config: lakeview.join("signalbox.yaml"), output: Output::Text, now: None };
    let check = |feed: &str, sample: &str| {
        let args = Check { feed: Some(feed.to_owned()), sample: Some(lakeview.join(sample)) };
        let mut out = Vec::new();
        let done = run(&mut out, &global, &args).expect("runs");
        (done, String::from_utf8(out).expect("text"))
    };
    let (done, text) = check("sis", "drop/sis");
    assert_eq!(done, Done::Ok, "{text}");
    assert!(text.contains("sis: 122 of 122 rows can be used"), "{text}");
    let (done, text) = check("attendance", "later/attendance_1019.csv");
    assert_eq!(done, Done::Ok, "{text}");
    let (done, text) = check("attendance", "drop/sis");
    assert_eq!(done, Done::Invalid, "{text}");
}

/// What plan would say of the same rows.
#[test]
fn rows_that_count_nowhere_are_told_apart() {
    let folder = Folder::new();
    let rows = "Student,School,Day,Code\n1,100,8/22/2026,A\n1,100,8/23/2025,A\n1,100,5/20/2027,A\n1,100,9/15/2026,A\n";
    folder.write("att.csv", rows);
    let codes = |sample| -> Vec<String> {
        let (_, out) = folder.check_on(Some("2026-09-16T06:00:00-05:00"), Output::Json, Some(sample));
        let value: Value = serde_json::from_str(&out).expect("one JSON object");
        let problems = value["problems"].as_array().expect("a list");
        problems.iter().map(|problem| problem["code"].as_str().expect("a code").to_owned()).collect()
    };
    assert_eq!(codes(("attendance", "att.csv")), ["not_a_school_day", "no_calendar", "ahead"]);

    folder.write("e.csv", "Student,School,Entry\n1,100,2026-08-17\n2,100,2061-08-17\n");
    assert_eq!(codes(("enrollment", "e.csv")), ["outside_years"]);
}

/// The roster that lies there is who is known, before the hub has ever started.
#[test]
fn students_and_schools_are_looked_up_in_the_roster() {
    let folder = Folder::new();
    let rows = "Student,School,Day,Code\n1001,100,09/01/2026,A\n01002,100,09/01/2026,A\n77001,100,09/01/2026,A\n78001,100,09/02/2026,A\n1001,900,09/02/2026,A\n";
    folder.write("att.csv", rows);
    let (_, text) = folder.check(Output::Text, Some(("attendance", "att.csv")));
    assert!(
        text.contains("5 of 5 rows can be used, if their students are found: no roster was read"),
        "{text}"
    );

    folder.write("e.csv", "Student,School,Entry\n1001,100,2026-08-17\n1002,100,2026-08-17\n");
    let (done, problems) = folder.problems(Some(("attendance", "att.csv")));
    assert_eq!(done, Done::Invalid, "a school that nobody names is a reject");
    let found: Vec<_> = problems.as_array().expect("a list").iter().collect();
    let shown: Vec<_> = found.iter().map(|one| (one["code"].as_str(), one["line"].as_u64())).collect();
    let expected = [
        (Some("leading_zeros"), Some(3)),
        (Some("unknown_student"), Some(4)),
        (Some("unknown_school"), Some(6)),
    ];
    assert_eq!(shown, expected, "{problems:#}");
    assert!(found[1]["message"].as_str().expect("text").starts_with("2 rows name a student"), "{problems:#}");
    assert_eq!((&found[1]["column"], &found[1]["severity"]), (&1.into(), &"warning".into()));
    let (_, text) = folder.check(Output::Text, Some(("attendance", "att.csv")));
    assert!(text.contains("4 of 5 rows can be used, 3 of them once their students are found."), "{text}");
    for secret in ["01002", "77001", "78001", "900"] {
        assert!(!text.contains(secret), "{text}");
    }

    folder.write("e.csv", "Student,School,Entry\n1001,0310,2026-08-17\n");
    folder.write("att.csv", "Student,School,Day,Code\n1001,310,09/01/2026,A\n1001,0310,09/02/2026,A\n");
    let (_, problems) = folder.problems(Some(("attendance", "att.csv")));
    let help = problems[0]["help"].as_str().expect("text");
    assert!(help.starts_with("did you mean \"0310\"?") && help.contains("leading zeros"), "{problems:#}");
    folder.write("e.csv", "Student,School,Entry\n1001,100,2026-08-17\n1002,100,2026-08-17\n");
    folder.write("att.csv", rows);

    let erases = CONFIG.replacen("absent_rows: end", "absent_rows: erase", 1);
    folder.write("signalbox.yaml", &erases);
    let (_, text) = folder.check(Output::Text, Some(("attendance", "att.csv")));
    assert!(
        text.contains("4 of 5 rows can be used, 3 of them once"),
        "a whole roster, however it ends: {text}"
    );
    folder.write("signalbox.yaml", &CONFIG.replacen("absent_rows: end", "absent_rows: keep", 1));
    let (_, text) = folder.check(Output::Text, Some(("attendance", "att.csv")));
    assert!(
        text.contains("5 of 5 rows can be used, if their students are found: the roster that lies there"),
        "{text}"
    );
}
