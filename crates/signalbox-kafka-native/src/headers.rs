//! Headers of a message, as bytes.

mod native;

use rdkafka::message::BorrowedMessage;

/// Names and values of a message's headers, in their order. A header without a value has an empty one; of a message whose
/// headers cannot be read there are none.
///
/// The first call unpacks them inside the message: hence `mut`, though rdkafka lets a message be shared.
///
/// rdkafka (0.39) panics on a name that is not UTF-8, and looks for that in every name of every record.
pub fn of<'a>(message: &'a mut BorrowedMessage<'_>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    native::Headers::of(message).into_iter().flatten()
}
