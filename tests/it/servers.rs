//! A hub on Kafka and PostgreSQL for a test: a prefix and a schema of its own, removed at the end.
//!
//! With `SIGNALBOX_TEST_ON=servers` every district of these tests stands on them, else it is embedded. Where the servers
//! are is said by `scripts/kafka start` and `scripts/postgres start`.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use signalbox_kafka::{Config, KafkaLog, Scram, Tls};
use signalbox_log::{EventLog, Record};

use crate::binary;

/// Fewer than in life: a test makes and removes them all.
pub(crate) const SHARDS: u32 = 3;

static MADE: AtomicU32 = AtomicU32::new(0);

/// Whether districts stand on servers.
pub(crate) fn asked_for() -> bool {
    match std::env::var("SIGNALBOX_TEST_ON").as_deref() {
        Ok("servers") => true,
        Ok("files") | Err(_) => false,
        Ok(other) => panic!("SIGNALBOX_TEST_ON is servers or files, not {other}"),
    }
}

/// The environment variable that says where a server is.
pub(crate) fn place(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: eval \"$(scripts/kafka start)\"; eval \"$(scripts/postgres start)\"")
    })
}

#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) prefix: String,
    pub(crate) shards: u32,
    brokers: String,
    database: String,
    /// Settings of the hub's connections to the database, as `name=value`.
    pub(crate) settings: Vec<&'static str>,
    /// As whom the hub comes in, with a password and through TLS. `None`: openly.
    pub(crate) user: Option<User>,
    /// More keys of the section `kafka`, each after a comma.
    pub(crate) more: String,
}

/// A user of the brokers.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
}

impl User {
    /// Who may do everything.
    pub(crate) fn admin() -> Self {
        Self { name: place("SIGNALBOX_TEST_KAFKA_USER"), password: place("SIGNALBOX_TEST_KAFKA_PASSWORD") }
    }

    /// Who may do what an access list says; at first nothing.
    pub(crate) fn vendor() -> Self {
        Self {
            name: place("SIGNALBOX_TEST_KAFKA_VENDOR_USER"),
            password: place("SIGNALBOX_TEST_KAFKA_VENDOR_PASSWORD"),
        }
    }

    /// The rest of the section `kafka`.
    fn keys(&self) -> String {
        format!(
            ", tls: {{ca: {}}}, scram_sha_512: {{user: {}, password: \"SECRET[env.KAFKA_PASSWORD]\"}}",
            place("SIGNALBOX_TEST_KAFKA_CA"),
            self.name
        )
    }

    /// A client of the brokers.
    pub(crate) async fn kafka(&self) -> KafkaLog {
        let tls = Tls { ca: Some(place("SIGNALBOX_TEST_KAFKA_CA").into()) };
        let scram = Scram { user: self.name.clone(), password: self.password.clone().into() };
        let brokers = Config::new([place("SIGNALBOX_TEST_KAFKA_TLS")]);
        let config = Config { tls: Some(tls), scram: Some(scram), ..brokers };
        KafkaLog::connect(config).await.expect("the broker answers")
    }
}

impl Servers {
    /// Of names that nobody has used.
    pub(crate) fn new() -> Self {
        Self::at(place("SIGNALBOX_TEST_KAFKA"), place("SIGNALBOX_TEST_POSTGRES"))
    }

