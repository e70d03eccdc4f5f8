//! Ledger rows, as a store gives them back.

use jiff::civil::date;
use signalbox_fuzz::Edited;

use super::*;

fn samples() -> Vec<Vec<u8>> {
    let text = |text: &'static str| Cow::Borrowed(text);
    let student = Some(StudentKey::from_uuid(Uuid::from_u128(7)));
    let day = date(2021, 8, 23);
    let records = [
        Record::School { id: text("100"), identifier: None, name: Some(text("Grand Bend")) },
        Record::Student {
            id: text("1001"),
            ids: vec![(text("identifier"), text("S-1001"))],
            given_name: Some(text("Zebedee")),
            family_name: None,
            birth_date: Some(date(2007, 3, 1)),
        },
        Record::Enrollment {
            key: None,
            student: text("1001"),
            school: text("100"),
            entry: day,
            exit: Some(day),
            grade: Some(text("09")),
        },
        Record::Attendance {
            student: text("1001"),
            school: Some(text("100")),
            date: day,
            category: AttendanceCategory::Tardy,
            source_code: Some(text("T")),
        },
    ];
    records.into_iter().map(|record| encoded(&of_record(record, student, None))).collect()
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
        let _data = row.data(Status::Active, ("1001", "sis"));
        assert_eq!(row.into_unknown().natural_key(2022), key);
    });
}

#[test]
fn a_day_that_is_none_is_damage() {
    let day = |day: (i16, i8, i8)| postcard::from_bytes::<Day>(&postcard::to_stdvec(&day).expect("it fits"));
    assert_eq!(day((2021, 8, 31)), Ok(Day(2021, 8, 31)));
    for none in [(2021, 9, 31), (2021, -5, 1), (2021, 0, 1), (20_000, 1, 1)] {
        assert!(day(none).is_err(), "{none:?}");
    }
}
