use std::borrow::Cow;

use jiff::civil::date;
use proptest::prelude::*;
use signalbox_connector::Claims;
use signalbox_event::rows::{AttendanceCategory, AttendanceRow, SchoolRow};
use signalbox_event::{Body, Status};

use super::*;

/// Student, day of September, whether tardy.
type Day = (u8, i8, bool);

fn day((student, day, tardy): Day) -> Draft<'static> {
    let category = if tardy { AttendanceCategory::Tardy } else { AttendanceCategory::AbsentExcused };
    let row = AttendanceRow {
        school: Cow::default(),
        date: date(2021, 9, day).into(),
        category,
        source_code: None,
    };
    of(&student.to_string(), "100", row)
}

fn of(student: &str, school: &str, row: AttendanceRow<'static>) -> Draft<'static> {
    let claims = Claims { student: Some(student.into()), school: Some(school.into()), date: None };
    Draft { claims: claims.into_owned(), ..draft(row) }
}

fn draft<'r>(body: impl Into<Body<'r>>) -> Draft<'r> {
    let (status, claims, body) = (Status::Active, Claims::default(), body.into());
    Draft { file: None, row: 2, status, claims, body, fault: None, left_out: Vec::new() }
}

fn sum(days: &[Day]) -> RowSum {
    let mut sum = RowSum::default();
    for one in days {
        add_draft(&mut sum, &day(*one), &mut Vec::new());
    }
    sum
}

fn days() -> impl Strategy<Value = Vec<Day>> {
    prop::collection::vec((0..3_u8, 1..3_i8, any::<bool>()), 0..5)
}

proptest! {
    #[test]
    fn sums_are_equal_exactly_when_the_rows_are(
        (one, shuffled) in days().prop_flat_map(|days| (Just(days.clone()), Just(days).prop_shuffle())),
        other in days(),
    ) {
        prop_assert_eq!(sum(&one), sum(&shuffled));
        let (mut sorted, mut others) = (one.clone(), other.clone());
        sorted.sort_unstable();
        others.sort_unstable();
        prop_assert_eq!(sum(&one) == sum(&other), sorted == others);
    }
}

#[test]
fn no_two_fields_run_together() {
    let record = |student: &'static str, school: &'static str, code: Option<&'static str>| {
        let row = AttendanceRow {
            school: Cow::default(),
            date: date(2021, 9, 1).into(),
            category: AttendanceCategory::Tardy,
            source_code: code.map(Into::into),
        };
        of(student, school, row)
    };
    let drafts = [
        record("12", "3", None),
        record("1", "23", None),
        record("12", "3", Some("")),
        record("12", "", Some("3")),
        Draft { status: Status::ToBeDeleted, ..record("12", "3", None) },
        draft(SchoolRow { id: "12".into(), identifier: None, name: Some("3".into()) }),
        draft(SchoolRow { id: "12".into(), identifier: Some("3".into()), name: None }),
    ];
    let sums = drafts.iter().map(|draft| {
        let mut sum = RowSum::default();
        add_draft(&mut sum, draft, &mut Vec::new());
        serde_json::to_string(&sum).expect("serialises")
    });
    assert_eq!(sums.collect::<BTreeSet<String>>().len(), drafts.len());
}

#[test]
fn what_is_remembered_reads_back() {
    let json = serde_json::to_string(&sum(&[(1, 1, true)])).expect("serialises");
    assert_eq!(serde_json::from_str::<RowSum>(&json).expect("reads"), sum(&[(1, 1, true)]));
}
