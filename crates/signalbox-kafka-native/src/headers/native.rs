//! The C calls.
#![expect(unsafe_code, reason = "calls C functions; see the crate's documentation")]

use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;
use std::{ptr, slice};

use rdkafka::bindings as c;
use rdkafka::message::BorrowedMessage;

/// A message's headers, from the `next`th on.
#[derive(Debug)]
pub(super) struct Headers<'a> {
    list: *const c::rd_kafka_headers_t,
    next: usize,
    message: PhantomData<&'a mut ()>,
}

impl<'a> Headers<'a> {
    /// `None`: it has none, or they cannot be read.
    pub(super) fn of(message: &'a mut BorrowedMessage<'_>) -> Option<Self> {
        let mut list = ptr::null_mut();
        // SAFETY: the message is alive, and nobody else has it, as it is borrowed mutably; `list` is a place for a
        // pointer, which stays good as long as the message.
        let error = unsafe { c::rd_kafka_message_headers(message.ptr(), &raw mut list) };
        (error == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then_some(Self {
            list,
            next: 0,
            message: PhantomData,
        })
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut name, mut value, mut len) = (ptr::null::<c_char>(), ptr::null::<c_void>(), 0);
        // SAFETY: the list lives as long as the message, to which 'a belongs; the others are places for what is found.
        let error = unsafe {
            c::rd_kafka_header_get_all(self.list, self.next, &raw mut name, &raw mut value, &raw mut len)
        };
        if error != c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        self.next += 1;
        // SAFETY: of a header that was found, the name ends with a zero byte and lives as long as the list.
        let name: &'a CStr = unsafe { CStr::from_ptr(name) };
        if value.is_null() {
            return Some((name.to_bytes(), &[]));
        }
        // SAFETY: a value that is there has so many bytes, which live as long as the list.
        let value: &'a [u8] = unsafe { slice::from_raw_parts(value.cast(), len) };
        Some((name.to_bytes(), value))
    }
}
