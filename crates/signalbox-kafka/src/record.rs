//! A Kafka message as a record.

use bytes::{Bytes, BytesMut};
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use signalbox_kafka_native as native;
use signalbox_log::{Headers, Message, Record};

/// The name of a header whose name is not UTF-8.
const UNREADABLE_NAME: &str = "\u{fffd}";

/// Memory for the bytes of many records: a piece of it is given back when the last record in it is dropped.
///
/// Pieces grow with what is asked for: a record that comes alone does not hold the room of a hundred.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    free: BytesMut,
    piece: usize,
    /// What the last record took: another takes as much, as a rule.
    last: usize,
}

/// The largest piece, unless a record is larger: allocators give pages of larger ones back to the system, only to ask for
/// them again.
const PIECE_MAX: usize = 16 * 1024;

impl Arena {
    /// Copies a message out of the client's memory: who keeps a part of it for long should copy that, else the whole piece stays.
    pub(crate) fn take_in(&mut self, message: &mut BorrowedMessage<'_>) -> Record {
        self.make_room(self.last.max(message.key_len() + message.payload_len()));
        let before = self.free.capacity();
        let headers = Headers::write_in(&mut self.free, readable(message));
        let mut take = |bytes: &[u8]| -> Bytes {
            self.free.extend_from_slice(bytes);
            self.free.split().freeze()
        };
        let (key, value) = (message.key().map(&mut take), take(message.payload().unwrap_or_default()));
        self.last = before.saturating_sub(self.free.capacity());
        Record {
            topic: message.topic().to_owned(),
            shard: message.partition().cast_unsigned(),
            offset: message.offset().cast_unsigned(),
            key,
            headers,
            value,
        }
    }

    fn make_room(&mut self, bytes: usize) {
        if self.free.capacity() < bytes {
            self.piece = (2 * self.piece).clamp(bytes, PIECE_MAX.max(bytes));
            self.free.reserve(self.piece);
        }
    }
}

/// The headers of a message that is to be sent.
pub(crate) fn headers(message: &Message) -> OwnedHeaders {
    let empty = OwnedHeaders::new_with_capacity(message.headers.iter().count());
    message
        .headers
        .iter()
        .fold(empty, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

/// A header whose name is not UTF-8 is kept without it.
fn readable<'a>(message: &'a mut BorrowedMessage<'_>) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    native::headers::of(message).map(|(name, value)| (str::from_utf8(name).unwrap_or(UNREADABLE_NAME), value))
}
