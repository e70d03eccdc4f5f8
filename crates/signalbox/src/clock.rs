//! The one place that reads the system's clock.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// What time it is for a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Timestamp,
    /// When `start` was declared (`--now`): time runs on from there, whatever the system says.
    declared: Option<Instant>,
}

impl Clock {
    /// `now` as declared by `--now`, else the system's.
    #[expect(clippy::disallowed_methods, reason = "the binary is where time comes from")]
    pub(crate) fn new(now: Option<Timestamp>) -> Self {
        Self { start: now.unwrap_or_else(Timestamp::now), declared: now.map(|_| Instant::now()) }
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
        self.start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}
