//! Somebody else writes into the hub's topics.

use super::{end, pass_over};
use crate::district::{District, eventually};
use crate::drops::through;
use crate::receiver::Receiver;
use crate::servers::Servers;

/// Records that are no events, in a transaction: on each shard that has some, its end takes an offset without a record.
fn write_in_a_transaction(servers: &Servers) {
    let brokers = format!("bootstrap.servers={}", servers.brokers());
    let topic = servers.topic("attendance");
    let id = format!("{}.stranger", servers.prefix);
    let what = ["--topic", &topic, "--num-records", "30", "--record-size", "20", "--throughput", "-1"];
    let how = ["--transactional-id", &id, "--producer-props", &brokers, "batch.size=1"];
    Servers::bare_tool("ProducerPerformance", &[&what[..], &how].concat());
}

#[test]
fn the_end_of_a_strangers_transaction_holds_up_nobody() {
    if pass_over("strangers") {
        return;
    }
    let receiver = Receiver::start();
    let mut district = District::on(Some(Servers::new()), |config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    assert_eq!(receiver.ids().len(), 1);

    write_in_a_transaction(district.servers.as_ref().expect("it is on servers"));
    let status = district.up();
    assert_eq!(status["dead_letters"], 30, "what is no event is put aside: {status}");
    assert_nobody_is_behind(&status);

    let running = district.start_run(&["ingest", "risk", "deliver"]);
    write_in_a_transaction(district.servers.as_ref().expect("it is on servers"));
    eventually("all is passed", || district.status()["dead_letters"] == 60);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), (1002, 6, "A"), through(20)]);
    eventually("a flag is told of", || receiver.ids().len() == 2);
    end(running);
    assert_nobody_is_behind(&district.up());
}

fn assert_nobody_is_behind(status: &serde_json::Value) {
    let consumers = status["consumers"].as_array().expect("a list");
    assert!(consumers.iter().all(|consumer| consumer["behind"] == 0), "{status}");
}
