//! The connector as the runtime sees it.

mod drops;
mod samples;
mod sections;

use std::path::Path;

use signalbox_connector::jiff::tz::TimeZone;
use signalbox_connector::serde_json::{Value, json};
use signalbox_connector::testing::{self, SourceCase};
use signalbox_connector::{Entity, Item, ParseCx};

use crate::CONNECTOR;

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn attendance() -> Value {
    let config =
        std::fs::read(crate_folder().join("fixtures/config.json")).expect("the fixtures have a section");
    signalbox_connector::serde_json::from_slice(&config).expect("it is JSON")
}

fn enrollment() -> Value {
    json!({
        "path": "enrollment.csv", "entity": "roster.enrollment", "covers": "school_year", "absent_rows": "end",
        "columns": {"student": "id", "school": "school", "entry": "entry"},
    })
}

fn with(mut section: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    section.pointer_mut(parent).expect("the parent is there")[key] = value;
    section
}

#[test]
fn keeps_what_every_source_promises_for_attendance() {
    let quirks =
        std::fs::read(crate_folder().join("fixtures/attendance-quirks.in.csv")).expect("the fixture");
    let utf16 = std::fs::read(crate_folder().join("fixtures/utf16.in.csv")).expect("the fixture");
    let bad = [
        ("/rows", json!("some"), "some"),
        ("/covers", json!({"school_days": 0}), "0"),
        ("/covers", json!({"days": 5}), "days"),
        ("/absent_rows", json!("delete"), "delete"),
        ("/entity", json!("attendance.period"), "attendance.period"),
        ("/columns/date", json!({"from": "D", "format": "M/D/Y"}), "M/D/Y"),
        ("/columns/date", json!({"from": "D", "fromat": "%m/%d/%Y"}), "fromat"),
        ("/columns/date", Value::Null, "columns.date"),
        ("/columns/student", json!({"from": "S", "format": "%m/%d/%Y"}), "columns.student"),
        ("/columns/school", json!(" "), "blank"),
        ("/columns/entry", json!("E"), "columns.entry"),
        ("/columns/pupil", json!("E"), "pupil"),
        ("/codes/category/A", json!("absent"), "absent_unexcused"),
        ("/codes/category/A", json!("unknown"), "unknown"),
        ("/codes/category/ A", json!("tardy"), "twice"),
        ("/codes/category/ ", json!("tardy"), "the word blank"),
        ("/columns/category", json!({"from": []}), "empty"),
        ("/columns/category", json!({"from": ["A", " "]}), "blank"),
        ("/columns/student", json!({"from": ["A", "B"]}), "columns.student takes one column"),
        ("/columns/date", json!({"from": "D", "none": ["0/0/0"]}), "columns.date takes no words"),
        ("/columns/date", json!({"from": "D", "exclusive": true}), "columns.date takes no exclusive"),
        ("/columns/date", json!({"from": "D", "format": "%Y-%m-%dT%H:%M:%SZ"}), "write %z"),
        ("/absent_rows", json!("erase"), "erase is for enrolments"),
        ("/pad", json!({"student": 0}), "0"),
        ("/pad", json!({"date": 6}), "date"),
        ("/encoding", json!("utf-9"), "utf-9"),
        ("/delimiter", json!("::"), "delimiter"),
        ("/path", json!(""), "path"),
        ("/path", json!("a[.csv"), "path"),
    ];
    let bad = bad.map(|(pointer, value, words)| (with(attendance(), pointer, value), words)).to_vec();
    testing::check_source(
        &CONNECTOR,
        &SourceCase {
            good: attendance(),
            required: &["path", "entity", "rows", "covers", "absent_rows", "columns"],
            bad,
            payloads: &[&quirks, &utf16, b"", b"no,such,columns\n1,2,3\n"],
        },
    );
}

#[test]
fn keeps_what_every_source_promises_for_enrolment() {
    let bad = [
        ("/rows", json!("exceptions"), "rows"),
        ("/codes", json!({"category": {"A": "tardy"}}), "codes"),
        ("/columns/category", json!("C"), "columns.category"),
        ("/ids", json!({"student": " "}), "ids.student"),
        ("/ids", json!({"school": "x"}), "school"),
        ("/columns/exit", json!({"from": "exit", "none": [" "]}), "blank"),
        ("/columns/entry", json!({"from": "entry", "exclusive": true}), "columns.entry"),
        ("/columns/entry", json!({"from": "entry", "none": ["0/0/0"]}), "columns.entry"),
    ];
    let bad = bad.map(|(pointer, value, words)| (with(enrollment(), pointer, value), words)).to_vec();
    testing::check_source(
        &CONNECTOR,
        &SourceCase {
            good: enrollment(),
            required: &["path", "entity", "covers", "absent_rows", "columns"],
            bad,
            payloads: &[b"id,school,entry\n1,100,2021-08-23\n2,100,2021-08-24\n"],
        },
    );
}

#[test]
fn fixtures_give_what_is_expected() {
    assert!(testing::golden(&CONNECTOR, &crate_folder().join("fixtures")) > 0);
}

