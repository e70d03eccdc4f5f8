//! Records as one blob, and back.
//!
//! A blob is a format byte, then the records. A record is its length (four bytes, little endian), then: length of the
//! key plus one, or 0 for none; the key; number of headers; the headers as [`Headers`] encodes them; the rest is the
//! value. Lengths and numbers inside a record are LEB128. Topic, shard and offset are the row's.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use signalbox_log::headers::{Headers, put_len, take_len};
use signalbox_log::{Message, Offset, Record, Shard};

use super::topics::TopicId;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

const FORMAT: u8 = 1;

/// A reader that wants a few records reads the whole segment: large enough to save rows, small enough for that.
const MAX_RECORDS: u32 = 512;

/// A segment that has grown to this is closed. A record of any size fits into one.
const MAX_BYTES: usize = 1 << 20;

/// A row to be written; the database gives it its first offset.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) topic: TopicId,
    pub(super) shard: Shard,
    pub(super) count: u32,
    pub(super) records: Vec<u8>,
}

/// Sorts the messages of an append call into segments.
#[derive(Debug, Default)]
pub(super) struct Packer {
    segments: Vec<Segment>,
    /// The segment of each shard that is not full yet.
    open: HashMap<(TopicId, Shard), usize>,
}

impl Packer {
    pub(super) fn push(&mut self, topic: TopicId, shard: Shard, messages: &[Message]) {
        for message in messages {
            let segment = self.open(topic, shard);
            encode(message, &mut segment.records);
            segment.count += 1;
        }
    }

    /// The segments, those of one shard in the order of its messages.
    pub(super) fn finish(self) -> Vec<Segment> {
        self.segments
    }

    fn open(&mut self, topic: TopicId, shard: Shard) -> &mut Segment {
        let found = self.open.get(&(topic, shard)).copied();
        let index = found.filter(|index| !self.segments[*index].is_full()).unwrap_or_else(|| {
            self.segments.push(Segment { topic, shard, count: 0, records: vec![FORMAT] });
            self.segments.len() - 1
        });
        self.open.insert((topic, shard), index);
        &mut self.segments[index]
    }
}

/// Cuts segments so that no two of a slice are of one shard: each finds where its shard ends.
pub(super) fn of_different_shards(mut segments: &[Segment]) -> impl Iterator<Item = &[Segment]> {
    std::iter::from_fn(move || {
        let mut shards = HashSet::new();
        let until = segments.iter().position(|segment| !shards.insert((segment.topic, segment.shard)));
        let (slice, rest) = segments.split_at(until.unwrap_or(segments.len()));
        segments = rest;
        (!slice.is_empty()).then_some(slice)
    })
}

impl Segment {
    fn is_full(&self) -> bool {
        self.count >= MAX_RECORDS || self.records.len() >= MAX_BYTES
    }
}

/// Which records are wanted of a segment.
#[derive(Debug)]
pub(super) struct Slice<'a> {
    pub(super) topic: &'a Arc<str>,
    pub(super) shard: Shard,
    /// The offset of the segment's first record.
    pub(super) first_offset: Offset,
    /// May reach beyond the segment on both sides.
    pub(super) wanted: Range<Offset>,
}

/// The blob is not what was written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a segment of the event log is damaged or of a newer format")]
pub(super) struct Damaged;

impl Slice<'_> {
    /// Appends the wanted records to `records`. Their bytes are parts of `blob`, not copies.
    pub(super) fn decode(&self, blob: &Bytes, records: &mut Vec<Record>) -> Result<(), Damaged> {
        let mut rest = blob.clone();
        if take(&mut rest, 1)?[0] != FORMAT {
            return Err(Damaged);
        }
        let mut offset = self.first_offset;
        while !rest.is_empty() && offset < self.wanted.end {
            let len = take(&mut rest, 4)?.get_u32_le();
            let body = take(&mut rest, len as usize)?;
            if offset >= self.wanted.start {
                records.push(self.decode_record(offset, body)?);
            }
            offset += 1;
        }
        Ok(())
    }

    fn decode_record(&self, offset: Offset, mut body: Bytes) -> Result<Record, Damaged> {
        let key = match take_len(&mut body).ok_or(Damaged)? {
            0 => None,
            len => Some(take(&mut body, len - 1)?),
        };
        let count = take_len(&mut body).ok_or(Damaged)?;
        let headers = Headers::take(count, &mut body).ok_or(Damaged)?;
        let topic = self.topic.clone();
        Ok(Record { topic, shard: self.shard, offset, key, headers, value: body })
    }
}

fn encode(message: &Message, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 4]);
    put_len(out, message.key.as_ref().map_or(0, |key| key.len() + 1));
    out.extend_from_slice(message.key.as_deref().unwrap_or_default());
    put_len(out, message.headers.iter().count());
    out.extend_from_slice(message.headers.as_bytes());
    out.extend_from_slice(&message.value);
    let len = u32::try_from(out.len() - start - 4).expect("SQLite holds no blob of 4 GiB, nor does a record");
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
}

fn take(bytes: &mut Bytes, len: usize) -> Result<Bytes, Damaged> {
    if len <= bytes.len() { Ok(bytes.split_to(len)) } else { Err(Damaged) }
}
