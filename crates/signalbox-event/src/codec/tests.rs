use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::arbitrary::full_event;
use super::*;

const DATA: &[u8] = br#"{"school":"100","date":"2021-09-07","category":"absent_excused","source_code":"E"}"#;

fn read(headers: &[Header<'_>], value: &[u8]) -> Result<Event, DecodeError> {
    from_record(headers.iter().map(|(name, bytes)| (*name, &bytes[..])), value)
}

fn full_headers() -> Vec<Header<'static>> {
    let event = full_event();
    to_binary(&event).0.into_iter().map(|(name, bytes)| (name, bytes.into_owned().into())).collect()
}

/// The full event's headers with one of them replaced, or taken out.
fn with(name: &'static str, bytes: Option<&[u8]>) -> Vec<Header<'static>> {
    let mut headers = full_headers();
    headers.retain(|(known, _)| *known != name);
    headers.extend(bytes.map(|bytes| (name, bytes.to_vec().into())));
    headers
}

/// The full event in structured mode with one member replaced, or taken out where it is null.
fn structured_with(name: &str, value: Value) -> String {
    let mut json: Map<String, Value> =
        serde_json::from_str(&to_structured(&full_event())).expect("an object");
    if value.is_null() {
        json.remove(name)
    } else {
        json.insert(name.to_owned(), value)
    };
    Value::Object(json).to_string()
}

fn structured(content_type: &str) -> Result<Event, DecodeError> {
    read(&[("content-type", content_type.as_bytes().into())], to_structured(&full_event()).as_bytes())
}

/// What a relay does that knows CloudEvents but not our extensions: in headers every attribute is text.
fn relayed(event: &Event) -> Value {
    let (headers, value) = to_binary(event);
    let text = |bytes: Cow<'_, [u8]>| Value::from(str::from_utf8(&bytes).expect("headers are UTF-8"));
    let mut json: Map<String, Value> = headers
        .into_iter()
        .map(|(name, bytes)| match name.strip_prefix("ce_") {
            Some(attribute) => (attribute.to_owned(), text(bytes)),
            None => ("datacontenttype".to_owned(), text(bytes)),
        })
        .collect();
    json.insert("data".to_owned(), serde_json::from_slice(&value).expect("the value is JSON"));
    Value::Object(json)
}

proptest! {
    #[test]
    fn binary_and_structured_mode_say_the_same(event in arbitrary::event()) {
        let (headers, value) = to_binary(&event);
        prop_assert_eq!(&read(&headers, &value).expect("binary mode reads back"), &event);
        let structured = to_structured(&event);
        prop_assert_eq!(&from_structured(structured.as_bytes()).expect("structured mode reads back"), &event);
        let relayed = relayed(&event);
        prop_assert_eq!(&from_structured(relayed.to_string().as_bytes()).expect("a relay's form reads"), &event);

        let mut as_text: Value = serde_json::from_str(&structured).expect("structured mode is JSON");
        for name in ["schoolyear", "revision", "run"] {
            if let Some(number) = as_text.get_mut(name).filter(|value| value.is_number()) {
                *number = number.to_string().into();
            }
        }
        prop_assert_eq!(as_text, relayed);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(name in "(ce_(id|time|subject|revision|run)|content-type)", bytes: Vec<u8>) {
        let mut headers = full_headers();
        headers.retain(|(known, _)| *known != name);
        let headers = headers.iter().map(|(name, bytes)| (*name, &bytes[..]));
        let _either = from_record(headers.chain([(name.as_str(), &bytes[..])]), &bytes);
        let _either = from_structured(&bytes);
    }
}

/// The vector of section 3.2.5 of the Kafka protocol binding, with our type and data.
#[test]
fn binary_mode_is_what_the_kafka_binding_shows() {
    let event = full_event();
    let student = event.subject.expect("a student");
    let (headers, value) = to_binary(&event);
    let headers: Vec<(&str, String)> = headers
        .into_iter()
        .map(|(name, bytes)| (name, String::from_utf8(bytes.into_owned()).expect("headers are UTF-8")))
        .collect();
    let expected = [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", &event.id.to_string()),
        ("ce_source", "/districts/d/feeds/att"),
        ("ce_type", "org.signalbox.attendance.daily.v1"),
        ("ce_time", "2021-09-07T00:00:00-05:00"),
        ("ce_partitionkey", &format!("d/{student}")),
        ("ce_dataclass", "education_record"),
        ("ce_revision", "1"),
        ("ce_subject", &format!("students/{student}")),
        ("ce_schoolyear", "2022"),
        ("ce_run", "3"),
        ("ce_traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    assert_eq!(headers, expected.map(|(name, text)| (name, text.to_owned())));
    let data: Value = serde_json::from_slice(&value).expect("the value is plain JSON");
    assert_eq!(data["category"], "absent_excused");
}

/// CloudEvents 1.0.2, "Attribute Naming": a-z and 0-9, and at most 20 of them; `data` is not an attribute.
#[test]
fn attribute_names_are_those_that_cloudevents_allows() {
    for (header, _) in full_headers() {
        let Some(name) = header.strip_prefix("ce_") else {
            assert_eq!(header, "content-type");
            continue;
        };
        assert!((1..=20).contains(&name.len()), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
        assert!(!["data", "datacontenttype"].contains(&name));
    }
}

#[test]
fn structured_mode_is_told_by_its_content_type_in_any_case() {
    for content_type in [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=UTF-8",
        "Application/CloudEvents+JSON;charset=utf-8",
        "APPLICATION/CLOUDEVENTS+JSON",
    ] {
        assert_eq!(structured(content_type).expect(content_type), full_event());
    }
    let headers = [("Content-Type", STRUCTURED.as_bytes().into())];
    assert_eq!(read(&headers, to_structured(&full_event()).as_bytes()).expect("reads"), full_event());
}

/// Section 3.3.3 of the binding: a structured record may carry the headers of binary mode as well.
#[test]
fn headers_beside_a_structured_record_count_for_nothing() {
    let headers =
        [("ce_type", b"org.example.other"[..].into()), ("content-type", STRUCTURED.as_bytes().into())];
    assert_eq!(read(&headers, to_structured(&full_event()).as_bytes()).expect("reads"), full_event());
}

#[test]
fn other_event_formats_and_batches_are_refused() {
    for content_type in
        ["application/cloudevents+avro", "application/cloudevents", "application/cloudevents-batch+json"]
    {
        assert!(matches!(structured(content_type), Err(DecodeError::ContentType)), "{content_type}");
    }
}

#[test]
fn data_is_json_whatever_its_media_type_is_called() {
    for content_type in
        ["application/json; charset=utf-8", "Application/JSON", "text/json", "application/x+json"]
    {
        let headers = with("content-type", Some(content_type.as_bytes()));
        assert_eq!(read(&headers, DATA).expect(content_type), full_event());
    }
    assert_eq!(read(&with("content-type", None), DATA).expect("reads"), full_event());
    for content_type in [&b"application/avro"[..], b"text/plain", b"", b"\xff"] {
        let refused = read(&with("content-type", Some(content_type)), DATA);
        assert!(matches!(refused, Err(DecodeError::ContentType)), "{content_type:?}");
    }
}

#[test]
fn what_every_event_has_is_asked_for_by_name() {
    for name in ["specversion", "id", "source", "type", "time", "partitionkey", "revision"] {
        let header = full_headers().into_iter().map(|(header, _)| header);
        let header =
            header.into_iter().find(|header| header.strip_prefix("ce_") == Some(name)).expect("written");
        let wanted = format!("CloudEvents attribute \"{name}\" is missing");
        assert_eq!(read(&with(header, None), DATA).expect_err(name).to_string(), wanted);
        let json = structured_with(name, Value::Null);
        assert_eq!(from_structured(json.as_bytes()).expect_err(name).to_string(), wanted);
    }
    assert!(matches!(read(&with("", None), b""), Err(DecodeError::Missing("data"))));
    let json = structured_with("data", Value::Null);
    assert!(matches!(from_structured(json.as_bytes()), Err(DecodeError::Missing("data"))));
}

#[test]
fn a_malformed_attribute_is_named() {
    for (header, bytes, name) in [
        ("ce_id", &b"1001"[..], "id"),
        ("ce_source", b"\xff\xfe", "source"),
        ("ce_subject", b"students/1001", "subject"),
        ("ce_subject", b"1001", "subject"),
        ("ce_revision", b"-1", "revision"),
        ("ce_run", b"", "run"),
        ("ce_schoolyear", b"2021-22", "schoolyear"),
    ] {
        let error = read(&with(header, Some(bytes)), DATA).expect_err(name);
        assert_eq!(error.to_string(), format!("CloudEvents attribute \"{name}\" is malformed"));
    }
}

#[test]
fn another_specversion_and_short_type_names_are_refused() {
    let read = |header, bytes: &[u8]| read(&with(header, Some(bytes)), DATA);
    assert!(matches!(read("ce_specversion", b"0.3"), Err(DecodeError::SpecVersion)));
    for name in ["attendance.daily", "org.signalbox.attendance.daily.v2", "ORG.signalbox.attendance.daily.v1"]
    {
        assert!(matches!(read("ce_type", name.as_bytes()), Err(DecodeError::UnknownKind(_))), "{name}");
    }
}

#[test]
fn unknown_fields_and_attributes_are_tolerated() {
    let value =
        br#"{"school":"100","date":"2021-09-07","category":"absent_excused","source_code":"E","later":{"a":[1]}}"#;
    let headers = with("ce_later", Some(b"\xff"));
    assert_eq!(read(&headers, value).expect("reads"), full_event());
    let json = structured_with("later", json!({"a": [1]}));
    assert_eq!(from_structured(json.as_bytes()).expect("reads"), full_event());
}

/// As in Kafka's `lastHeader`.
#[test]
fn of_two_headers_of_one_name_the_later_counts() {
    let event = full_event();
    let (mut headers, value) = to_binary(&event);
    headers.push(("ce_revision", b"7"[..].into()));
    assert_eq!(read(&headers, &value).expect("reads").revision, 7);
}

/// The JSON event format: a null attribute is one that is not there.
#[test]
fn null_attributes_are_absent() {
    let json = to_structured(&full_event()).replace("\"run\":3", "\"run\":null");
    assert_eq!(from_structured(json.as_bytes()).expect("reads").run, None);
}

#[test]
fn data_may_come_as_base64() {
    let json = structured_with("data", Value::Null);
    let json = json.replacen('{', &format!("{{\"data_base64\":\"{}\",", STANDARD.encode(DATA)), 1);
    assert_eq!(from_structured(json.as_bytes()).expect("reads"), full_event());
    for value in ["not base64", "e30="] {
        let json = structured_with("data_base64", value.into());
        assert!(matches!(from_structured(json.as_bytes()), Err(DecodeError::Malformed("data_base64"))));
    }
}

/// A CloudEvents integer has 32 bits with sign.
#[test]
fn integers_beyond_the_range_of_cloudevents_go_as_text() {
    let largest = i32::MAX.unsigned_abs().into();
    let event = Event { revision: largest, run: Some(largest + 1), ..full_event() };
    let json: Value = serde_json::from_str(&to_structured(&event)).expect("structured mode is JSON");
    assert_eq!((&json["revision"], &json["run"]), (&json!(2_147_483_647), &json!("2147483648")));
    assert_eq!(from_structured(json.to_string().as_bytes()).expect("reads back"), event);
}

#[test]
fn an_error_never_carries_the_data() {
    let error = read(&with("", None), br#"{"school":"100","date":"Jane Doe"}"#).expect_err("no date");
    let text = error.to_string();
    assert!(
        text.starts_with("the data does not fit type org.signalbox.attendance.daily.v1 (line 1"),
        "{text}"
    );
    for error in [error, from_structured(br#"{"id":["Jane Doe"]}"#).expect_err("no id")] {
        assert!(!format!("{error} {error:?}").contains("Jane"), "{error}");
    }
}
