//! A hub on Apache Kafka and PostgreSQL: connecting, and what must be there before it starts. `ask`: though one be away.

pub(super) mod ask;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use secrecy::{ExposeSecret, SecretString};
use signalbox_connector::Secret;
use signalbox_event::Domain;
use signalbox_event::topic::{DEFAULT_PREFIX, DEFAULT_SHARDS};
use signalbox_hub::Topics;
use signalbox_kafka::{Cleanup, Config, KafkaLog, Scram, Tls, TopicSpec};
use signalbox_log::{EventLog, LogError, OverlayLog};
use signalbox_sql::postgres::{self, Database, OpenError, Options, Reach};

use super::{Stores, embedded};
use crate::config::Servers;
use crate::config::rules::is_loopback;
use crate::config::sections::{self, Kafka};
use crate::consumers::CONSUMERS;
use crate::exit::Failure;

/// Copies of every record unless configured otherwise: one broker may be lost and another be away.
const DEFAULT_REPLICATION: u16 = 3;
/// Two school years and the summer after: whoever is folded again needs the year that runs and the one before.
const RETENTION: Duration = Duration::from_hours(24 * 800);
/// Reference data is folded from its beginning.
const FOR_EVER: i64 = -1;
/// How long a person's command waits for an answer of the brokers.
const COMMAND_WAITS: Duration = Duration::from_secs(10);
/// How long leaving the groups may take at the end.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

pub(super) use signalbox_sql::postgres::Scratch;

/// Connections to both.
pub(crate) struct Connected {
    pub(crate) kafka: KafkaLog,
    pub(crate) database: Database,
}

impl Connected {
    /// Leaves the groups. The shards of a command go to others at once, those of a process that runs on once it has
    /// stayed away for the session timeout.
    pub(crate) async fn close(&self) {
        self.kafka.close(LEAVE_WITHIN).await;
        self.database.close().await;
    }
}

/// Connects to both, and sees that they are as the hub needs them.
/// `instance` names a process that runs on.
pub(super) async fn connect(
    servers: &Servers,
    base: &Path,
    instance: Option<&str>,
) -> Result<Connected, Failure> {
    let mut config = kafka_config(&servers.kafka, base)?;
    match instance {
        Some(instance) => config.instance = Some(instance.to_owned()),
        None => config.timeout = COMMAND_WAITS,
    }
    let kafka = KafkaLog::connect(config).await.map_err(not_let_in)?;
    check_topics(&kafka, &topics(servers)).await?;
    let url = database_url(servers, base)?;
    let database = postgres::connect(url.expose_secret(), &Options::default()).await?;
    Ok(Connected { kafka, database })
}

/// What the hub works on.
pub(super) fn stores(connected: &Connected, topics: Topics) -> Stores {
    let (state, feeds) = (Arc::new(connected.database.state()), Arc::new(connected.database.feeds()));
    let log = Arc::new(connected.kafka.clone());
    Stores { topics, log, states: state.clone(), outbox: state, feeds }
}

/// As [`stores`], for a trial: the log is only read, and what is appended goes to a file in `folder`; the tables are
/// copies.
pub(super) async fn stores_of_copy(
    connected: &Connected,
    topics: Topics,
    copy: &Scratch,
    folder: &Path,
) -> Result<Stores, Failure> {
    let appended = embedded::log(folder, &topics).await?;
    let log = Arc::new(OverlayLog::new(Arc::new(connected.kafka.clone()), appended));
    let (state, feeds) = (Arc::new(copy.database().state()), Arc::new(copy.database().feeds()));
    Ok(Stores { topics, log, states: state.clone(), outbox: state, feeds })
}

/// Takes a copy away again.
pub(super) async fn remove(copy: Scratch) -> Result<(), Failure> {
    Ok(copy.remove().await?)
}

/// Copies the tables, on their server.
pub(super) async fn copy(servers: &Servers, base: &Path) -> Result<Scratch, Failure> {
    let url = database_url(servers, base)?;
    Ok(postgres::scratch_copy(url.expose_secret(), &Options::default()).await?)
}

/// Connects to the brokers, whatever topics they have.
pub(super) async fn connect_kafka(kafka: &Kafka, base: &Path) -> Result<KafkaLog, Failure> {
    KafkaLog::connect(kafka_config(kafka, base)?).await.map_err(not_let_in)
}

/// As [`connect_kafka`], as the administrator if one is configured.
pub(crate) async fn connect_administrator(kafka: &Kafka, base: &Path) -> Result<KafkaLog, Failure> {
    let who = kafka.administrator.as_ref().or(kafka.scram_sha_512.as_ref());
    KafkaLog::connect(kafka_config_as(who, kafka, base)?).await.map_err(not_let_in)
}

