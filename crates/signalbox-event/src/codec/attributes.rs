//! The attributes of an event, as bytes, and what they say.

use std::str::FromStr;

use uuid::Uuid;

use super::{DecodeError, SPEC_VERSION, SUBJECT_PREFIX, is_json};
use crate::data::Data;
use crate::envelope::Event;
use crate::id::StudentKey;
use crate::kind::Kind;

/// The attributes as they stand in a record of either mode: text, unless somebody else wrote it.
#[derive(Default)]
pub(super) struct Attributes<'a> {
    pub(super) specversion: Option<&'a [u8]>,
    pub(super) id: Option<&'a [u8]>,
    pub(super) source: Option<&'a [u8]>,
    pub(super) kind: Option<&'a [u8]>,
    pub(super) subject: Option<&'a [u8]>,
    pub(super) time: Option<&'a [u8]>,
    pub(super) datacontenttype: Option<&'a [u8]>,
    pub(super) partitionkey: Option<&'a [u8]>,
    pub(super) schoolyear: Option<&'a [u8]>,
    pub(super) revision: Option<&'a [u8]>,
    pub(super) run: Option<&'a [u8]>,
    pub(super) traceparent: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    pub(super) fn set(&mut self, name: &[u8], bytes: &'a [u8]) {
        let slot = match name {
            b"specversion" => &mut self.specversion,
            b"id" => &mut self.id,
            b"source" => &mut self.source,
            b"type" => &mut self.kind,
            b"time" => &mut self.time,
            b"subject" => &mut self.subject,
            b"partitionkey" => &mut self.partitionkey,
            b"schoolyear" => &mut self.schoolyear,
            b"revision" => &mut self.revision,
            b"run" => &mut self.run,
            b"traceparent" => &mut self.traceparent,
            _ => return,
        };
        *slot = Some(bytes);
    }

    pub(super) fn event(self, data: &[u8]) -> Result<Event, DecodeError> {
        if required(self.specversion, "specversion")? != SPEC_VERSION.as_bytes() {
            return Err(DecodeError::SpecVersion);
        }
        if !self.datacontenttype.is_none_or(|bytes| str::from_utf8(bytes).is_ok_and(is_json)) {
            return Err(DecodeError::ContentType);
        }
        let kind = Kind::from_type_name(text(required(self.kind, "type")?, "type")?)?;
        Ok(Event {
            id: uuid(required(self.id, "id")?, "id")?,
            source: text(required(self.source, "source")?, "source")?.to_owned(),
            subject: self.subject.map(subject).transpose()?,
            time: text(required(self.time, "time")?, "time")?.to_owned(),
            partition_key: text(required(self.partitionkey, "partitionkey")?, "partitionkey")?.to_owned(),
            school_year: self.schoolyear.map(|year| number(year, "schoolyear")).transpose()?,
            revision: number(required(self.revision, "revision")?, "revision")?,
            run: self.run.map(|run| number(run, "run")).transpose()?,
            traceparent: self
                .traceparent
                .map(|trace| text(trace, "traceparent").map(str::to_owned))
                .transpose()?,
            data: Data::from_json(kind, data).map_err(|e| DecodeError::Data {
                kind,
                line: e.line(),
                column: e.column(),
            })?,
        })
    }
}

fn required<'a>(value: Option<&'a [u8]>, name: &'static str) -> Result<&'a [u8], DecodeError> {
    value.ok_or(DecodeError::Missing(name))
}

fn text<'a>(bytes: &'a [u8], name: &'static str) -> Result<&'a str, DecodeError> {
    str::from_utf8(bytes).map_err(|_| DecodeError::Malformed(name))
}

fn number<T: FromStr>(bytes: &[u8], name: &'static str) -> Result<T, DecodeError> {
    text(bytes, name)?.parse().map_err(|_| DecodeError::Malformed(name))
}

fn uuid(bytes: &[u8], name: &'static str) -> Result<Uuid, DecodeError> {
    Uuid::try_parse_ascii(bytes).map_err(|_| DecodeError::Malformed(name))
}

fn subject(bytes: &[u8]) -> Result<StudentKey, DecodeError> {
    let key = bytes.strip_prefix(SUBJECT_PREFIX.as_bytes()).ok_or(DecodeError::Malformed("subject"))?;
    uuid(key, "subject").map(StudentKey::from_uuid)
}
