//! The one place that reads the system's clock.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// What time it is for a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Timestamp,
    /// When `start` was declared (`--now`): time runs on from there, whatever the system says.
    declared: Option<Instant>,
    /// How many of its seconds pass in one of the machine's.
    rate: i32,
}

/// Lets the declared time of `up` and `run` pass faster: a year of nights in an hour, for whoever rehearses one.
const RATE: &str = "SIGNALBOX_CLOCK_RATE";

impl Clock {
    /// `now` as declared by `--now`, else the system's.
    #[expect(clippy::disallowed_methods, reason = "the binary is where time comes from")]
    pub(crate) fn new(now: Option<Timestamp>) -> Self {
        let rate = std::env::var(RATE).ok().and_then(|rate| rate.parse().ok()).filter(|rate| *rate > 0);
        Self {
            start: now.unwrap_or_else(Timestamp::now),
            declared: now.map(|_| Instant::now()),
            rate: rate.unwrap_or(1),
        }
    }

    /// The moment the command began: the same however often it is asked.
    pub(crate) fn frozen(&self) -> Timestamp {
        self.start
    }

    /// The time that runs on, for `up`.
    #[expect(clippy::disallowed_methods, reason = "the binary is where time comes from")]
    pub(crate) fn running(&self) -> Timestamp {
        let Some(since) = self.declared else { return Timestamp::now() };
        let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::ZERO);
        self.start.saturating_add(elapsed.saturating_mul(self.rate)).unwrap_or(Timestamp::MAX)
    }
}
