//! CloudEvents 1.0.2 on the wire, as its Kafka protocol binding and its JSON event format say.
//!
//! The hub writes **binary mode**: every attribute a `ce_*` header, `datacontenttype` the header `content-type`, and
//! the value plain JSON that any Kafka tool shows. It reads **structured mode** as well: one JSON object, announced by
//! a `content-type` that begins with `application/cloudevents` in any case. Attributes and data fields that this
//! version doesn't know are passed over. Of two headers of one name the later counts, as in Kafka's own clients.
//!
//! What a relay between the two modes may change is read alike: in headers every attribute is text, so the integers
//! `schoolyear`, `revision` and `run` may come back as JSON strings, and JSON data as `data_base64`.

use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::data::Data;
use crate::envelope::Event;
use crate::id::StudentKey;
use crate::kind::{Kind, UnknownKind};

/// The content type of a structured-mode record.
pub const STRUCTURED: &str = "application/cloudevents+json";
const CLOUDEVENTS: &str = "application/cloudevents";
const JSON: &str = "application/json";
const SPEC_VERSION: &str = "1.0";
const SUBJECT_PREFIX: &str = "students/";

/// One header of a binary-mode record.
pub type Header = (&'static str, Vec<u8>);

/// Why a record could not be read as an event. Never carries the record's data.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// An attribute that every event has, or `data`, is missing.
    #[error("CloudEvents attribute \"{0}\" is missing")]
    Missing(&'static str),
    /// The attribute isn't UTF-8, or not what its name promises.
    #[error("CloudEvents attribute \"{0}\" is malformed")]
    Malformed(&'static str),
    /// `specversion` is not 1.0.
    #[error("CloudEvents specversion is not {SPEC_VERSION}")]
    SpecVersion,
    /// The data, or the event format of a structured record, is not JSON.
    #[error("the content type is not JSON")]
    ContentType,
    #[error(transparent)]
    UnknownKind(#[from] UnknownKind),
    /// The data is no JSON, or not that of its type; the position counts from the start of the data.
    #[error("the data does not fit type {kind} (line {line}, column {column} of the data)")]
    Data { kind: Kind, line: usize, column: usize },
    /// A structured record is no JSON object, or an attribute in it is of another JSON type.
    #[error("the record is no CloudEvents JSON object (line {line}, column {column})")]
    Structured { line: usize, column: usize },
}

/// The headers and the value of the event in binary mode.
pub fn to_binary(event: &Event) -> (Vec<Header>, Vec<u8>) {
    let kind = event.kind();
    let mut headers: Vec<Header> = Vec::with_capacity(13);
    headers.push(("content-type", JSON.into()));
    headers.push(("ce_specversion", SPEC_VERSION.into()));
    headers.push(("ce_id", event.id.to_string().into_bytes()));
    headers.push(("ce_source", event.source.clone().into_bytes()));
    headers.push(("ce_type", kind.type_name().into()));
    headers.push(("ce_time", event.time.clone().into_bytes()));
    headers.push(("ce_partitionkey", event.partition_key.clone().into_bytes()));
    headers.push(("ce_dataclass", kind.data_class().as_str().into()));
    headers.push(("ce_revision", event.revision.to_string().into_bytes()));
    if let Some(subject) = &event.subject {
        headers.push(("ce_subject", format!("{SUBJECT_PREFIX}{subject}").into_bytes()));
    }
    if let Some(year) = event.school_year {
        headers.push(("ce_schoolyear", year.to_string().into_bytes()));
    }
    if let Some(run) = event.run {
        headers.push(("ce_run", run.to_string().into_bytes()));
    }
    if let Some(traceparent) = &event.traceparent {
        headers.push(("ce_traceparent", traceparent.clone().into_bytes()));
    }
    (headers, event.data.to_json())
}

/// Reads a record in binary or structured mode.
pub fn from_record<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    value: &[u8],
) -> Result<Event, DecodeError> {
    let mut attributes = Attributes::default();
    for (name, bytes) in headers {
        if name.eq_ignore_ascii_case("content-type") {
            let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::ContentType)?;
            if is_structured(text) {
                return if is_json(text) { from_structured(value) } else { Err(DecodeError::ContentType) };
            }
            attributes.datacontenttype = Some(text.into());
        } else if let Some(name) = name.strip_prefix("ce_") {
            attributes.set(name, bytes)?;
        }
    }
    if value.is_empty() {
        return Err(DecodeError::Missing("data"));
    }
    attributes.event(value)
}

fn is_structured(content_type: &str) -> bool {
    content_type.get(..CLOUDEVENTS.len()).is_some_and(|start| start.eq_ignore_ascii_case(CLOUDEVENTS))
}

/// As the JSON event format defines it: subtype `json`, or one that ends in `+json`. A batch is not one event.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_batch = essence == "application/cloudevents-batch+json";
    !is_batch && (essence.ends_with("/json") || essence.ends_with("+json"))
}