fn kafka_config(kafka: &Kafka, base: &Path) -> Result<Config, Failure> {
    kafka_config_as(kafka.scram_sha_512.as_ref(), kafka, base)
}

fn kafka_config_as(who: Option<&sections::Scram>, kafka: &Kafka, base: &Path) -> Result<Config, Failure> {
    let scram = match who {
        Some(scram) => {
            Some(Scram { user: scram.user.clone(), password: resolve(&scram.password, base, "log.kafka")? })
        }
        None => None,
    };
    let tls = kafka.tls.as_ref().map(|tls| Tls { ca: tls.ca.as_ref().map(|ca| base.join(ca)) });
    Ok(Config { tls, scram, ..Config::new(&kafka.brokers) })
}

/// Where the database is, with the password.
/// Another machine is reached encrypted and verified, unless the configuration says by name that it need not be.
pub(crate) fn database_url(servers: &Servers, base: &Path) -> Result<SecretString, Failure> {
    let url = resolve(&servers.postgres.url, base, "store.postgres.url")?;
    if servers.postgres.plaintext {
        return Ok(url);
    }
    match postgres::reach(url.expose_secret())? {
        Reach::Socket | Reach::Verified => Ok(url),
        Reach::Unsaid { host } | Reach::Open { host } if is_loopback(&host) => Ok(url),
        Reach::Unsaid { .. } => Ok(postgres::verifying(url.expose_secret())?.into()),
        Reach::Open { host } => Err(Failure::input(
            anyhow!("students' records would go to PostgreSQL on {host} without a verified connection"),
            "write sslmode=verify-full into the URL (and sslrootcert=… for an authority of your own), or, where the network \
             itself is trusted, `plaintext: true` beside it",
        )),
    }
}

fn resolve(secret: &Secret, base: &Path, key: &str) -> Result<SecretString, Failure> {
    secret
        .resolve(base)
        .map_err(|error| Failure::environment(error, format!("{key} needs it; set it and start again")))
}

/// How topics are named and cut here.
pub(crate) fn topics(servers: &Servers) -> Topics {
    let Kafka { prefix, shards, .. } = &*servers.kafka;
    Topics {
        prefix: prefix.clone().unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
        shards: shards.unwrap_or(DEFAULT_SHARDS),
        consumers: CONSUMERS,
    }
}

/// Every topic that the hub needs, as declared.
pub(crate) fn declared(servers: &Servers) -> Vec<TopicSpec> {
    let topics = topics(servers);
    let reference = topics.name(Domain::Reference);
    let spec = |(name, shards): (String, u32)| TopicSpec {
        retention_ms: Some(if name == reference { FOR_EVER } else { RETENTION.as_millis() as i64 }),
        replication: servers.kafka.replication.unwrap_or(DEFAULT_REPLICATION),
        cleanup: Cleanup::Delete,
        config: BTreeMap::new(),
        name,
        shards,
    };
    topics.all().into_iter().map(spec).collect()
}

/// A hub on topics that are missing, or cut otherwise, would lose or scatter what it writes.
async fn check_topics(kafka: &KafkaLog, topics: &Topics) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for (name, wanted) in topics.all() {
        match kafka.shards(&name).await.map_err(not_let_in)? {
            Some(has) if has == wanted => {}
            Some(has) => return Err(other_shards(&name, has, wanted)),
            None => missing.push(name),
        }
    }
    match missing.first() {
        None => Ok(()),
        Some(first) => Err(Failure::environment(
            anyhow!("{} topics are missing, the first is \"{first}\"", missing.len()),
            "signalbox topics plan shows what would be made, signalbox topics apply makes it",
        )),
    }
}

/// What fails at the start, though the brokers answer, is a matter of passwords, certificates and access lists.
fn not_let_in(error: LogError) -> Failure {
    match error {
        LogError::Failed(_) => Failure::environment(
            error,
            "see log.kafka: the user, the password and tls; and the brokers' access lists: the hub's user needs READ, \
             WRITE and DESCRIBE on its topics, READ and DESCRIBE on its groups",
        ),
        error => error.into(),
    }
}

fn other_shards(name: &str, has: u32, wanted: u32) -> Failure {
    Failure::environment(
        anyhow!("topic \"{name}\" has {has} shards, the configuration says {wanted}"),
        format!(
            "set log.kafka.shards back to {has}: the number is fixed for the log's life. To begin anew, use another prefix"
        ),
    )
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let help = match &error {
            OpenError::Url(_) => "e.g. postgres://signalbox:PASSWORD@db.example.org:5432/signalbox",
            OpenError::Unavailable(_) => "see that PostgreSQL runs and that this machine reaches it",
            OpenError::Failed(_) => "see the database's log; the user needs to own the schema",
            OpenError::NotMigrated { .. } | OpenError::Newer { .. } | OpenError::Changed { .. } => "",
        };
        Self::environment(error, help)
    }
}
