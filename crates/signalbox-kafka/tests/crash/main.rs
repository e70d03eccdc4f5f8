//! A broker that is killed or does not answer. A program of its own: the other tests need theirs alive.

#[path = "../broker/support.rs"]
#[expect(dead_code, reason = "made for the other tests")]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use signalbox_kafka::{Config, KafkaLog};
use signalbox_log::{Delivery, EventLog, LogError, Message, StartAt};
use tokio::sync::Mutex;

use crate::support::{config, make_topic, message, numbers, unique, variable};

/// How long a call waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longer than `broker.session.timeout.ms`, which is 9 s where nobody set it.
const TAKEN_FOR_DEAD: Duration = Duration::from_secs(11);

/// Each of these tests needs the broker for itself.
static BROKER: Mutex<()> = Mutex::const_new(());

/// A log, and a topic that no other test has.
async fn fresh(shards: u32) -> (KafkaLog, String) {
    let log = KafkaLog::connect(Config { timeout: TIMEOUT, ..config() }).await.expect("the broker answers");
    let topic = unique("crash");
    make_topic(&log, &topic, shards).await;
    (log, topic)
}

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

/// While it lives the broker answers nobody.
struct Frozen;

impl Frozen {
    fn now() -> Self {
        broker("freeze-broker");
        Self
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        broker("thaw-broker");
    }
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
    let _one_at_a_time = BROKER.lock().await;
    let (log, topic) = fresh(1).await;
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

    is_unavailable(log.append(&[message(topic, 0, 1)])).await;
    // More than the producer's queue holds.
    let large = Message { value: vec![0; 1 << 20].into(), ..message(topic, 0, 1) };
    is_unavailable(log.append(&vec![large; 80])).await;
    is_unavailable(log.bounds(topic, 0)).await;
    is_unavailable(log.read(topic, 0, 0, 1)).await;
    is_unavailable(log.members("g")).await;
    is_unavailable(member.next(1)).await;
    dropping_does_not_wait(log, topic).await;

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

/// The call ends within the timeout, and says that it may be repeated.
async fn is_unavailable<T: std::fmt::Debug>(call: impl Future<Output = Result<T, LogError>>) {
    let begun = Instant::now();
    let answer = tokio::time::timeout(2 * TIMEOUT, call).await.expect("an answer comes in time");
    assert!(matches!(answer, Err(LogError::Unavailable(_))), "{answer:?} after {:?}", begun.elapsed());
}

/// Neither a call that nobody waits for any more, nor a member, nor the log keeps its user, whoever does not answer.
async fn dropping_does_not_wait(log: &KafkaLog, topic: &str) {
    let (log, topic) = (log.clone(), topic.to_owned());
    let ended = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads start");
        runtime.block_on(async {
            let messages = [message(&topic, 0, 1)];
            let call = async { tokio::join!(log.bounds(&topic, 0), log.append(&messages)) };
            let call = tokio::time::timeout(Duration::from_millis(100), call).await;
            assert!(call.is_err(), "nobody answers: {call:?}");
        });
        drop(log);
        drop(runtime);
        begun.elapsed()
    });
    let took = ended.await.expect("nothing panics");
    assert!(took < Duration::from_secs(1), "the end of the calls was waited for: {took:?}");
}

/// A member and its log that end while the broker is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_a_dead_broker_does_not_take_long() {
    let _one_at_a_time = BROKER.lock().await;
    let (log, topic) = fresh(1).await;
    let member = log.join(&unique("g"), std::slice::from_ref(&topic)).await;
    let mut member = member.expect("the group can be joined");
    assert_eq!(member.next(1).await.expect("the broker answers"), Delivery::Assigned(vec![0]));
    member.start(0, &[]).await.expect("the shard is in hand");
    in_background("kill-broker").await;
    let begun = Instant::now();
    drop(member);
    log.close(Duration::from_secs(2)).await;
    drop(log);
    let took = begun.elapsed();
    in_background("restart-broker").await;
    assert!(took < Duration::from_secs(3), "took {took:?}");
}

/// A full queue of the producer is waited for: the broker is there, but slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_holds_up_its_writer() {
    const MESSAGES: usize = 150_000;
    let _one_at_a_time = BROKER.lock().await;
    let (log, topic) = fresh(1).await;
    // The first one finds the way.
    log.append(&[message(&topic, 0, 0)]).await.expect("the broker answers");
    let messages: Vec<_> = (1..MESSAGES).map(|number| message(&topic, 0, number)).collect();
    let frozen = Frozen::now();
    let mut append = std::pin::pin!(log.append(&messages));
    let early = tokio::time::timeout(TIMEOUT / 3, &mut append).await;
    drop(frozen);
    assert!(early.is_err(), "the queue holds 100,000: {early:?}");
    append.await.expect("the broker is back");
    let bounds = log.bounds(&topic, 0).await.expect("the broker answers");
    assert_eq!(bounds, 0..MESSAGES as u64, "nothing is missing or there twice");
    let last = log.read(&topic, 0, bounds.end - 1, 1).await.expect("the broker answers");
    assert_eq!(numbers(&last), [MESSAGES - 1]);
}

/// A broker that was paused so long that its controller took it for dead: for a moment it tells clients of no broker at
/// all, and some of them forget it over that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_knows_of_none_is_not_forgotten() {
    let _one_at_a_time = BROKER.lock().await;
    let (log, topic) = fresh(1).await;
    let member = log.join(&unique("g"), std::slice::from_ref(&topic)).await;
    let mut member = member.expect("the group can be joined");
    for number in 0..3 {
        let frozen = Frozen::now();
        tokio::time::sleep(TAKEN_FOR_DEAD).await;
        drop(frozen);
        let goes_on = async {
            while log.append(&[message(&topic, 0, number)]).await.is_err() {}
            loop {
                match member.next(10).await {
                    Ok(Delivery::Records { records, .. }) if numbers(&records).contains(&number) => return,
                    Ok(Delivery::Assigned(_)) => while member.start(0, &[]).await.is_err() {},
                    Ok(_) | Err(LogError::Unavailable(_)) => {}
                    Err(error) => panic!("it may not be repeated: {error:?}"),
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), goes_on).await.expect("the member goes on");
    }
}

/// A broker that does not answer but keeps its connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_broker_is_waited_for() {
    let _one_at_a_time = BROKER.lock().await;
    let (log, topic) = fresh(1).await;
    let member = log.join(&unique("g"), std::slice::from_ref(&topic)).await;
    let mut member = member.expect("the group can be joined");
    assert_eq!(member.next(1).await.expect("the broker answers"), Delivery::Assigned(vec![0]));
    member.start(0, &[]).await.expect("the shard is in hand");
    let frozen = Frozen::now();
    is_unavailable(log.append(&[message(&topic, 0, 1)])).await;
    is_unavailable(log.bounds(&topic, 0)).await;
    drop(frozen);

    let goes_on = async {
        while log.append(&[message(&topic, 0, 2)]).await.is_err() {}
        loop {
            match member.next(10).await {
                // The first may be in or not.
                Ok(Delivery::Records { records, .. }) if numbers(&records).contains(&2) => return,
                Ok(Delivery::Assigned(_)) => while member.start(0, &[]).await.is_err() {},
                Ok(_) | Err(LogError::Unavailable(_)) => {}
                Err(error) => panic!("it may not be repeated: {error:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), goes_on).await.expect("the member goes on");
}