/// A quote too many in the header makes names of rows: no message repeats them.
#[test]
fn a_quote_in_the_header_tells_of_no_student() {
    let source = testing::parse(&CONNECTOR, &enrollment()).expect("the section is right");
    for file in
        ["id,school,\"entry\nZebedee,100,2021-08-23\n", "id,school,\"entry\nZebedee,100,\"\nZebedee,2,3\n"]
    {
        let refusal = testing::read(source.as_ref(), file.as_bytes()).outcome.expect_err("it has no entry");
        assert!(!format!("{refusal:?}").contains("Zebedee"), "{refusal:?}");
    }
    let refusal =
        testing::read(source.as_ref(), b"id,school,\"en\ntry\"\n1,2,3\n").outcome.expect_err("no entry");
    assert!(refusal.message.ends_with("there are \"id\", \"school\""), "{}", refusal.message);
}

/// A file that says when attendance was taken, in UTC.
#[test]
fn a_moment_is_a_day_of_the_district() {
    let format = json!({"from": "Att_Date", "format": "%Y-%m-%dT%H:%M:%S%z"});
    let section = with(attendance(), "/columns/date", format);
    let read = |zone: &str| {
        let zone = TimeZone::get(zone).expect("the zone is known");
        let cx = ParseCx { base: Path::new("."), zone: &zone };
        let source = testing::parse_in(&CONNECTOR, &section, &cx).expect("the section is right");
        let file = b"Student_Number,School_ID,Att_Date,Att_Code\n1001,100,2021-09-01T02:00:00Z,A\n";
        let reading = testing::read(source.as_ref(), file);
        let [Item::Draft(draft)] = reading.items.as_slice() else { panic!("{reading:?}") };
        (draft.body.date().expect("a day").to_string(), source.mapping())
    };
    let (chicago, utc) = (read("America/Chicago"), read("UTC"));
    assert_eq!((chicago.0.as_str(), utc.0.as_str()), ("2021-08-31", "2021-09-01"));
    assert_ne!(chicago.1, utc.1, "another zone reads the file otherwise");
}

#[test]
fn the_zone_is_no_part_of_a_mapping_without_moments() {
    let mapping = |zone: &TimeZone| {
        let cx = ParseCx { base: Path::new("."), zone };
        testing::parse_in(&CONNECTOR, &attendance(), &cx).expect("the section is right").mapping()
    };
    let chicago = TimeZone::get("America/Chicago").expect("the zone is known");
    assert_eq!(mapping(&chicago), mapping(&TimeZone::UTC));
}

#[test]
fn only_the_configured_entity_is_counted() {
    let source = testing::parse(&CONNECTOR, &enrollment()).expect("the section is right");
    assert_eq!(source.entities(), [Entity::Enrollment]);
    let reading = testing::read(source.as_ref(), b"id,school,entry\n1,100,2021-08-23\n");
    let entities = reading.items.iter().map(|item| match item {
        Item::Draft(draft) => draft.body.entity(),
        Item::Reject(reject) => panic!("{reject:?}"),
    });
    assert_eq!(entities.collect::<Vec<_>>(), [Entity::School, Entity::Student, Entity::Enrollment]);
    let extents = reading.outcome.expect("the file is readable").extents;
    assert_eq!(extents.iter().map(|extent| extent.entity).collect::<Vec<_>>(), [Entity::Enrollment]);
}

#[test]
fn the_mapping_changes_with_what_it_says_and_not_with_the_path() {
    let mapping = |section: Value| testing::parse(&CONNECTOR, &section).expect("it is right").mapping();
    let first = mapping(attendance());
    assert_eq!(first, mapping(with(attendance(), "/path", json!("elsewhere.csv"))));
    assert_eq!(first, mapping(with(attendance(), "/delimiter", json!(","))));
    for (pointer, value) in [
        ("/codes/category/X", json!("tardy")),
        ("/columns/category", json!("Other")),
        ("/columns/date", json!("Att_Date")),
        ("/rows", json!("every_day")),
        ("/covers", json!({"school_days": 5})),
        ("/absent_rows", json!("keep")),
        ("/covered_through", json!("run_day")),
        ("/covered_through", json!("day_before_run")),
        ("/codes/category/blank", json!("present")),
        ("/columns/category", json!({"from": ["Att_Code", "Other"]})),
        ("/pad", json!({"student": 6})),
        ("/pad", json!({"school": 6})),
        ("/encoding", json!("windows-1252")),
        ("/ids", json!({"student": "identifier"})),
    ] {
        assert_ne!(first, mapping(with(attendance(), pointer, value)), "{pointer}");
    }
    let first = mapping(enrollment());
    for (pointer, value) in [
        ("/absent_rows", json!("erase")),
        ("/columns/exit", json!("exit")),
        ("/columns/entry", json!({"from": "entry", "format": "%m/%d/%Y"})),
    ] {
        assert_ne!(first, mapping(with(enrollment(), pointer, value)), "{pointer}");
    }
    let exit = |exit: Value| mapping(with(enrollment(), "/columns/exit", exit));
    let plain = exit(json!({"from": "exit"}));
    assert_eq!(plain, exit(json!("exit")));
    assert_ne!(plain, exit(json!({"from": "exit", "exclusive": true})));
    assert_ne!(plain, exit(json!({"from": "exit", "none": ["0"]})));
}
