//! Headers of a message, as bytes.

mod native;

use rdkafka::message::BorrowedMessage;

/// Names and values of a message's headers, in their order. A header without a value has an empty one.
///
/// rdkafka (0.39) panics on a name that is not UTF-8, and looks for that in every name of every record.
pub fn of<'a>(message: &'a BorrowedMessage<'_>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    native::Headers::of(message).into_iter().flatten()
}
