//! Clients that know no broker any more.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;
use signalbox_kafka_native::brokers;

use crate::config::Config;

/// How long a client is left alone after it was reminded: the first time, and at the longest. In between, twice as long
/// each time. The longest is what a client may be late by; a day of an outage then costs it about 2 MB.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// A reminder so long ago belongs to another outage.
const FORGOTTEN: Duration = Duration::from_mins(5);

/// Reminds one client of its brokers when nobody answers it. One that still knows them is none the worse; one that forgot
/// them all (see [`brokers::add`]) would stay alone for ever.
#[derive(Debug)]
pub(crate) struct Reminder {
    brokers: String,
    /// When that was last done, and how long not to do it again.
    last: Mutex<Option<(Instant, Duration)>>,
}

impl Reminder {
    pub(crate) fn new(config: &Config) -> Self {
        Self { brokers: config.bootstrap(), last: Mutex::default() }
    }

    /// Nobody answered this client, or one did who knows of no broker.
    pub(crate) fn remind<C: ClientContext>(&self, client: &Client<C>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match *last {
            Some((at, pause)) if at.elapsed() < pause => return,
            Some((at, pause)) if at.elapsed() < FORGOTTEN => (2 * pause).min(PAUSE.1),
            _ => PAUSE.0,
        };
        *last = Some((Instant::now(), pause));
        drop(last);
        let known = brokers::add(client, &self.brokers);
        tracing::debug!(known, "a client is reminded of its brokers");
    }
}
