//! Structured mode: an event as one JSON object.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::attributes::Attributes;
use super::{DecodeError, JSON, SPEC_VERSION, SUBJECT_PREFIX};
use crate::envelope::Event;

/// The attributes of a record in structured mode, and its data.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members<'a> {
    specversion: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    #[serde(rename = "type")]
    kind: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    datacontenttype: Option<Cow<'a, str>>,
    partitionkey: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "integer_or_text")]
    schoolyear: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "integer_or_text")]
    revision: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "integer_or_text")]
    run: Option<Cow<'a, str>>,
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<Cow<'a, str>>,
}

impl Members<'_> {
    fn attributes(&self) -> Attributes<'_> {
        fn bytes<'a>(text: Option<&'a Cow<'_, str>>) -> Option<&'a [u8]> {
            text.map(|text| text.as_bytes())
        }
        Attributes {
            specversion: bytes(self.specversion.as_ref()),
            id: bytes(self.id.as_ref()),
            source: bytes(self.source.as_ref()),
            kind: bytes(self.kind.as_ref()),
            subject: bytes(self.subject.as_ref()),
            time: bytes(self.time.as_ref()),
            datacontenttype: bytes(self.datacontenttype.as_ref()),
            partitionkey: bytes(self.partitionkey.as_ref()),
            schoolyear: bytes(self.schoolyear.as_ref()),
            revision: bytes(self.revision.as_ref()),
            run: bytes(self.run.as_ref()),
            traceparent: bytes(self.traceparent.as_ref()),
        }
    }
}

fn integer_or_text<'de, D: Deserializer<'de>, T: From<String>>(from: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Integer(u64),
        Text(String),
    }
    Ok(Option::deserialize(from)?.map(|written| match written {
        Written::Integer(number) => number.to_string().into(),
        Written::Text(text) => text.into(),
    }))
}

/// The structured form; field order is the order in which people read it.
#[derive(Serialize)]
struct Structured<'a> {
    specversion: &'static str,
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    time: &'a str,
    datacontenttype: &'static str,
    partitionkey: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schoolyear: Option<u16>,
    revision: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Value>,
    dataclass: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    data: Box<RawValue>,
}

/// The event as one JSON object in CloudEvents structured mode.
pub fn to_structured(event: &Event) -> String {
    let kind = event.kind();
    let data = String::from_utf8(event.data.to_json()).expect("JSON is UTF-8");
    serde_json::to_string(&Structured {
        specversion: SPEC_VERSION,
        id: event.id,
        kind: kind.type_name(),
        source: &event.source,
        subject: event.subject.map(|key| format!("{SUBJECT_PREFIX}{key}")),
        time: &event.time,
        datacontenttype: JSON,
        partitionkey: &event.partition_key,
        schoolyear: event.school_year,
        revision: integer(event.revision),
        run: event.run.map(integer),
        dataclass: kind.data_class().as_str(),
        traceparent: event.traceparent.as_deref(),
        data: RawValue::from_string(data).expect("the data was just serialised as JSON"),
    })
    .expect("an envelope with text keys always serialises")
}

/// A CloudEvents integer has 32 bits with sign; what is larger goes as text.
fn integer(number: u64) -> Value {
    if i32::try_from(number).is_ok() { number.into() } else { number.to_string().into() }
}

/// Reads an event in structured mode.
pub fn from_structured(json: &[u8]) -> Result<Event, DecodeError> {
    let read: Members<'_> = serde_json::from_slice(json)
        .map_err(|e| DecodeError::Structured { line: e.line(), column: e.column() })?;
    match (read.data, &read.data_base64) {
        (Some(data), None) => read.attributes().event(data.get().as_bytes()),
        (None, Some(text)) => {
            let data = STANDARD.decode(&**text).map_err(|_| DecodeError::Malformed("data_base64"))?;
            read.attributes().event(&data)
        }
        (Some(_), Some(_)) => Err(DecodeError::Malformed("data_base64")),
        (None, None) => Err(DecodeError::Missing("data")),
    }
}
