use jiff::civil::date;
use uuid::Uuid;

use super::*;

/// Ids may hold what parts of a key are joined with.
#[test]
fn no_two_rows_share_a_key() {
    let key = |student: &'static str, school: &'static str| {
        let record = Record::Attendance {
            student: student.into(),
            school: Some(school.into()),
            date: date(2021, 8, 23),
            category: AttendanceCategory::Tardy,
            source_code: None,
        };
        let row = of_record(record, None, Some(school.into()));
        Waiting { student: student.into(), school: school.into(), line: 0, row }
            .ledger_key(&mut String::new())
    };
    let keys = [key("1|2", "3"), key("1", "2|3"), key(r"1\", "2|3"), key(r"1\|2", "3"), key("1", r"2\|3")];
    let distinct: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "{keys:?}");
}

/// Whatever id a tool writes a student with, the row is the same.
#[test]
fn a_row_is_its_students() {
    let of = |id: &'static str| {
        let record = Record::Attendance {
            student: id.into(),
            school: Some("100".into()),
            date: date(2021, 8, 23),
            category: AttendanceCategory::Tardy,
            source_code: None,
        };
        let row = of_record(record, Some(StudentKey::from_uuid(Uuid::from_u128(7))), Some("100".into()));
        let mut encoded = Vec::new();
        row.encode(&mut encoded);
        (row.ledger_key(&mut String::new()), content_hash(&encoded), row.natural_key(2022))
    };
    assert_eq!(of("1001"), of("local-77"));
    assert_eq!(of("1001").2, "2022|00000000-0000-0000-0000-000000000007|100|2021-08-23");
}
