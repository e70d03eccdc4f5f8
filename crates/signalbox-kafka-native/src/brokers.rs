//! Which brokers a client knows.

mod native;

use rdkafka::ClientContext;
use rdkafka::client::Client;

/// Makes brokers known to a client, in the form of `bootstrap.servers`. Returns how many of them were well written; those
/// that it knows already are none the worse.
///
/// librdkafka (2.12, its issue 5301) forgets every broker when an answer names none, as brokers give that were paused
/// themselves, and may never look for one again.
///
/// It keeps each list it was given as long as it lives: not to be called without need.
pub fn add<C: ClientContext>(client: &Client<C>, brokers: &str) -> usize {
    native::add(client, brokers)
}
