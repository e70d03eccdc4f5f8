//! A grade without a day of its own is of the day on which it was read first, whatever happened since.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::district::District;
use crate::grades::{FEED, Grade, export};

const STALE: &str =
    "{rules: [{rule: course-failure, kind: in_progress, below: 60, stale_after: {school_days: 10}}]}";
/// Longer than grades are fresh.
const WEEKS: i64 = 60 * 24 * 21;
const FIRST: [Grade<'_>; 3] =
    [(1000, "ALG1", "Q1", "I", "40"), (1001, "ALG1", "Q1", "I", "40"), (1002, "ALG1", "Q1", "I", "40")];

fn district(students: &[u32]) -> District {
    let mut district = District::with(|config| {
        FEED.clone_into(&mut config.beside);
        config.risk = STALE;
    });
    district.enroll(students);
    district.drop("grades-1.csv", export(&FIRST));
    district.up();
    district.later(WEEKS);
    district
}

fn status_of(district: &District, id: u32) -> Value {
    let student = district.student(id);
    let answers = student["answers"].as_array().expect("answers");
    answers.iter().find(|answer| answer["rule"] == "course-failure").expect("an answer")["status"].clone()
}

#[test]
fn a_death_makes_no_grade_fresh() {
    let students = [1000, 1001, 1002];
    let mut twins = [district(&students), district(&students)];
    let mut rows = FIRST.to_vec();
    for class in ["ART", "BIO", "CHEM", "DRAMA", "ENG9"] {
        rows.extend(students.map(|student| (student, class, "Q1", "I", "")));
    }
    for district in &mut twins {
        district.drop("grades-2.csv", export(&rows));
    }
    assert!(twins[0].up_dying_at("append", 1));
    for district in &twins {
        district.up();
        assert_eq!(students.map(|id| status_of(district, id)), ["stale", "stale", "stale"]);
        let mut times: BTreeMap<String, Value> = BTreeMap::new();
        for event in district.events(&[]) {
            let time = times.entry(event["id"].to_string()).or_insert_with(|| event["time"].clone());
            assert_eq!(*time, event["time"], "one id, two contents: {event}");
        }
    }
    assert_eq!(twins[0].state_hash(), twins[1].state_hash());
}

#[test]
fn a_grade_that_waited_for_its_student_is_no_fresher_for_it() {
    let mut late = district(&[1000, 1001]);
    late.enroll(&[1000, 1001, 1002]);
    let status = late.up();
    assert_eq!(status["unmatched"], 0, "{status}");
    assert_eq!([1001, 1002].map(|id| status_of(&late, id)), ["stale", "stale"]);
}

/// The file came once more while the student was not known; then the roster has them, and the mapping changes at once.
#[test]
fn a_grade_that_is_found_in_its_file_is_no_fresher_for_it() {
    let mut late = district(&[1000, 1001]);
    late.drop("grades-2.csv", export(&[&FIRST[..], &[(1000, "ART", "Q1", "I", "")]].concat()));
    late.up();
    late.later(60 * 24);
    late.enroll(&[1000, 1001, 1002]);
    late.configure(|config| {
        config.beside = FEED.replace("codes: {kind: {P: posted,", "codes: {kind: {P: posted, F: posted,");
    });
    late.up();
    assert_eq!([1001, 1002].map(|id| status_of(&late, id)), ["stale", "stale"], "a mapping that changed");
}

/// School 300 is known before its student: what the row waits for is another thing then, what it says is not.
#[test]
fn a_grade_that_waits_for_one_thing_after_another_is_no_fresher_for_it() {
    let mut district = District::with(|config| {
        FEED.clone_into(&mut config.beside);
        config.risk = STALE;
    });
    district.enroll(&[1000, 1001]);
    let file = export(&[FIRST[0], FIRST[1], (3000, "ALG1", "Q1", "I", "40")]);
    district.drop("grades-1.csv", &file);
    district.up();
    district.later(WEEKS);
    district.enroll(&[1000, 1001, 3001]);
    district.drop("grades-2.csv", &file);
    district.up();
    district.later(60);
    district.enroll(&[1000, 1001, 3001, 3000]);
    district.up();
    assert_eq!([1000, 3000].map(|id| status_of(&district, id)), ["stale", "stale"]);
}
