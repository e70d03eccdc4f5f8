//! Sections as they stand in YAML.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use signalbox_connector::jiff::tz::TimeZone;
use signalbox_connector::{ParseCx, Source, erased_serde};

use super::crate_folder;
use crate::CONNECTOR;
use crate::config::{Feed, Table};

fn feed(yaml: &str) -> Result<Feed, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
}

fn codes(yaml: &str) -> Vec<String> {
    let section = format!(
        "{{path: a.csv, entity: attendance.daily, rows: exceptions, covers: {{school_days: 10}}, absent_rows: keep, \
         columns: {{student: S, school: 'No', date: D, category: C}}, codes: {{category: {yaml}}}}}"
    );
    match feed(&section).expect("the section is right").table {
        Table::Attendance(table) => table.codes.into_iter().map(|(code, _)| code).collect(),
        Table::Enrollment(_) => panic!("it is an attendance feed"),
    }
}

#[test]
fn codes_that_look_like_numbers_or_booleans_are_text() {
    assert_eq!(
        codes("{1: present, 01: tardy, N: absent_excused, Y: present, true: tardy, 1.0: tardy}"),
        ["01", "1", "1.0", "N", "Y", "true"]
    );
}

#[test]
fn errors_say_where() {
    let error = feed("path: a.csv\nentity: attendance.daily\ncolumns:\n  student: S\n  pupil: P\n")
        .expect_err("pupil");
    assert!(error.contains("pupil") && error.contains('5'), "{error}");
    let error =
        feed("path: a.csv\nentity: attendance.daily\nrows: exceptions\nabsent_rows: end\ncolumns: {}\n");
    let error = error.expect_err("covers is missing");
    assert!(error.contains("covers is missing and has no default"), "{error}");
}

#[derive(Deserialize)]
struct Example {
    feeds: Vec<BTreeMap<String, signalbox_connector::serde_json::Value>>,
}

#[test]
fn the_example_in_the_readme_is_right() {
    let readme = std::fs::read_to_string(crate_folder().join("README.md")).expect("there is a README");
    let yaml = readme
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("it has an example");
    let example: Example = serde_saphyr::from_str(yaml).expect("the example is YAML");
    let parse = CONNECTOR.source.expect("csv is a source");
    let sources = example.feeds.iter().map(|feed| {
        let mut section = <dyn erased_serde::Deserializer<'_>>::erase(&feed["csv"]);
        parse(&mut section, &ParseCx { base: Path::new("."), zone: &TimeZone::UTC })
            .expect("the section is right")
    });
    let types: Vec<_> =
        sources.map(|source: Box<dyn Source>| source.student_id_type().map(str::to_owned)).collect();
    assert_eq!(types, [None, Some("identifier".to_owned())]);
}

#[test]
fn the_schema_requires_what_has_no_default() {
    let schema = (CONNECTOR.config_schema)().to_value();
    for key in ["path", "entity", "covers", "absent_rows", "columns"] {
        let required = schema["required"].as_array().expect("something is required");
        assert!(required.iter().any(|there| there == key), "{key} in {required:?}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
