//! A Kafka message as a record.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use signalbox_kafka_native as native;
use signalbox_log::{Headers, Message, Record};

/// The name of a header whose name is not UTF-8.
const UNREADABLE_NAME: &str = "\u{fffd}";

/// What headers take, as a rule.
const HEADERS_BYTES: usize = 512;

/// Copies a message of this topic out of the client's memory, the bytes in one piece: who keeps a part of it for long should
/// copy that.
///
/// Each record has a piece of its own: pieces for many were no faster, and took 200 MiB more where records wait.
pub(crate) fn take_in(topic: &Arc<str>, message: &mut BorrowedMessage<'_>) -> Record {
    let bytes = HEADERS_BYTES + message.key_len() + message.payload_len();
    let mut piece = BytesMut::with_capacity(bytes);
    let headers = Headers::write_in(&mut piece, readable(message));
    let mut take = |bytes: &[u8]| -> Bytes {
        piece.extend_from_slice(bytes);
        piece.split().freeze()
    };
    Record {
        topic: topic.clone(),
        shard: message.partition().cast_unsigned(),
        offset: message.offset().cast_unsigned(),
        key: message.key().map(&mut take),
        headers,
        value: take(message.payload().unwrap_or_default()),
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
