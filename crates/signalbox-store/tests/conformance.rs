//! The memory twins against the suites.

use std::future::ready;

use signalbox_store::memory::{MemoryFeeds, MemoryState};

signalbox_store::state_conformance!(ready((MemoryState::default(), ())));
signalbox_store::card_conformance!(ready((MemoryState::default(), ())));
signalbox_store::outbox_conformance!(ready((MemoryState::default(), ())));
signalbox_store::feed_conformance!(ready((MemoryFeeds::default(), ())));