    /// Of names that nobody has used, on these.
    pub(crate) fn at(brokers: String, database: String) -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self {
            prefix: format!("t{}n{number}", std::process::id()),
            shards: SHARDS,
            brokers,
            database,
            settings: Vec::new(),
            user: None,
            more: String::new(),
        }
    }

    /// Named and cut as an embedded hub. One test at a time may have them.
    pub(crate) fn like_embedded() -> Self {
        let mut servers = Self::new();
        servers.shards = 12;
        "k12".clone_into(&mut servers.prefix);
        servers
    }

    /// The sections of `signalbox.yaml`.
    pub(crate) fn sections(&self) -> String {
        let Self { prefix, shards, more, .. } = self;
        let (brokers, keys) = match &self.user {
            None => (self.brokers.clone(), String::new()),
            Some(user) => (place("SIGNALBOX_TEST_KAFKA_TLS"), user.keys()),
        };
        format!(
            "log: {{kafka: {{brokers: [\"{brokers}\"], prefix: {prefix}, shards: {shards}, replication: 1{keys}{more}}}}}\n\
             store: {{postgres: {{url: \"SECRET[env.DATABASE_URL]\"}}}}\n"
        )
    }

    /// What the secret of the sections says.
    pub(crate) fn database_url(&self) -> String {
        let set: Vec<String> = self.settings.iter().map(|setting| format!("-c%20{setting}")).collect();
        format!("{}?schema={}&options={}", self.database, self.prefix, set.join("%20"))
    }

    /// Removes topics and tables.
    pub(crate) fn remove(&self) {
        self.remove_topics();
        let dropped = self.sql(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.prefix));
        assert!(dropped.is_some(), "the schema is dropped");
    }

    /// With every record in them.
    pub(crate) fn remove_topics(&self) {
        let of_this = format!("{}.", self.prefix);
        self.on_kafka(async |kafka| {
            let mut topics = kafka.topics().await.expect("the broker answers");
            topics.retain(|topic| topic.starts_with(&of_this));
            let admin = kafka.topic_admin().expect("a client");
            admin.delete(&topics).await.expect("topics can be deleted");
        });
    }

    /// Work with a client of the brokers.
    pub(crate) fn on_kafka<T>(&self, work: impl AsyncFnOnce(KafkaLog) -> T) -> T {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let done = runtime.block_on(async {
            work(KafkaLog::connect(Config::new([&self.brokers])).await.expect("the broker answers")).await
        });
        runtime.shutdown_background();
        done
    }

    pub(crate) fn brokers(&self) -> &str {
        &self.brokers
    }

    pub(crate) fn topic(&self, domain: &str) -> String {
        format!("{}.{domain}.events.v1", self.prefix)
    }

    /// One of Kafka's own tools that look after a cluster, of the package `org.apache.kafka.tools`.
    pub(crate) fn tool(&self, class: &str, args: &[&str]) {
        Self::bare_tool(class, &[&["--bootstrap-server", &self.brokers], args].concat());
    }

    /// As [`tool`](Self::tool), for one that is told in another way where the brokers are.
    pub(crate) fn bare_tool(class: &str, args: &[&str]) {
        let out = Command::new(binary::root().join("scripts/kafka"))
            .args(["tool", &format!("org.apache.kafka.tools.{class}")])
            .args(args)
            .output()
            .expect("the script starts");
        assert!(out.status.success(), "{class} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Every record of a domain's topic, by shard and offset.
    pub(crate) fn records(&self, domain: &str) -> Vec<Record> {
        let topic = self.topic(domain);
        self.on_kafka(async |kafka| {
            let mut all = Vec::new();
            for shard in 0..self.shards {
                let bounds = kafka.bounds(&topic, shard).await.expect("the broker answers");
                let mut next = bounds.start;
                while next < bounds.end {
                    let page = kafka.read(&topic, shard, next, 10_000).await.expect("the broker answers");
                    next = page.last().map_or(bounds.end, |last| last.offset + 1);
                    all.extend(page);
                }
            }
            all
        })
    }

    /// What a statement answers; `None` when it fails.
    pub(crate) fn sql(&self, statement: &str) -> Option<String> {
        let out = Command::new("psql")
            .args([&self.database, "-v", "ON_ERROR_STOP=1", "-qtAc", statement])
            .output()
            .expect("psql comes with PostgreSQL");
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }
}

/// Nobody writes into a table while this lives.
#[derive(Debug)]
pub(crate) struct Locked(Child);

impl Servers {
    pub(crate) fn lock(&self, table: &str) -> Locked {
        let mut psql = Command::new("psql")
            .args([&self.database, "-q"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("psql comes with PostgreSQL");
        let lock = format!("BEGIN; LOCK TABLE {}.{table} IN SHARE MODE;\n", self.prefix);
        psql.stdin.as_mut().expect("it is piped").write_all(lock.as_bytes()).expect("psql listens");
        Locked(psql)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // The end of what it reads ends it, and with it the transaction.
        drop(self.0.stdin.take());
        assert!(self.0.wait().is_ok_and(|status| status.success()), "psql ends well");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // A failed test may have stopped the servers; its own message counts.
        if !std::thread::panicking() {
            self.remove();
        }
    }
}
