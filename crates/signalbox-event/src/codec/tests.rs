use jiff::civil::date;

use super::*;
use crate::data::{AttendanceCategory, AttendanceDaily, Status};

fn event() -> Event {
    let key = StudentKey::derive(b"secret", "sis", "1001");
    Event {
        id: crate::id::event_id("d", "att", "attendance.daily", "1001|100|2021-09-07", 1, b"hash"),
        source: crate::envelope::feed_source("d", "att"),
        subject: Some(key),
        time: "2021-09-07T00:00:00-05:00".into(),
        partition_key: crate::topic::student_key("d", &key),
        school_year: Some(2022),
        revision: 1,
        run: Some(3),
        traceparent: None,
        data: Data::AttendanceDaily(AttendanceDaily {
            school: "100".into(),
            date: date(2021, 9, 7),
            category: AttendanceCategory::AbsentExcused,
            source_code: Some("E".into()),
            status: Status::Active,
        }),
    }
}

#[test]
fn binary_mode_round_trips() {
    let (headers, value) = to_binary(&event());
    let read = from_record(headers.iter().map(|(name, bytes)| (*name, &bytes[..])), &value);
    assert_eq!(read.expect("reads back"), event());
}

#[test]
fn structured_mode_round_trips_and_is_recognised_by_its_content_type() {
    let json = to_structured(&event());
    let headers = [("Content-Type", &b"Application/CloudEvents+json; charset=utf-8"[..])];
    assert_eq!(from_record(headers, json.as_bytes()).expect("reads back"), event());
}

#[test]
fn unknown_fields_and_attributes_are_tolerated() {
    let (headers, _) = to_binary(&event());
    let value =
        br#"{"school":"100","date":"2021-09-07","category":"absent_excused","source_code":"E","later":1}"#;
    let read = from_record(
        headers.iter().map(|(name, bytes)| (*name, &bytes[..])).chain([("ce_later", &b"x"[..])]),
        value,
    );
    assert_eq!(read.expect("reads"), event());
}

#[test]
fn an_error_never_carries_the_data() {
    let (headers, _) = to_binary(&event());
    let error = from_record(
        headers.iter().map(|(name, bytes)| (*name, &bytes[..])),
        br#"{"school":"100","date":"Jane Doe"}"#,
    )
    .expect_err("no date");
    assert!(!error.to_string().contains("Jane"), "{error}");
}
