use jiff::civil::date;
use uuid::Uuid;

use super::*;

fn tardy(school: &'static str) -> Body<'static> {
    let (date, category) = (date(2021, 8, 23).into(), AttendanceCategory::Tardy);
    AttendanceRow { school: school.into(), date, category, source_code: None }.into()
}

/// Ids may hold what parts of a key are joined with.
#[test]
fn no_two_rows_share_a_key() {
    let key = |student: &'static str, school: &'static str| {
        let row = Row::new(None, tardy(school));
        Waiting { student: student.into(), school: school.into(), line: 0, row }
            .ledger_key(&mut String::new())
    };
    let keys = [key("1|2", "3"), key("1", "2|3"), key(r"1\", "2|3"), key(r"1\|2", "3"), key("1", r"2\|3")];
    let distinct: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "{keys:?}");
}

#[test]
fn the_key_of_a_row_is_its_students() {
    let row = Row::new(Some(StudentKey::from_uuid(Uuid::from_u128(7))), tardy("100"));
    assert_eq!(row.natural_key(2022), "2022|00000000-0000-0000-0000-000000000007|100|2021-08-23");
}
