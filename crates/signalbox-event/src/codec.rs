//! CloudEvents 1.0.2 on the wire, as its Kafka protocol binding and its JSON event format say.
//!
//! The hub writes **binary mode**: every attribute a `ce_*` header, `datacontenttype` the header `content-type`, and
//! the value plain JSON that any Kafka tool shows. It reads **structured mode** as well: one JSON object, announced by
//! a `content-type` that begins with `application/cloudevents` in any case. Attributes and data fields that this
//! version doesn't know are passed over. Of two headers of one name the later counts, as in Kafka's own clients.
//!
//! What a relay between the two modes may change is read alike: in headers every attribute is text, so the integers
//! `schoolyear`, `revision` and `run` may come back as JSON strings, and JSON data as `data_base64`.
//!
//! # Layout
//! - this file: errors and binary mode; `structured`: structured mode
//! - `attributes`: what the attributes say, in either

use std::borrow::Cow;

use self::attributes::Attributes;
pub use self::structured::{from_structured, to_structured};
use crate::envelope::Event;
use crate::kind::{Kind, UnknownKind};

mod attributes;
mod structured;

/// The content type of a structured-mode record.
pub const STRUCTURED: &str = "application/cloudevents+json";
const CLOUDEVENTS: &str = "application/cloudevents";
const JSON: &str = "application/json";
const SPEC_VERSION: &str = "1.0";
const SUBJECT_PREFIX: &str = "students/";

/// One header of a binary-mode record.
pub type Header<'a> = (&'static str, Cow<'a, [u8]>);

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
pub fn to_binary<'a>(event: &'a Event) -> (Vec<Header<'a>>, Vec<u8>) {
    let kind = event.kind();
    let mut headers: Vec<Header<'a>> = Vec::with_capacity(13);
    let mut push = |name, text: Cow<'a, str>| headers.push((name, bytes_of(text)));
    push("content-type", JSON.into());
    push("ce_specversion", SPEC_VERSION.into());
    push("ce_id", event.id.to_string().into());
    push("ce_source", (&event.source).into());
    push("ce_type", kind.type_name().into());
    push("ce_time", (&event.time).into());
    push("ce_partitionkey", (&event.partition_key).into());
    push("ce_dataclass", kind.data_class().as_str().into());
    push("ce_revision", event.revision.to_string().into());
    if let Some(subject) = &event.subject {
        push("ce_subject", format!("{SUBJECT_PREFIX}{subject}").into());
    }
    if let Some(year) = event.school_year {
        push("ce_schoolyear", year.to_string().into());
    }
    if let Some(run) = event.run {
        push("ce_run", run.to_string().into());
    }
    if let Some(traceparent) = &event.traceparent {
        push("ce_traceparent", traceparent.into());
    }
    (headers, event.data.to_json())
}

fn bytes_of(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// Reads a record in binary or structured mode. Names of headers are only compared: they may be bytes.
pub fn from_record<'a, N: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (N, &'a [u8])>,
    value: &[u8],
) -> Result<Event, DecodeError> {
    let mut attributes = Attributes::default();
    for (name, bytes) in headers {
        let name = name.as_ref();
        if let Some(name) = name.strip_prefix(b"ce_") {
            attributes.set(name, bytes);
        } else if name.eq_ignore_ascii_case(b"content-type") {
            let text = str::from_utf8(bytes).map_err(|_| DecodeError::ContentType)?;
            if is_structured(text) {
                return if is_json(text) { from_structured(value) } else { Err(DecodeError::ContentType) };
            }
            attributes.datacontenttype = Some(bytes);
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
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let ends_with = |end: &str| {
        let at = essence.len().checked_sub(end.len());
        at.and_then(|at| essence.get(at..)).is_some_and(|last| last.eq_ignore_ascii_case(end))
    };
    let is_batch = essence.eq_ignore_ascii_case("application/cloudevents-batch+json");
    !is_batch && (ends_with("/json") || ends_with("+json"))
}

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod tests;
