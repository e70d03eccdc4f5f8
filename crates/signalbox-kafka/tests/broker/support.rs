//! A broker, and topics that no other test has.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use signalbox_kafka::{Cleanup, Config, KafkaLog, TopicSpec};
use signalbox_log::{
    Delivery, EventLog, Headers, LogError, Message, Offset, Record, Shard, StartAt, Subscription,
};

/// A variable that `scripts/kafka start` sets. Without a broker nothing of this program can be tested: it says so and
/// ends, without claiming that a test passed.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        let told = writeln!(
            std::io::stderr().lock(),
            "\n*** SKIPPED: all tests against Apache Kafka, because {name} is not set. ***\n\
             *** Start a broker first:  eval \"$(scripts/kafka start)\" ***\n"
        );
        std::process::exit(i32::from(told.is_err()));
    })
}

pub(crate) fn config() -> Config {
    Config::new([variable("SIGNALBOX_TEST_KAFKA")])
}

pub(crate) async fn connect() -> KafkaLog {
    KafkaLog::connect(config()).await.expect("the broker answers")
}

/// A name that no other test has, on whatever broker.
pub(crate) fn unique(name: &str) -> String {
    format!("test-{:016x}.{name}", RandomState::new().build_hasher().finish())
}

pub(crate) fn spec(name: &str, shards: u32) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        shards,
        replication: 1,
        retention_ms: Some(-1),
        cleanup: Cleanup::Delete,
        config: BTreeMap::new(),
    }
}

pub(crate) async fn make_topic(log: &KafkaLog, name: &str, shards: u32) {
    let admin = log.topic_admin().expect("the configuration is usable");
    admin.apply(&[spec(name, shards)]).await.expect("the topic can be made");
}

pub(crate) fn message(topic: &str, shard: Shard, number: usize) -> Message {
    let (topic, value) = (topic.to_owned(), number.to_string().into());
    Message { topic, shard, key: None, headers: Headers::default(), value }
}

pub(crate) fn numbers(records: &[Record]) -> Vec<usize> {
    let number = |record: &Record| String::from_utf8_lossy(&record.value).parse().expect("a number");
    records.iter().map(number).collect()
}

/// Appends a record, and with it the end of a transaction: an offset without a record.
pub(crate) fn in_a_transaction(topic: &str, value: &str) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", variable("SIGNALBOX_TEST_KAFKA"))
        .set("transactional.id", unique("transaction"))
        .create()
        .expect("a client can be made");
    producer.init_transactions(Duration::from_mins(1)).expect("the broker answers");
    producer.begin_transaction().expect("nothing else is open");
    let record = BaseRecord::<(), str>::to(topic).partition(0).payload(value);
    producer.send(record).map_err(|(error, _)| error).expect("the queue is empty");
    producer.commit_transaction(Duration::from_mins(1)).expect("the broker commits");
}

/// A log whose topics and groups have a prefix that its user does not see.
pub(crate) struct Prefixed {
    pub(crate) log: KafkaLog,
    pub(crate) prefix: String,
}

struct PrefixedSubscription {
    subscription: Box<dyn Subscription>,
    prefix: String,
}

impl Prefixed {
    pub(crate) async fn with_topics(topics: &[(&str, u32)]) -> Self {
        let prefixed = Self { log: connect().await, prefix: unique("") };
        let specs: Vec<TopicSpec> =
            topics.iter().map(|(name, shards)| spec(&prefixed.outside(name), *shards)).collect();
        let admin = prefixed.log.topic_admin().expect("the configuration is usable");
        admin.apply(&specs).await.expect("the topics can be made");
        prefixed
    }

    pub(crate) fn outside(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

fn inside(prefix: &str, name: &str) -> String {
    name.strip_prefix(prefix).expect("only topics with the prefix").to_owned()
}

fn inside_error(prefix: &str, error: LogError) -> LogError {
    match error {
        LogError::NoSuchShard { topic, shard } => {
            LogError::NoSuchShard { topic: inside(prefix, &topic), shard }
        }
        LogError::Replaced { topic, shard, wanted, end } => {
            LogError::Replaced { topic: inside(prefix, &topic), shard, wanted, end }
        }
        LogError::Overtaken { topic, shard, wanted, begin } => {
            LogError::Overtaken { topic: inside(prefix, &topic), shard, wanted, begin }
        }
        other => other,
    }
}

fn inside_records(prefix: &str, records: Vec<Record>) -> Vec<Record> {
    records
        .into_iter()
        .map(|record| Record { topic: inside(prefix, &record.topic).into(), ..record })
        .collect()
}

#[async_trait]
impl EventLog for Prefixed {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        let outside = |message: &Message| Message { topic: self.outside(&message.topic), ..message.clone() };
        let messages: Vec<Message> = messages.iter().map(outside).collect();
        self.log.append(&messages).await.map_err(|error| inside_error(&self.prefix, error))
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        let topics: Vec<String> = topics.iter().map(|topic| self.outside(topic)).collect();
        let joined = self.log.join(&self.outside(group), &topics).await;
        let subscription = joined.map_err(|error| inside_error(&self.prefix, error))?;
        Ok(Box::new(PrefixedSubscription { subscription, prefix: self.prefix.clone() }))
    }

    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let read = self.log.read(&self.outside(topic), shard, from, max).await;
        let records = read.map_err(|error| inside_error(&self.prefix, error))?;
        Ok(inside_records(&self.prefix, records))
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        let bounds = self.log.bounds(&self.outside(topic), shard).await;
        bounds.map_err(|error| inside_error(&self.prefix, error))
    }

    async fn ends(&self, places: &[(String, Shard)]) -> Result<Vec<Offset>, LogError> {
        let outside = places.iter().map(|(topic, shard)| (self.outside(topic), *shard));
        let ends = self.log.ends(&outside.collect::<Vec<_>>()).await;
        ends.map_err(|error| inside_error(&self.prefix, error))
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.log.shards(&self.outside(topic)).await
    }
}

impl PrefixedSubscription {
    fn outside(&self, positions: &[StartAt]) -> Vec<StartAt> {
        let outside = |at: &StartAt| StartAt { topic: format!("{}{}", self.prefix, at.topic), ..at.clone() };
        positions.iter().map(outside).collect()
    }
}

#[async_trait]
impl Subscription for PrefixedSubscription {
    async fn next(&mut self, max: usize) -> Result<Delivery, LogError> {
        let next = self.subscription.next(max).await;
        Ok(match next.map_err(|error| inside_error(&self.prefix, error))? {
            Delivery::Records { shard, records } => {
                Delivery::Records { shard, records: inside_records(&self.prefix, records) }
            }
            other => other,
        })
    }

    async fn start(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError> {
        let started = self.subscription.start(shard, &self.outside(positions)).await;
        started.map_err(|error| inside_error(&self.prefix, error))
    }

    async fn report(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError> {
        self.subscription.report(shard, &self.outside(positions)).await
    }
}
