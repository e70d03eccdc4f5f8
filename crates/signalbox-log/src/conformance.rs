//! What every [`EventLog`] has to keep, as tests.
//!
//! An implementation writes one function that makes a fresh log, and names it in its own tests; each test of the
//! suite then runs as a test of that crate (which needs tokio's `macros` and `rt`):
//!
//! ```
//! use signalbox_log::{MemoryLog, conformance::Fixture};
//!
//! async fn fresh(topics: &[(&str, u32)]) -> Fixture {
//!     Fixture::new(MemoryLog::with_topics(topics.iter().copied()))
//! }
//! signalbox_log::log_conformance!(fresh);
//! ```
//!
//! Retention is not part of [`EventLog`]; a log that can be trimmed runs [`overtaken`] as well.
//!
//! # Layout
//! - [`append`](mod@append): appending, and reading without a group
//! - [`consume`]: one member of a group
//! - [`share`]: several members, and members that come and go
//! - `driver`: messages, waiting, and a consumer that starts all it is assigned

use std::any::Any;

use crate::EventLog;

pub mod append;
pub mod consume;
mod driver;
pub mod share;
#[cfg(test)]
mod tests;

pub use consume::overtaken;

/// A fresh log, empty but for the topics asked for.
pub struct Fixture {
    pub log: Box<dyn EventLog>,
    /// What has to live as long as the log: a temporary folder, a broker.
    held: Vec<Box<dyn Any + Send>>,
}

impl Fixture {
    pub fn new(log: impl EventLog + 'static) -> Self {
        Self { log: Box::new(log), held: Vec::new() }
    }

    /// Keeps `guard` alive until the test is over.
    pub fn holding(mut self, guard: impl Any + Send) -> Self {
        self.held.push(Box::new(guard));
        self
    }
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// Makes a test of each test of the suite. `$fresh` is an `async fn(&[(&str, u32)]) -> Fixture`: topics and their
/// numbers of shards.
#[macro_export]
macro_rules! log_conformance {
    ($fresh:path) => {
        $crate::log_conformance! { $fresh:
            append::keeps_slice_order_per_shard
            append::is_readable_once_it_returns
            append::the_same_slice_again_is_appended_again
            append::nothing_is_nothing
            append::refuses_an_unknown_topic_or_shard
            append::keeps_records_nobody_can_decode
            append::keeps_headers_as_given
            append::keeps_a_record_of_one_mebibyte
            append::read_stops_at_max_and_at_the_end
            append::bounds_and_shards_describe_the_log
            append::ends_are_those_of_the_bounds
            consume::a_lone_member_is_assigned_every_shard
            consume::nothing_is_delivered_before_start
            consume::start_is_exact
            consume::start_at_the_end_brings_what_comes_after
            consume::start_beyond_the_end_is_replaced
            consume::start_again_reads_again
            consume::an_unnamed_topic_is_read_from_its_beginning
            consume::an_earlier_topic_comes_first
            consume::a_waiting_member_is_woken
            consume::a_cancelled_next_loses_nothing
            consume::next_brings_at_most_max
            consume::undecodable_records_are_delivered
            consume::report_is_never_read_back
            consume::join_refuses_an_unknown_topic
            share::two_members_share_without_overlap
            share::shards_of_a_leaver_move
            share::groups_do_not_share
            share::a_revoked_shard_is_delivered_by_its_new_owner
        }
    };
    ($fresh:path: $($part:ident :: $test:ident)+) => {
        $(
            #[tokio::test]
            async fn $test() {
                $crate::conformance::$part::$test($fresh).await;
            }
        )+
    };
}
