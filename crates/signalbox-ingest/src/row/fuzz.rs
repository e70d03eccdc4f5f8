//! Ledger rows, as a store gives them back.

use std::borrow::Cow;

use jiff::civil::date;
use signalbox_event::rows::{EnrollmentRow, SchoolRow, StudentRow};
use signalbox_fuzz::Edited;

use super::*;

fn samples() -> Vec<Vec<u8>> {
    let text = |text: &'static str| Cow::Borrowed(text);
    let student = Some(StudentKey::from_uuid(Uuid::from_u128(7)));
    let day = date(2021, 8, 23);
    let bodies: [Body<'_>; 4] = [
        SchoolRow { id: text("100"), identifier: None, name: Some(text("Grand Bend")) }.into(),
        StudentRow {
            id: text("1001"),
            ids: vec![(text("identifier"), text("S-1001"))],
            given_name: Some(text("Zebedee")),
            family_name: None,
            birth_date: Some(date(2007, 3, 1).into()),
        }
        .into(),
        EnrollmentRow {
            key: None,
            school: text("100"),
            entry: day.into(),
            exit: Some(day.into()),
            grade: Some(text("09")),
        }
        .into(),
        AttendanceRow {
            school: text("100"),
            date: day.into(),
            category: AttendanceCategory::Tardy,
            source_code: Some(text("T")),
        }
        .into(),
    ];
    bodies.into_iter().map(|body| encoded(&Row::new(student, body))).collect()
}

fn encoded(row: &Row<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    row.encode(&mut bytes);
    bytes
}

#[test]
fn ledger_row() {
    let samples = samples();
    bolero::check!().with_iterations(3_000).with_type::<Edited>().for_each(|input| {
        let bytes = input.bytes(&samples);
        let Ok(row) = Row::decode(&bytes) else { return };
        let again = encoded(&row);
        assert_eq!(Row::decode(&again).expect("our own form reads"), row);
        // What was believed must not become a panic later, nor another row.
        let key = row.natural_key(2022);
        assert!(key.starts_with("2022|"));
        let _data = row.data(Status::Active, Subject { first_id: "1001", id_system: "sis" });
        assert!(row.disputed().is_none_or(|row| row.natural_key(2022) == key));
    });
}
