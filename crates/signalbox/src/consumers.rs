//! The list of consumers: one line each.

use signalbox_hub::consumer::Consumer;

/// Every consumer that this program can run, in the order in which news goes through them.
pub(crate) const CONSUMERS: &[Consumer] = &[signalbox_scoring::CONSUMER];
