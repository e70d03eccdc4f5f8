//! A hub that comes in with a password and through TLS; a topic is a boundary that the brokers guard.

use serde_json::{Value, json};
use signalbox_log::{Delivery, EventLog as _, Headers, LogError, Message, Record};

use super::{end, pass_over};
use crate::district::{District, eventually, list};
use crate::drops::through;
use crate::receiver::Receiver;
use crate::servers::{Servers, User};

/// An entry in the brokers' access lists, taken out again at the end.
struct Allowed<'a> {
    servers: &'a Servers,
    rule: Vec<String>,
}

impl<'a> Allowed<'a> {
    /// The vendor may do these operations on what `--topic` or `--group` names.
    fn to(servers: &'a Servers, operations: &[&str], on: &[&str]) -> Self {
        let who = ["--allow-principal".to_owned(), format!("User:{}", User::vendor().name)];
        let what = operations.iter().flat_map(|one| ["--operation", one]).chain(on.iter().copied());
        let rule: Vec<String> = who.into_iter().chain(what.map(str::to_owned)).collect();
        let allowed = Self { servers, rule };
        allowed.tell(&["--add"]);
        allowed
    }

    fn tell(&self, what: &[&str]) {
        let rule = self.rule.iter().map(String::as_str);
        self.servers.tool("AclCommand", &what.iter().copied().chain(rule).collect::<Vec<_>>());
    }
}

impl Drop for Allowed<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.tell(&["--remove", "--force"]);
        }
    }
}

/// From here on the hub comes in as this user.
fn come_in_as(district: &mut District, user: User) {
    let servers = district.servers.as_mut().expect("it is on servers");
    servers.user = Some(user);
    let sections = servers.sections();
    district.configure(|config| config.servers = sections);
}

fn secured(receiver: &Receiver) -> District {
    let mut servers = Servers::new();
    servers.user = Some(User::admin());
    let mut district = District::on(Some(servers), |config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    district
}

#[test]
fn a_hub_works_with_a_password_and_through_tls() {
    if pass_over("secured") {
        return;
    }
    let receiver = Receiver::start();
    let mut district = secured(&receiver);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    let running = district.start_run(&["ingest", "risk", "deliver"]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), (1002, 6, "A"), through(20)]);
    eventually("the second flag is told", || receiver.ids().len() == 2);
    end(running);

    let wrong = User { password: "not the password".to_owned(), ..User::admin() };
    come_in_as(&mut district, wrong);
    // A broker that takes longer than a look waits is away, as far as that can tell.
    let mut refused = district.run(&["status"]).exit(3);
    eventually("the broker answers, and says no", || {
        refused = district.run(&["status"]).exit(3);
        refused.told_failure().is_some()
    });
    let [error, help] = refused.failure();
    assert!(error.contains("Authentication failed") && !help.is_empty(), "{refused:?}");
    assert!(!refused.stderr.contains("not the password"), "{refused:?}");
}

#[test]
fn the_brokers_let_a_user_do_what_a_list_allows_and_no_more() {
    if pass_over("secured") {
        return;
    }
    let receiver = Receiver::start();
    let mut district = secured(&receiver);
    let events = district.count_events();

    come_in_as(&mut district, User::vendor());
    for args in
        [&["up", "--once"][..], &["run", "risk"], &["status"], &["events", "list"], &["topics", "apply"]]
    {
        let refused = district.run(args).exit(3);
        let [error, help] = refused.failure();
        assert!(refused.stdout.is_empty() && error.contains("authorization failed"), "{refused:?}");
        assert!(!help.is_empty(), "{refused:?}");
    }

    let servers = district.servers.as_ref().expect("it is on servers");
    let (roster, attendance) = (servers.topic("roster"), servers.topic("attendance"));
    assert_eq!(readable(servers), Vec::<String>::new());
    assert!(read(servers, &attendance).is_err() && read(servers, &roster).is_err());
    assert!(write(&attendance).is_err());

    let allowed = Allowed::to(servers, &["Read"], &["--topic", &attendance]);
    eventually("the list holds", || read(servers, &attendance).is_ok());
    let there: Vec<_> = servers.records("attendance").into_iter().map(|record| record.value).collect();
    let read_there = read(servers, &attendance).expect("it is allowed");
    assert_eq!(read_there.into_iter().map(|record| record.value).collect::<Vec<_>>(), there);
    assert_eq!(readable(servers), [attendance.as_str()]);
    assert!(read(servers, &roster).is_err() && write(&attendance).is_err());
    district.run(&["up", "--once"]).exit(3);
    drop(allowed);
    come_in_as(&mut district, User::admin());
    assert_eq!(district.count_events(), events, "nothing was written");

    come_in_as(&mut district, User::vendor());
    what_is_declared_is_enough(&mut district);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 2]);
}

