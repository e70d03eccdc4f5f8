//! Encrypted, with users, and only what an access control list allows.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use signalbox_kafka::acl::{Entry, Operation, Pattern, Permission, Resource};
use signalbox_kafka::{AccessError, AccessLists, Config, KafkaLog, Scram, Tls};
use signalbox_log::{EventLog, LogError};

use crate::support::{connect, make_topic, message, numbers, unique, variable};

/// Through the listener that asks who comes.
fn secured(user: String, password: String) -> Config {
    let ca = Some(PathBuf::from(variable("SIGNALBOX_TEST_KAFKA_CA")));
    Config {
        tls: Some(Tls { ca }),
        scram: Some(Scram { user, password: password.into() }),
        timeout: Duration::from_secs(10),
        ..Config::new([variable("SIGNALBOX_TEST_KAFKA_TLS")])
    }
}

fn admin() -> Config {
    secured(variable("SIGNALBOX_TEST_KAFKA_USER"), variable("SIGNALBOX_TEST_KAFKA_PASSWORD"))
}

fn vendor() -> Config {
    secured(variable("SIGNALBOX_TEST_KAFKA_VENDOR_USER"), variable("SIGNALBOX_TEST_KAFKA_VENDOR_PASSWORD"))
}

/// Nobody waits for clients that come in, or that end, when a process ends: it must not crash over them.
#[test]
fn a_process_ends_in_the_midst_of_encryption() {
    const CHILD: &str = "SIGNALBOX_TEST_ENDS_AT_ONCE";
    if std::env::var_os(CHILD).is_some() {
        ends_at_once();
    }
    let this = std::env::current_exe().expect("a program knows where it is");
    for _ in 0..10 {
        let child = Command::new(&this)
            .args(["--exact", "security::a_process_ends_in_the_midst_of_encryption"])
            .env(CHILD, "yes")
            .output()
            .expect("the program starts");
        assert_eq!(child.status.code(), Some(7), "{}: {child:?}", child.status);
    }
}

/// Exits when the first of many clients is in: the others are about to be.
fn ends_at_once() -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    let clients: Vec<_> =
        (0..30).map(|_| KafkaLog::new(admin()).expect("the configuration is usable")).collect();
    runtime.block_on(clients[0].answers()).expect("the broker lets its administrator in");
    std::process::exit(7)
}

#[tokio::test]
async fn a_user_without_an_acl_reads_nothing() {
    let topic = unique("private");
    let log = KafkaLog::connect(admin()).await.expect("the broker lets its administrator in");
    make_topic(&log, &topic, 1).await;
    log.append(&[message(&topic, 0, 1)]).await.expect("the log takes it");
    assert_eq!(numbers(&log.read(&topic, 0, 0, 10).await.expect("the topic is there")), [1]);

    let vendor = KafkaLog::connect(vendor()).await.expect("the broker knows the vendor");
    let read = vendor.read(&topic, 0, 0, 10).await;
    assert!(matches!(read, Err(LogError::Failed(_) | LogError::NoSuchShard { .. })), "{read:?}");
    let appended = vendor.append(&[message(&topic, 0, 2)]).await;
    assert!(matches!(appended, Err(LogError::Failed(_) | LogError::NoSuchShard { .. })), "{appended:?}");
    let joined = vendor.join("vendor", std::slice::from_ref(&topic)).await.err();
    assert!(matches!(joined, Some(LogError::Failed(_) | LogError::NoSuchShard { .. })), "{joined:?}");
    assert_eq!(numbers(&log.read(&topic, 0, 0, 10).await.expect("the topic is there")), [1]);
}

/// An access control list opens one topic, and no other.
#[tokio::test]
async fn a_user_reads_what_an_acl_allows() {
    let (shared, private) = (unique("shared"), unique("private"));
    let log = connect().await;
    for topic in [&shared, &private] {
        make_topic(&log, topic, 1).await;
        log.append(&[message(topic, 0, 1)]).await.expect("the log takes it");
    }
    allow_to_read(&variable("SIGNALBOX_TEST_KAFKA_VENDOR_USER"), &shared);
    let vendor = KafkaLog::connect(vendor()).await.expect("the broker knows the vendor");
    let read = vendor.read(&shared, 0, 0, 10).await;
    assert_eq!(numbers(&read.expect("the vendor may read it")), [1]);
    assert!(vendor.read(&private, 0, 0, 10).await.is_err(), "nobody allowed this one");
    assert!(vendor.append(&[message(&shared, 0, 2)]).await.is_err(), "reading is not writing");
}

