use jiff::civil::date;

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
        of_record(record, None, None).natural_key(2022)
    };
    let keys = [key("1|2", "3"), key("1", "2|3"), key(r"1\", "2|3"), key(r"1\|2", "3"), key("1", r"2\|3")];
    let distinct: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "{keys:?}");
    assert_eq!(key("1001", "100"), "2022|1001|100|2021-08-23");
}
