//! A Kafka message as a record.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::{Bytes, BytesMut};
use rdkafka::Message as _;
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Header, Headers as _, OwnedHeaders};
use signalbox_log::{Message, Record};

/// The name of a header whose name is not UTF-8.
const UNREADABLE_NAME: &str = "\u{fffd}";

/// Copies a message out of the client's memory, the bytes in one piece: who keeps a key for long should copy it.
pub(crate) fn from_kafka(message: &BorrowedMessage<'_>) -> Record {
    let headers: Vec<(&str, &[u8])> = message.headers().map(readable).unwrap_or_default();
    let key = message.key();
    let value = message.payload().unwrap_or_default();
    let header_bytes: usize = headers.iter().map(|(_, value)| value.len()).sum();
    let mut copy = BytesMut::with_capacity(value.len() + key.map_or(0, <[u8]>::len) + header_bytes);
    let mut take = |bytes: &[u8]| -> Bytes {
        copy.extend_from_slice(bytes);
        copy.split().freeze()
    };
    Record {
        topic: message.topic().to_owned(),
        shard: message.partition().cast_unsigned(),
        offset: message.offset().cast_unsigned(),
        key: key.map(&mut take),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), take(value))).collect(),
        value: take(value),
    }
}

/// The headers of a message that is to be sent.
pub(crate) fn headers(message: &Message) -> OwnedHeaders {
    let empty = OwnedHeaders::new_with_capacity(message.headers.len());
    message
        .headers
        .iter()
        .fold(empty, |headers, (key, value)| headers.insert(Header { key, value: Some(&value[..]) }))
}

/// rdkafka panics on a header whose name is not UTF-8. Whoever may write to a topic could stop its readers with one:
/// such a header is kept without its name and value.
fn readable(headers: &BorrowedHeaders) -> Vec<(&str, &[u8])> {
    (0..headers.count())
        .map(|index| {
            let header = catch_unwind(AssertUnwindSafe(|| headers.get(index)));
            header.map_or((UNREADABLE_NAME, &[][..]), |header| (header.key, header.value.unwrap_or_default()))
        })
        .collect()
}
