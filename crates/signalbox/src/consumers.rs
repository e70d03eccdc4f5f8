//! The list of consumers: one line each.

use signalbox_runtime::consumer::Consumer;
use signalbox_runtime::scoring;

/// Every consumer that this program can run, in the order in which news goes through them.
pub(crate) const CONSUMERS: &[Consumer] = &[scoring::CONSUMER];