/// The attributes as they stand in a record of either mode.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes<'a> {
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
    /// Structured mode only, as is `data_base64`.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<Cow<'a, str>>,
}

impl<'a> Attributes<'a> {
    fn set(&mut self, name: &str, bytes: &'a [u8]) -> Result<(), DecodeError> {
        let (name, slot) = match name {
            "specversion" => ("specversion", &mut self.specversion),
            "id" => ("id", &mut self.id),
            "source" => ("source", &mut self.source),
            "type" => ("type", &mut self.kind),
            "time" => ("time", &mut self.time),
            "subject" => ("subject", &mut self.subject),
            "partitionkey" => ("partitionkey", &mut self.partitionkey),
            "schoolyear" => ("schoolyear", &mut self.schoolyear),
            "revision" => ("revision", &mut self.revision),
            "run" => ("run", &mut self.run),
            "traceparent" => ("traceparent", &mut self.traceparent),
            _ => return Ok(()),
        };
        *slot = Some(std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed(name))?.into());
        Ok(())
    }

    fn event(self, data: &[u8]) -> Result<Event, DecodeError> {
        if required(self.specversion, "specversion")? != SPEC_VERSION {
            return Err(DecodeError::SpecVersion);
        }
        if !self.datacontenttype.as_deref().is_none_or(is_json) {
            return Err(DecodeError::ContentType);
        }
        let kind = Kind::from_type_name(&required(self.kind, "type")?)?;
        Ok(Event {
            id: parse(&required(self.id, "id")?, "id")?,
            source: required(self.source, "source")?.into_owned(),
            subject: self.subject.as_deref().map(subject).transpose()?,
            time: required(self.time, "time")?.into_owned(),
            partition_key: required(self.partitionkey, "partitionkey")?.into_owned(),
            school_year: self.schoolyear.map(|year| parse(&year, "schoolyear")).transpose()?,
            revision: parse(&required(self.revision, "revision")?, "revision")?,
            run: self.run.map(|run| parse(&run, "run")).transpose()?,
            traceparent: self.traceparent.map(Cow::into_owned),
            data: Data::from_json(kind, data).map_err(|e| DecodeError::Data {
                kind,
                line: e.line(),
                column: e.column(),
            })?,
        })
    }
}

fn required<T>(value: Option<T>, name: &'static str) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing(name))
}

fn parse<T: FromStr>(text: &str, name: &'static str) -> Result<T, DecodeError> {
    text.parse().map_err(|_| DecodeError::Malformed(name))
}

fn subject(text: &str) -> Result<StudentKey, DecodeError> {
    let key = text.strip_prefix(SUBJECT_PREFIX).ok_or(DecodeError::Malformed("subject"))?;
    parse(key, "subject")
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
    let mut read: Attributes = serde_json::from_slice(json)
        .map_err(|e| DecodeError::Structured { line: e.line(), column: e.column() })?;
    match (read.data.take(), read.data_base64.take()) {
        (Some(data), None) => read.event(data.get().as_bytes()),
        (None, Some(text)) => {
            let data = STANDARD.decode(&*text).map_err(|_| DecodeError::Malformed("data_base64"))?;
            read.event(&data)
        }
        (Some(_), Some(_)) => Err(DecodeError::Malformed("data_base64")),
        (None, None) => Err(DecodeError::Missing("data")),
    }
}

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod tests;
