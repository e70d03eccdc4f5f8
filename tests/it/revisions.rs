//! A -> B -> A: every change of a fact is a revision, also back to what was.

use serde_json::Value;

use crate::district::{District, assert_counts, last_run};
use crate::drops::{Row, day, through};

/// (revision, category) of a student's events about one school day, in log order.
pub(crate) fn history(district: &District, student: u32, n: usize) -> Vec<(u64, String)> {
    let student = student.to_string();
    let about = |event: &Value| event["data"]["date"] == day(n).to_string();
    let brief = |event: &Value| {
        let ended = event["data"]["status"] == "tobedeleted";
        let category = if ended { "ended" } else { event["data"]["category"].as_str().expect("a category") };
        (revision(event), category.to_owned())
    };
    let events = district.events(&["--type", "attendance.daily", "--student", &student]);
    events.iter().filter(|event| about(event)).map(brief).collect()
}

/// CloudEvents integers are 32 bits wide: a revision is a number or a string of digits.
fn revision(event: &Value) -> u64 {
    let revision = &event["revision"];
    revision.as_u64().or_else(|| revision.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{event}"))
}

fn drop_code(district: &mut District, code: &'static str) -> Value {
    let rows: [Row; 3] = [(1001, 5, code), (1001, 6, "A"), through(20)];
    district.attend(&rows);
    district.up()
}

#[test]
fn three_drops_are_revisions_one_two_three() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    drop_code(&mut district, "A");
    let before = district.student(1001);
    let status = drop_code(&mut district, "E");
    assert_counts(last_run(&status, "attendance"), &[("rows", 3), ("change", 1), ("unchanged", 2)]);
    drop_code(&mut district, "A");
    let told = |(revision, category): (u64, &str)| (revision, category.to_owned());
    let expected = [(1, "absent_unexcused"), (2, "absent_excused"), (3, "absent_unexcused")].map(told);
    assert_eq!(history(&district, 1001, 5), expected);
    let after = district.student(1001);
    assert_eq!((&after["answers"], &after["flags"]), (&before["answers"], &before["flags"]));
}

/// A row that goes and comes back goes on counting: it never starts again at revision 1.
#[test]
fn an_ended_row_keeps_its_revision() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    drop_code(&mut district, "A");
    district.attend(&[(1001, 6, "A"), through(20)]);
    assert_counts(last_run(&district.up(), "attendance"), &[("rows", 2), ("end", 1), ("unchanged", 2)]);
    drop_code(&mut district, "A");
    let told = |(revision, category): (u64, &str)| (revision, category.to_owned());
    let expected = [(1, "absent_unexcused"), (2, "ended"), (3, "absent_unexcused")].map(told);
    assert_eq!(history(&district, 1001, 5), expected);
}
