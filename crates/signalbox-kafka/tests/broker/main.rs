//! The log on a real broker. `eval "$(scripts/kafka start)"` gives these tests one; without, they say that they were
//! skipped.

mod conformance;
mod copy;
mod members;
mod security;
mod support;
mod topics;
