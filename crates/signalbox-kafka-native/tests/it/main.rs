//! Against a broker of `scripts/kafka start`.

use std::io::Write as _;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use signalbox_kafka_native::brokers;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Without a broker nothing of this program can be tested: it says so and ends.
fn broker() -> String {
    std::env::var("SIGNALBOX_TEST_KAFKA").unwrap_or_else(|_| {
        let told = writeln!(
            std::io::stderr().lock(),
            "\n*** SKIPPED: all tests against Apache Kafka, because SIGNALBOX_TEST_KAFKA is not set. ***\n\
             *** Start a broker first:  eval \"$(scripts/kafka start)\" ***\n"
        );
        std::process::exit(i32::from(told.is_err()));
    })
}

#[test]
fn a_client_that_knows_no_broker_is_told_of_some() {
    let broker = broker();
    let client: BaseConsumer = ClientConfig::new().create().expect("a client can be made");
    let alone = client.fetch_metadata(None, Duration::from_millis(100));
    assert!(alone.is_err(), "it knows nobody to ask");

    assert_eq!(brokers::add(client.client(), "not\0a name"), 0);
    assert_eq!(brokers::add(client.client(), &broker), 1);
    // Once more is harmless.
    assert_eq!(brokers::add(client.client(), &broker), 1);
    let answer = client.fetch_metadata(None, TIMEOUT).expect("the broker answers");
    assert_eq!(answer.brokers().len(), 1);
}