/// What is added here is what Kafka's own tool lists and the brokers go by: nothing wider, nothing else.
#[tokio::test]
async fn entries_are_added_as_they_are_written() {
    let (one, begin) = (unique("one"), unique("begin"));
    let log = KafkaLog::connect(admin()).await.expect("the broker lets its administrator in");
    let longer = format!("{begin}.longer");
    for topic in [&one, &longer] {
        make_topic(&log, topic, 1).await;
        log.append(&[message(topic, 0, 1)]).await.expect("the log takes it");
    }
    let care = log.topic_admin().expect("the configuration is usable");
    let user = variable("SIGNALBOX_TEST_KAFKA_VENDOR_USER");
    let entry = |pattern, name: &str, operation| Entry {
        resource: Resource::Topic,
        pattern,
        name: name.to_owned(),
        principal: format!("User:{user}"),
        host: "*".to_owned(),
        operation,
        permission: Permission::Allow,
    };
    let entries = vec![
        entry(Pattern::Literal, &one, Operation::Describe),
        entry(Pattern::Prefixed, &format!("{begin}."), Operation::Read),
    ];
    care.allow(entries.clone()).await.expect("the administrator may");
    care.allow(entries.clone()).await.expect("what is there is none the worse");

    let there = async || match care.access().await.expect("the broker answers") {
        AccessLists::Entries(all) => {
            all.into_iter().filter(|entry| entries.iter().any(|e| e.name == entry.name)).collect()
        }
        other @ AccessLists::NotShown => panic!("the administrator sees them: {other:?}"),
    };
    let mut shown: Vec<Entry> = there().await;
    shown.sort_by_key(|entry| entry.pattern);
    assert_eq!(shown, entries);
    let listed = acls(&["--list", "--topic", &one]);
    assert!(listed.contains("operation=DESCRIBE") && !listed.contains("operation=READ"), "{listed}");
    let listed = acls(&["--list", "--resource-pattern-type", "prefixed", "--topic", &format!("{begin}.")]);
    assert!(listed.contains("patternType=PREFIXED") && listed.contains("operation=READ"), "{listed}");

    let vendor = KafkaLog::connect(vendor()).await.expect("the broker knows the vendor");
    assert_eq!(numbers(&vendor.read(&longer, 0, 0, 10).await.expect("the vendor may read it")), [1]);
    assert!(vendor.read(&one, 0, 0, 10).await.is_err(), "to see that it is there is not to read it");
}

#[tokio::test]
async fn access_lists_are_not_everybodys() {
    let vendor = KafkaLog::connect(vendor()).await.expect("the broker knows the vendor");
    let care = vendor.topic_admin().expect("the configuration is usable");
    assert_eq!(care.access().await.expect("the broker answers"), AccessLists::NotShown);
    let everything = Entry {
        resource: Resource::Topic,
        pattern: Pattern::Literal,
        name: "*".to_owned(),
        principal: format!("User:{}", variable("SIGNALBOX_TEST_KAFKA_VENDOR_USER")),
        host: "*".to_owned(),
        operation: Operation::All,
        permission: Permission::Allow,
    };
    let refused = care.allow(vec![everything]).await;
    assert!(matches!(refused, Err(AccessError::NotAllowed)), "{refused:?}");
}

/// With Kafka's own tool.
fn allow_to_read(user: &str, topic: &str) {
    acls(&["--add", "--allow-principal", &format!("User:{user}"), "--operation", "Read", "--topic", topic]);
}

/// Kafka's own tool for access lists; what it says.
fn acls(args: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka");
    let broker = variable("SIGNALBOX_TEST_KAFKA");
    let tool = ["tool", "org.apache.kafka.tools.AclCommand", "--bootstrap-server", &broker];
    let done = Command::new(script).args(tool).args(args).output().expect("the script can be run");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Retrying does not help, so it is not "unavailable".
#[tokio::test]
async fn a_wrong_password_is_said_so() {
    let wrong = secured(variable("SIGNALBOX_TEST_KAFKA_USER"), "wrong".to_owned());
    let refused = KafkaLog::connect(Config { timeout: Duration::from_secs(3), ..wrong }).await;
    let Err(LogError::Failed(why)) = refused else {
        panic!("a wrong password gets in or waits: {refused:?}")
    };
    assert!(why.to_string().contains("refuse"), "{why}");
}

#[tokio::test]
async fn an_unknown_authority_is_not_believed() {
    let stranger = Config { tls: Some(Tls { ca: None }), timeout: Duration::from_secs(3), ..admin() };
    let refused = KafkaLog::connect(stranger).await;
    assert!(matches!(refused, Err(LogError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn who_needs_no_password_needs_none() {
    let topic = unique("open");
    make_topic(&connect().await, &topic, 1).await;
    assert_eq!(connect().await.shards(&topic).await.expect("the broker answers"), Some(1));
}
