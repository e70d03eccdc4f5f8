//! A broker that is killed. A program of its own: the other tests need theirs alive.

#[path = "../it/support.rs"]
#[expect(dead_code, reason = "made for the other tests")]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use signalbox_kafka::{Config, KafkaLog};
use signalbox_log::{Delivery, EventLog, LogError, StartAt};

use crate::support::{config, make_topic, message, numbers, unique, variable};

fn broker(command: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka");
    let folder = variable("SIGNALBOX_TEST_KAFKA_DIR");
    let done =
        Command::new(script).args([command, "--dir", &folder]).status().expect("the script can be run");
    assert!(done.success(), "scripts/kafka {command}: {done}");
}

async fn in_background(command: &'static str) {
    tokio::task::spawn_blocking(move || broker(command)).await.expect("the broker obeys");
}

/// Appends the numbers in tens; what fails is appended again.
async fn append_all(log: &KafkaLog, topic: &str, numbers: usize) {
    for first in (0..numbers).step_by(10) {
        let messages: Vec<_> = (first..first + 10).map(|n| message(topic, 0, n)).collect();
        while let Err(error) = log.append(&messages).await {
            assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The broker is killed in the middle of appending and reading, and comes back: nothing is lost, the order stays, and
/// nobody has to be restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_broker_loses_nothing() {
    let log = KafkaLog::connect(Config { timeout: Duration::from_secs(5), ..config() }).await;
    let log = log.expect("the broker answers");
    let topic = unique("crash");
    make_topic(&log, &topic, 1).await;
    let mut member =
        log.join(&unique("g"), std::slice::from_ref(&topic)).await.expect("the group can be joined");

    let reading = async {
        let (mut read, mut position) = (Vec::new(), 0);
        while read.iter().collect::<BTreeSet<_>>().len() < 2_000 {
            match member.next(50).await {
                Ok(Delivery::Assigned(_)) => {
                    let at = [StartAt { topic: topic.clone(), offset: position }];
                    while let Err(error) = member.start(0, &at).await {
                        assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
                    }
                }
                Ok(Delivery::Records { records, .. }) => {
                    assert!(records[0].offset >= position, "read twice");
                    position = records.last().expect("at least one").offset + 1;
                    read.extend(numbers(&records));
                }
                Ok(Delivery::Revoked(_)) => {}
                Err(error) => {
                    assert!(matches!(error, LogError::Unavailable(_)), "{error:?}");
                }
            }
        }
        read
    };
    let crash = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        in_background("restart-broker").await;
    };
    let all = async { tokio::join!(append_all(&log, &topic, 2_000), reading, crash).1 };
    let read = tokio::time::timeout(Duration::from_mins(3), all).await.expect("all is read in time");
    // A slice may be in twice; the first of each number come in order.
    let mut seen = BTreeSet::new();
    let firsts: Vec<usize> = read.into_iter().filter(|number| seen.insert(*number)).collect();
    assert_eq!(firsts, (0..2_000).collect::<Vec<_>>());

    without_a_broker(&log, &topic).await;
}

/// While no broker is there every call says so in time, and the same log works when it is back.
async fn without_a_broker(log: &KafkaLog, topic: &str) {
    let mut member = log.join(&unique("g"), &[topic.to_owned()]).await.expect("the group can be joined");
    assert_eq!(member.next(1).await.expect("the broker answers"), Delivery::Assigned(vec![0]));
    let end = log.bounds(topic, 0).await.expect("the broker answers").end;
    let at_end = [StartAt { topic: topic.to_owned(), offset: end }];
    member.start(0, &at_end).await.expect("the end is a place");
    in_background("kill-broker").await;

    let in_time = async {
        let appended = log.append(&[message(topic, 0, 1)]).await;
        assert!(matches!(appended, Err(LogError::Unavailable(_))), "{appended:?}");
        let bounds = log.bounds(topic, 0).await;
        assert!(matches!(bounds, Err(LogError::Unavailable(_))), "{bounds:?}");
        let next = member.next(1).await;
        assert!(matches!(next, Err(LogError::Unavailable(_))), "{next:?}");
    };
    tokio::time::timeout(Duration::from_secs(30), in_time).await.expect("every call answers in time");

    in_background("restart-broker").await;
    let back = async {
        while log.append(&[message(topic, 0, 5_000)]).await.is_err() {}
        loop {
            match member.next(10).await {
                Ok(Delivery::Records { records, .. }) if numbers(&records).contains(&5_000) => return,
                Ok(Delivery::Assigned(_)) => while member.start(0, &at_end).await.is_err() {},
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), back).await.expect("the log works again");
}
