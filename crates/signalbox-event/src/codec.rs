//! CloudEvents 1.0.2 on the wire: binary mode (attributes as `ce_*` headers, data as the value), which the hub
//! writes, and structured mode (one JSON object), which it also reads.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::data::Data;
use crate::envelope::Event;
use crate::id::StudentKey;
use crate::kind::{Kind, UnknownKind};

/// The content type of a structured-mode record.
pub const STRUCTURED: &str = "application/cloudevents+json";
const JSON: &str = "application/json";
const SUBJECT_PREFIX: &str = "students/";

/// One header of a binary-mode record.
pub type Header = (&'static str, Vec<u8>);

/// Why a record could not be read as an event. Never carries the record's data.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("CloudEvents attribute \"{0}\" is missing")]
    Missing(&'static str),
    #[error("CloudEvents attribute \"{0}\" is malformed")]
    Malformed(&'static str),
    #[error(transparent)]
    UnknownKind(#[from] UnknownKind),
    #[error("the data does not fit its type (line {line}, column {column})")]
    Data { line: usize, column: usize },
    #[error("the record is no CloudEvents JSON object (line {line}, column {column})")]
    Structured { line: usize, column: usize },
}

/// The headers and the value of the event in binary mode.
pub fn to_binary(event: &Event) -> (Vec<Header>, Vec<u8>) {
    let kind = event.kind();
    let mut headers: Vec<Header> = Vec::with_capacity(13);
    headers.push(("content-type", JSON.into()));
    headers.push(("ce_specversion", b"1.0".to_vec()));
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
            if starts_with_ignore_case(bytes, b"application/cloudevents") {
                return from_structured(value);
            }
        } else if let Some(name) = name.strip_prefix("ce_") {
            attributes.set(name, bytes)?;
        }
    }
    attributes.event(value)
}

fn starts_with_ignore_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[derive(Default)]
struct Attributes<'a> {
    id: Option<&'a str>,
    source: Option<&'a str>,
    kind: Option<&'a str>,
    time: Option<&'a str>,
    subject: Option<&'a str>,
    partition_key: Option<&'a str>,
    school_year: Option<&'a str>,
    revision: Option<&'a str>,
    run: Option<&'a str>,
    traceparent: Option<&'a str>,
}

impl<'a> Attributes<'a> {
    fn set(&mut self, name: &str, bytes: &'a [u8]) -> Result<(), DecodeError> {
        let slot = match name {
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.kind,
            "time" => &mut self.time,
            "subject" => &mut self.subject,
            "partitionkey" => &mut self.partition_key,
            "schoolyear" => &mut self.school_year,
            "revision" => &mut self.revision,
            "run" => &mut self.run,
            "traceparent" => &mut self.traceparent,
            _ => return Ok(()),
        };
        *slot = Some(std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed("(not UTF-8)"))?);
        Ok(())
    }

    fn event(self, value: &[u8]) -> Result<Event, DecodeError> {
        let kind: Kind = self.kind.ok_or(DecodeError::Missing("type"))?.parse()?;
        Ok(Event {
            id: number(self.id, "id")?.ok_or(DecodeError::Missing("id"))?,
            source: self.source.ok_or(DecodeError::Missing("source"))?.to_owned(),
            subject: self.subject.map(subject).transpose()?,
            time: self.time.ok_or(DecodeError::Missing("time"))?.to_owned(),
            partition_key: self.partition_key.ok_or(DecodeError::Missing("partitionkey"))?.to_owned(),
            school_year: number(self.school_year, "schoolyear")?,
            revision: number(self.revision, "revision")?.ok_or(DecodeError::Missing("revision"))?,
            run: number(self.run, "run")?,
            traceparent: self.traceparent.map(str::to_owned),
            data: Data::from_json(kind, value)
                .map_err(|e| DecodeError::Data { line: e.line(), column: e.column() })?,
        })
    }
}

fn number<T: std::str::FromStr>(text: Option<&str>, name: &'static str) -> Result<Option<T>, DecodeError> {
    text.map(|text| text.parse().map_err(|_| DecodeError::Malformed(name))).transpose()
}

fn subject(text: &str) -> Result<StudentKey, DecodeError> {
    text.strip_prefix(SUBJECT_PREFIX)
        .and_then(|key| key.parse().ok())
        .ok_or(DecodeError::Malformed("subject"))
}

/// The structured form; field order is the order in which people read it.
#[derive(Serialize, Deserialize)]
struct Structured {
    specversion: String,
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    partitionkey: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schoolyear: Option<u16>,
    revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dataclass: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    data: Box<RawValue>,
}

/// The event as one JSON object in CloudEvents structured mode.
pub fn to_structured(event: &Event) -> String {
    let kind = event.kind();
    let data = String::from_utf8(event.data.to_json()).expect("JSON is UTF-8");
    serde_json::to_string(&Structured {
        specversion: "1.0".to_owned(),
        id: event.id,
        kind: kind.type_name().to_owned(),
        source: event.source.clone(),
        subject: event.subject.map(|key| format!("{SUBJECT_PREFIX}{key}")),
        time: event.time.clone(),
        datacontenttype: Some(JSON.to_owned()),
        partitionkey: event.partition_key.clone(),
        schoolyear: event.school_year,
        revision: event.revision,
        run: event.run,
        dataclass: Some(kind.data_class().as_str().to_owned()),
        traceparent: event.traceparent.clone(),
        data: RawValue::from_string(data).expect("the data was just serialised as JSON"),
    })
    .expect("an envelope with text keys always serialises")
}

/// Reads an event in structured mode.
pub fn from_structured(json: &[u8]) -> Result<Event, DecodeError> {
    let read: Structured = serde_json::from_slice(json)
        .map_err(|e| DecodeError::Structured { line: e.line(), column: e.column() })?;
    let kind: Kind = read.kind.parse()?;
    Ok(Event {
        id: read.id,
        source: read.source,
        subject: read.subject.as_deref().map(subject).transpose()?,
        time: read.time,
        partition_key: read.partitionkey,
        school_year: read.schoolyear,
        revision: read.revision,
        run: read.run,
        traceparent: read.traceparent,
        data: Data::from_json(kind, read.data.get().as_bytes())
            .map_err(|e| DecodeError::Data { line: e.line(), column: e.column() })?,
    })
}

#[cfg(test)]
mod tests;
