//! Sections as they stand in YAML.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use signalbox_connector::jiff::tz::TimeZone;
use signalbox_connector::{Entity, ParseCx, Source, erased_serde};

use super::crate_folder;
use crate::CONNECTOR;
use crate::config::Feed;

fn feed(yaml: &str) -> Result<Feed, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
}

fn codes(yaml: &str) -> Vec<String> {
    let section = format!(
        "{{path: a.csv, entity: attendance.daily, rows: exceptions, covers: {{school_days: 10}}, absent_rows: keep, \
         columns: {{student: S, school: 'No', date: D, category: C}}, codes: {{category: {yaml}}}}}"
    );
    let table = feed(&section).expect("the section is right").table;
    let (_, category) = table.find("category").expect("it is mapped");
    category.meanings.codes.iter().map(|(code, _)| code.clone()).collect()
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

const GRADES: &str = "path: g.csv, entity: gradebook.course_grade, columns: {student: S, school: C, class: K, term: T, kind: F}";
const INCIDENTS: &str = "path: i.csv, entity: behavior.incident, columns: {incident: I, student: S, school: C, date: D, category: K}";
const ENROLLMENT: &str = "path: e.csv, entity: roster.enrollment, columns: {student: S, school: C, entry: E}";
const ATTENDANCE: &str = "path: a.csv, entity: attendance.daily, rows: exceptions, \
                          columns: {student: S, school: C, date: D, category: K}";

/// The messages begin with the key that they speak of: so the place is found.
#[test]
fn a_section_says_only_what_its_entity_has_a_place_for() {
    for (base, rest, says) in [
        (
            GRADES,
            "covers: {school_days: 5}, absent_rows: end",
            "covers takes no {school_days: N} in a gradebook.course_grade feed",
        ),
        (
            GRADES,
            "covers: own_rows, absent_rows: keep",
            "covers takes no own_rows in a gradebook.course_grade feed",
        ),
        (
            ATTENDANCE,
            "covers: own_rows, absent_rows: keep",
            "(behavior.incident); write school_year or {school_days: N}",
        ),
        (
            ENROLLMENT,
            "covers: own_rows, absent_rows: keep",
            "covers takes no own_rows in a roster.enrollment feed",
        ),
        (INCIDENTS, "covers: own_rows, absent_rows: end", "absent_rows is keep where covers is own_rows"),
        (INCIDENTS, "covers: own_rows, absent_rows: erase", "absent_rows is keep where covers is own_rows"),
        (INCIDENTS, "covers: school_year, absent_rows: erase", "erase is for enrolments"),
        (
            INCIDENTS,
            "covers: school_year, absent_rows: end, rows: exceptions",
            "rows has no place in a behavior.incident feed",
        ),
        (
            GRADES,
            "covers: school_year, absent_rows: end, covered_through: run_day",
            "covered_through has no place in a gradebook.course_grade feed",
        ),
        (
            ENROLLMENT,
            "covers: school_year, absent_rows: end, covered_through: run_day",
            "covered_through has no place",
        ),
        (
            ENROLLMENT,
            "covers: school_year, absent_rows: end, codes: {category: {A: tardy}}",
            "codes.category has no place in a roster.enrollment feed",
        ),
        (
            GRADES,
            "covers: school_year, absent_rows: end, codes: {category: {A: major}}",
            "codes.category has no place in a gradebook.course_grade feed",
        ),
        (GRADES, "covers: school_year, absent_rows: end, codes: {student: {A: posted}}", "student"),
        (
            GRADES,
            "covers: school_year, absent_rows: end, codes: {kind: {F: final}}",
            "codes.kind.F is wrong: \"final\" is no word for kind; one of in_progress, posted",
        ),
        (
            INCIDENTS,
            "covers: own_rows, absent_rows: keep, codes: {category: {A: tardy}}",
            "\"tardy\" is no word for category; one of minor, major",
        ),
        (
            INCIDENTS,
            "covers: own_rows, absent_rows: keep, codes: {category: {' ': major}}",
            "codes.category maps an empty code",
        ),
        (
            INCIDENTS,
            "covers: own_rows, absent_rows: keep, codes: {category: {A: major, ' A': minor}}",
            "codes.category maps \"A\" twice",
        ),
    ] {
        let error = feed(&format!("{{{base}, {rest}}}")).expect_err(says);
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn every_entity_takes_what_it_has_a_place_for() {
    for (base, rest) in [
        (GRADES, "covers: school_year, absent_rows: end"),
        (INCIDENTS, "covers: own_rows, absent_rows: keep"),
        (INCIDENTS, "covers: {school_days: 5}, absent_rows: end"),
        (ENROLLMENT, "covers: {school_days: 5}, absent_rows: erase"),
        (ATTENDANCE, "covers: {school_days: 5}, absent_rows: end, covered_through: run_day"),
    ] {
        feed(&format!("{{{base}, {rest}}}")).expect(base);
    }
}

/// Without codes a file may be written in the hub's words; of attendance each code has to be mapped.
#[test]
fn words_mean_themselves_where_no_code_is_mapped() {
    let meanings = |base: &str, name: &str, codes: &str| {
        let section = format!("{{{base}, covers: school_year, absent_rows: keep, codes: {codes}}}");
        let table = feed(&section).expect("the section is right").table;
        let (_, column) = table.find(name).expect("it is mapped");
        (column.meanings.codes.clone(), column.meanings.blank)
    };
    let own = |word: &str, at| (word.to_owned(), at);
    assert_eq!(meanings(GRADES, "kind", "{}"), (vec![own("in_progress", 0), own("posted", 1)], None));
    assert_eq!(meanings(GRADES, "kind", "{kind: {}}"), meanings(GRADES, "kind", "{}"));
    assert_eq!(meanings(GRADES, "kind", "{kind: {P: posted}}"), (vec![own("P", 1)], None));
    assert_eq!(meanings(GRADES, "kind", "{kind: {blank: posted}}"), (vec![], Some(1)));
    assert_eq!(meanings(ATTENDANCE, "category", "{}"), (vec![], None));
}

/// A date that may not lie before another is compared where both are read.
#[test]
fn a_date_stands_behind_the_one_that_it_may_not_lie_before() {
    for entity in Entity::mapped() {
        let columns = entity.columns();
        let place = |name| columns.iter().position(|column| column.name == name);
        for (at, column) in columns.iter().enumerate() {
            let first = column.not_before.map(|name| place(name).expect("it is one of its columns"));
            assert!(first.is_none_or(|first| first < at), "{entity}: {}", column.name);
        }
    }
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
    assert_eq!(types, [None, Some("identifier".to_owned()), None, None]);
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

#[test]
fn the_schema_has_the_words_of_every_column_of_codes() {
    let schema = (CONNECTOR.config_schema)().to_value();
    let codes = &schema["$defs"]["Codes"];
    let words = |name: &str| codes["properties"][name]["additionalProperties"]["enum"].to_string();
    assert_eq!(words("kind"), r#"["in_progress","posted"]"#);
    for word in ["absent_unexcused", "suspension_out"] {
        assert!(words("category").contains(word), "{codes}");
    }
    assert_eq!(codes["additionalProperties"], false);
}
