//! The C call.
#![expect(unsafe_code, reason = "calls a C function; see the crate's documentation")]

use std::ffi::CString;

use rdkafka::ClientContext;
use rdkafka::bindings as c;
use rdkafka::client::Client;

pub(super) fn add<C: ClientContext>(client: &Client<C>, brokers: &str) -> usize {
    // Nothing with a zero byte in it is a list of brokers.
    let Ok(brokers) = CString::new(brokers) else { return 0 };
    // SAFETY: both pointers are alive until the call returns; the function copies the text, and may be called by any
    // thread at any time.
    let added = unsafe { c::rd_kafka_brokers_add(client.native_ptr(), brokers.as_ptr()) };
    usize::try_from(added).unwrap_or(0)
}
