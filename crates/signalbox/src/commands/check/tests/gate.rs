//! `would_wait` is what the hub's gate says of a first file.

use signalbox_ingest::{Holder, Ingest, RunReport};

use super::*;
use crate::open;

const NOW: &str = "2026-10-20T06:00:00-05:00";

const FEEDS: &str = "\
district: {id: lakeview, timezone: America/Chicago}
calendars: [{schools: all, school_year: 2027, first: 2026-08-17, last: 2027-05-28, closed: [2026-09-07]}]
feeds:
  - name: enrollment
    csv: {path: e.csv, entity: roster.enrollment, covers: school_year, absent_rows: end,
          columns: {student: Student, school: School, entry: Entry, first_name: First, last_name: Last, birth_date: Born}}
  - name: attendance
    csv: {path: att.csv, entity: attendance.daily, rows: exceptions, covers: school_year, absent_rows: end,
          columns: {student: Student, school: School, date: Day, category: Code},
          codes: {category: {A: absent_unexcused, E: absent_excused}}}
  - name: grades
    csv: {path: grades.csv, entity: gradebook.course_grade, covers: school_year, absent_rows: end,
          columns: {student: Student, school: School, class: Class, term: Term, kind: Kind, grade: Grade},
          codes: {kind: {P: posted}}}
  - name: incidents
    csv: {path: incidents.csv, entity: behavior.incident, covers: school_year, absent_rows: end,
          columns: {incident: Incident, student: Student, school: School, date: Day, category: Level},
          codes: {category: {\"1\": minor, \"2\": major}}}
";

const ROSTER: &str = "Student,School,Entry,First,Last,Born\n";
const ATTENDANCE: &str = "Student,School,Day,Code\n";
const GRADES: &str = "Student,School,Class,Term,Kind,Grade\n";
const INCIDENTS: &str = "Incident,Student,School,Day,Level\n";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("signalbox.yaml", FEEDS);
    folder.write("e.csv", &format!("{ROSTER}{}", lines(40, enrolled)));
    folder
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|n| line(n) + "\n").collect()
}

fn enrolled(n: usize) -> String {
    format!("{},{},2026-08-17,Given{n},Family{n},2010-01-{:02}", 1000 + n, school(n), n % 28 + 1)
}

fn school(n: usize) -> u32 {
    if n.is_multiple_of(2) { 100 } else { 200 }
}

/// What the hub's first run makes of the files in the folder.
fn first_run(folder: &Folder, feed: &str) -> RunReport {
    let loaded = config::load(&folder.path("signalbox.yaml"), connectors::ALL).expect("it is sound");
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    runtime.block_on(async {
        let opened = open::open_copy(loaded).await.unwrap_or_else(|_| panic!("a scratch folder"));
        let mut ingest = Ingest::new(opened.hub.clone(), Holder::embedded(), None);
        let report = ingest.pass(NOW.parse().expect("a time")).await.expect("passes");
        drop(ingest);
        opened.close().await.unwrap_or_else(|_| panic!("nothing stays"));
        report.runs.into_iter().find(|run| run.feed == feed).expect("it was read")
    })
}

/// The messages of a code, and the text's last lines.
fn sample(folder: &Folder, feed: &str, file: &str, code: &str) -> (Vec<String>, String) {
    let (_, out) = folder.check_on(Some(NOW), Output::Json, Some((feed, file)));
    let value: Value = serde_json::from_str(&out).expect("one JSON object");
    let of_code = value["problems"].as_array().expect("a list").iter().filter(|one| one["code"] == code);
    let said = of_code.map(|one| one["message"].as_str().expect("text").to_owned()).collect();
    (said, folder.check_on(Some(NOW), Output::Text, Some((feed, file))).1)
}

/// The feed, its file, what is in it, and whether it waits.
fn cases() -> Vec<(&'static str, &'static str, String, bool)> {
    let day = |n: usize| format!("2026-09-{:02}", 8 + n % 4);
    let good = |n: usize| format!("{},{},{},A", 1000 + n, school(n), day(n));
    let with = |more: &str| format!("{ATTENDANCE}{}{more}", lines(36, good));
    let three = |n: usize| {
        let (id, school) = (1000 + n, school(n));
        format!("{id},{school},2026-10-01,A\n{id},{school},2026-10-01,A\n{id},{school},2026-10-01,E")
    };
    let grade = |n: usize, grade: &str| format!("{},{},ALG,Q1,P,{grade}", 1000 + n, school(n));
    let incident = |n: usize, school: u32| format!("I{n},{},{school},2026-09-08,1", 1000 + n);
    let unknown = |n: usize| format!("{},100,2026-09-08,A\n{0},100,2026-09-08,E", 8000 + n);
    vec![
        ("attendance", "att.csv", with(""), false),
        ("attendance", "att.csv", with(&lines(4, three)), true),
        ("attendance", "att.csv", with(&lines(3, three)), false),
        ("attendance", "att.csv", with(&lines(4, unknown)), false),
        ("attendance", "att.csv", with(&lines(5, unknown)), true),
        ("attendance", "att.csv", with(&lines(12, |_| "8000,100,2026-09-08,A".to_owned())), false),
        ("attendance", "att.csv", with(&lines(9, |n| format!("800{n},100,2026-09-08,Z"))), false),
        (
            "attendance",
            "att.csv",
            with(&lines(4, |n| format!("{},900,2026-09-08,A\n{0},900,2026-09-08,E", 1000 + n))),
            false,
        ),
        ("attendance", "att.csv", format!("{ATTENDANCE}1000,100,soon,Z\n1001,200,soon,Z\n"), true),
        ("attendance", "att.csv", ATTENDANCE.to_owned(), false),
        (
            "attendance",
            "att.csv",
            with(&lines(6, |n| {
                let of = format!("{},{},2026-10-01", 1000 + n, school(n));
                format!("{of},A\n{of},Z")
            })),
            true,
        ),
        (
            "grades",
            "grades.csv",
            format!(
                "{GRADES}{}{}",
                lines(30, |n| grade(n, "70")),
                lines(6, |n| format!("{}\n{}", grade(30 + n, "50"), grade(30 + n, "250")))
            ),
            true,
        ),
        (
            "incidents",
            "incidents.csv",
            format!(
                "{INCIDENTS}{}{}",
                lines(30, |n| incident(n, school(n))),
                lines(6, |n| format!("{}\n{}", incident(30 + n, 100), incident(30 + n, 200)))
            ),
            true,
        ),
        (
            "enrollment",
            "e.csv",
            format!(
                "{ROSTER}{}{}",
                lines(30, enrolled),
                lines(12, |n| {
                    let row = |given, born| format!("{},100,2026-08-17,{given},{given}son,{born}", 3000 + n);
                    format!("{}\n{}", row("Ana", "2010-05-05"), row("Ben", "2012-07-07"))
                })
            ),
            true,
        ),
        (
            "enrollment",
            "e.csv",
            format!(
                "{ROSTER}{}{}",
                lines(12, enrolled),
                lines(12, |n| enrolled(100 + n).replace("2026-08", "2027-08"))
            ),
            false,
        ),
    ]
}

#[test]
fn a_sample_would_wait_if_and_only_if_the_first_run_holds_it() {
    for (at, (feed, file, text, waits)) in cases().into_iter().enumerate() {
        let folder = folder();
        folder.write(file, &text);
        let (said, _) = sample(&folder, feed, file, "would_wait");
        assert!(!folder.path("var").exists(), "{at}: nothing is left behind");
        let run = first_run(&folder, feed);
        let held = run.hold.is_some_and(|hold| hold.reason == "unusable");
        assert_eq!(held, waits, "{at}: {feed} {:?}", run.counts);
        assert_eq!(said.len(), usize::from(held), "{at}: {feed} {said:?} {:?}", run.counts);
        let figures = format!("{} of {} rows", run.counts.reject + run.counts.unmatched, run.counts.rows);
        assert!(said.iter().all(|said| said.contains(&figures)), "{at}: {said:?} {figures}");
    }
}

#[test]
fn all_rows_of_a_key_that_disagree_are_counted() {
    let folder = folder();
    let rows = "1000,100,2026-09-08,A\n1000,100,2026-09-08,A\n1000,100,2026-09-08,E\n1001,200,2026-09-08,A\n";
    folder.write("att.csv", &format!("{ATTENDANCE}{rows}"));
    let (said, text) = sample(&folder, "attendance", "att.csv", "conflicting_rows");
    assert!(said.len() == 1 && said[0].contains("3 times, first at row 2"), "{said:?}");
    assert!(text.contains("att.csv: 1 of 4 rows can be used.\n"), "{text}");
}

#[test]
fn how_much_can_be_used_does_not_sound_as_if_it_were() {
    let folder = folder();
    let never = |n| format!("{},100,2026-09-08,A", 8000 + n);
    folder.write("att.csv", &format!("{ATTENDANCE}{}", lines(12, never)));
    let (_, text) = sample(&folder, "attendance", "att.csv", "would_wait");
    let summary = "12 of 12 rows can be used, 12 of them once their students are found. Until you approve the file, none is.";
    assert!(text.contains(summary), "{text}");
}

#[test]
fn a_roster_that_brings_nobody_lets_everything_wait() {
    let folder = folder();
    let rows = lines(12, |n| format!("{},{},2026-09-08,A", 1000 + n, school(n)));
    folder.write("att.csv", &format!("{ATTENDANCE}{rows}"));
    fs::remove_file(folder.path("e.csv")).expect("goes");
    assert_eq!(sample(&folder, "attendance", "att.csv", "would_wait").0.len(), 0, "nobody can be looked up");
    folder.write("e.csv", ROSTER);
    let (said, text) = sample(&folder, "attendance", "att.csv", "would_wait");
    assert!(said.len() == 1 && text.contains("see to the roster first"), "{text}");
    assert!(first_run(&folder, "attendance").hold.is_some(), "as was said");
    let (said, _) = sample(&folder, "enrollment", "e.csv", "names_nobody");
    assert_eq!(said, ["the file names nobody: it has no row"]);
}