/// What is declared for the hub's user is made by an administrator, and then it works.
fn what_is_declared_is_enough(district: &mut District) {
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), (1002, 6, "A"), through(20)]);
    let told = district.json(&["topics", "plan"]);
    assert_eq!(
        (&told["access_lists"], states(&told)),
        (&json!("hidden"), vec![Value::Null, Value::Null]),
        "{told}"
    );
    let text = district.command().args(["topics", "plan"]).output().expect("the binary starts").stdout;
    let text = String::from_utf8_lossy(&text);
    assert_eq!(text.matches("kafka-acls").count(), 2, "who cannot see them is told what to ask for: {text}");

    declare(district, &format!(", administrator: {}", administrator()));
    let told = district.json(&["topics", "plan"]);
    assert_eq!((&told["access_lists"], states(&told)), (&json!("shown"), vec![json!("create"); 2]), "{told}");
    district.json(&["topics", "apply"]);
    eventually("the brokers show it", || {
        states(&district.json(&["topics", "plan"])) == [json!("ok"), json!("ok")]
    });
    eventually("the hub works", || district.run(&["up", "--once"]).status.code() == Some(0));
}

#[test]
fn readers_read_the_domains_that_are_declared() {
    if pass_over("secured") {
        return;
    }
    let receiver = Receiver::start();
    let mut district = secured(&receiver);
    let vendor = User::vendor().name;
    declare(&mut district, &format!(", readers: [{{user: {vendor}, domains: [attendance]}}]"));
    let servers = district.servers.as_ref().expect("it is on servers");
    let (roster, attendance) = (servers.topic("roster"), servers.topic("attendance"));
    assert!(read(servers, &attendance).is_err());

    let made = district.json(&["topics", "apply"]);
    let access = list(made["access"].clone());
    let of_reader = |entry: &&Value| entry["principal"] == format!("User:{vendor}");
    let names: Vec<&str> =
        access.iter().filter(of_reader).filter_map(|entry| entry["name"].as_str()).collect();
    assert_eq!(names, [attendance.as_str(), &format!("{vendor}.")]);
    eventually("the reader reads", || read(servers, &attendance).is_ok());
    assert_eq!(readable(servers), [attendance.as_str()]);
    assert!(read(servers, &roster).is_err() && write(&attendance).is_err());
    let group = format!("{vendor}.report");
    let joined = as_vendor(async |kafka| {
        let mut member = kafka.join(&group, std::slice::from_ref(&attendance)).await?;
        member.next(1).await
    });
    assert!(matches!(joined, Ok(Delivery::Assigned(_))), "with a group of its own: {joined:?}");

    let not_declared = || list(district.json(&["topics", "plan"])["not_declared"].clone());
    assert_eq!(not_declared(), Vec::<Value>::new());
    let wider = Allowed::to(servers, &["Read"], &["--topic", &roster]);
    eventually("what nobody declared is told of", || not_declared().len() == 1);
    let told = &not_declared()[0];
    assert_eq!((&told["name"], &told["operation"]), (&json!(roster), &json!("Read")));
    district.json(&["topics", "apply"]);
    assert_eq!(not_declared().len(), 1, "it is left");
    drop(wider);
}

/// From here on the section `kafka` has these keys too.
fn declare(district: &mut District, more: &str) {
    let servers = district.servers.as_mut().expect("it is on servers");
    more.clone_into(&mut servers.more);
    let sections = servers.sections();
    district.configure(|config| config.servers = sections);
}

fn administrator() -> String {
    let user = User::admin().name;
    format!("{{user: {user}, password: \"SECRET[env.SIGNALBOX_TEST_KAFKA_PASSWORD]\"}}")
}

fn states(told: &Value) -> Vec<Value> {
    list(told["access"].clone()).iter().map(|entry| entry["state"].clone()).collect()
}

/// The hub's topics that the vendor sees.
fn readable(servers: &Servers) -> Vec<String> {
    let mut topics = as_vendor(async |kafka| kafka.topics().await).expect("the broker answers");
    topics.retain(|topic| topic.starts_with(&format!("{}.", servers.prefix)));
    topics
}

/// What the vendor reads of a topic.
fn read(servers: &Servers, topic: &str) -> Result<Vec<Record>, LogError> {
    as_vendor(async |kafka| {
        let mut all = Vec::new();
        for shard in 0..servers.shards {
            all.extend(kafka.read(topic, shard, 0, 10_000).await?);
        }
        Ok(all)
    })
}

fn write(topic: &str) -> Result<(), LogError> {
    let message = Message {
        topic: topic.to_owned(),
        shard: 0,
        key: Some("a key".into()),
        headers: Headers::default(),
        value: "not an event".into(),
    };
    as_vendor(async |kafka| kafka.append(&[message]).await)
}

fn as_vendor<T>(
    work: impl AsyncFnOnce(signalbox_kafka::KafkaLog) -> Result<T, LogError>,
) -> Result<T, LogError> {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let done = runtime.block_on(async { work(User::vendor().kafka().await).await });
    runtime.shutdown_background();
    done
}
