//! Real samples, where they are at hand: `$SIGNALBOX_SAMPLES`, or `shared/data` beside the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use signalbox_connector::event::Body;
use signalbox_connector::serde_json::json;
use signalbox_connector::testing::{self, Reading};
use signalbox_connector::{Draft, Item};

use super::{attendance, crate_folder};
use crate::CONNECTOR;

/// `None`, said loudly, when the sample is not there.
fn sample(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("SIGNALBOX_SAMPLES")
        .map_or_else(|| crate_folder().join("../../../shared/data"), PathBuf::from);
    let path = folder.join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("SKIPPED: no sample at {}; set SIGNALBOX_SAMPLES", path.display());
    }
    bytes
}

fn drafts(reading: &Reading) -> impl Iterator<Item = &Draft<'static>> {
    reading.items.iter().map(|item| match item {
        Item::Draft(draft) => draft,
        Item::Reject(reject) => panic!("{reject:?}"),
    })
}

#[test]
fn reads_grand_bend_attendance() {
    let Some(bytes) = sample("grandbend-csv/attendance.csv") else { return };
    let source = testing::parse(&CONNECTOR, &attendance()).expect("the section is right");
    let reading = testing::read(source.as_ref(), &bytes);
    let (mut students, mut schools, mut categories) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for draft in drafts(&reading) {
        let Body::Attendance(day) = &draft.body else { panic!("{draft:?}") };
        students.insert(&draft.claims.student);
        schools.insert(&draft.claims.school);
        *categories.entry(day.category.as_str()).or_insert(0) += 1;
    }
    assert_eq!((reading.items.len(), students.len(), schools.len()), (1917, 227, 3));
    assert!(categories.keys().all(|category| *category != "unknown"), "{categories:?}");
}

#[test]
fn reads_grand_bend_enrolment() {
    let Some(bytes) = sample("grandbend-csv/enrollment.csv") else { return };
    let section = json!({
        "path": "enrollment.csv", "entity": "roster.enrollment", "covers": "school_year", "absent_rows": "end",
        "columns": {"student": "Student_Number", "last_name": "Last_Name", "first_name": "First_Name",
                    "birth_date": "DOB", "school": "School_ID",
                    "entry": {"from": "Entry_Date", "format": "%m/%d/%Y"},
                    "exit": {"from": "Exit_Date", "format": "%m/%d/%Y"}},
    });
    let source = testing::parse(&CONNECTOR, &section).expect("the section is right");
    let reading = testing::read(source.as_ref(), &bytes);
    let is_enrolled = |draft: &&Draft<'_>| matches!(&draft.body, Body::Enrollment(row) if row.exit.is_none());
    assert_eq!(drafts(&reading).filter(is_enrolled).count(), 227);
}
