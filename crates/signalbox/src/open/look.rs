//! Opening a hub to look at it, though one of its servers be away.

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use secrecy::ExposeSecret;
use serde::Serialize;
use signalbox_kafka::{Config, KafkaLog};
use signalbox_log::LogError;
use signalbox_sql::postgres::{self, Database, OpenError, Options};

use super::remembered::Purpose;
use super::servers::{self, Connected};
use super::{DataDir, Opened};
use crate::config::{Backing, Loaded, Servers};
use crate::exit::Failure;

/// How long a server may take to answer. Both are asked at once, so that a look says within 5 s that one is away.
const ANSWERS_WITHIN: Duration = Duration::from_secs(4);

/// A hub, as far as its servers answer.
pub(crate) struct Look {
    pub(crate) standing: Standing,
    /// Of Kafka; empty of an embedded hub.
    pub(crate) brokers: Vec<String>,
    /// `None`: PostgreSQL is away, and nothing can be known without it.
    pub(crate) opened: Option<Opened>,
}

/// The servers of a hub; none of an embedded one.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Standing(Vec<Server>);

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Server {
    /// `kafka` or `postgres`.
    #[serde(rename = "server")]
    pub(crate) name: &'static str,
    /// `ok` or `away`.
    pub(crate) state: &'static str,
    pub(crate) message: String,
    /// What to check, in plain words; `None` when nothing is.
    pub(crate) next_step: Option<&'static str>,
}

/// Opens what can be opened.
///
/// # Errors
/// Servers that answer, and are not as the hub needs them.
pub(crate) async fn look(loaded: Loaded) -> Result<Look, Failure> {
    let Backing::Servers(servers) = &loaded.config.backing else {
        let opened = Some(super::open(loaded).await?);
        return Ok(Look { standing: Standing::default(), brokers: Vec::new(), opened });
    };
    let (log_answers, kafka, database) = ask(servers, &loaded.config.base).await?;
    let (topics, brokers) = (servers::topics(servers), servers.kafka.brokers.clone());
    let mut standing = Standing::all_well();
    if !log_answers {
        standing.without_kafka(&brokers);
    }
    let Some(database) = database else {
        let url = servers::database_url(servers, &loaded.config.base)?;
        standing.without_postgres(&postgres::address(url.expose_secret())?);
        return Ok(Look { standing, brokers, opened: None });
    };
    let data_dir = DataDir::make(&loaded.config.data_dir)?;
    let connected = Some((topics, Connected { kafka, database }));
    let opened = Some(super::assemble(loaded.config, data_dir, None, connected, Purpose::Look).await?);
    Ok(Look { standing, brokers, opened })
}

/// Asks both servers at once.
async fn ask(servers: &Servers, base: &Path) -> Result<(bool, KafkaLog, Option<Database>), Failure> {
    let config = Config { timeout: ANSWERS_WITHIN, ..servers::kafka_config(&servers.kafka, base)? };
    let kafka = KafkaLog::new(config).map_err(servers::not_let_in)?;
    let url = servers::database_url(servers, base)?;
    let options = Options { acquire_timeout: ANSWERS_WITHIN, ..Options::default() };
    let (log, database) = tokio::join!(kafka.answers(), connect(url.expose_secret(), &options));
    let log_answers = match log {
        Ok(()) => {
            servers::check_topics(&kafka, &servers::topics(servers)).await?;
            true
        }
        Err(LogError::Unavailable(_)) => false,
        Err(error) => return Err(servers::not_let_in(error)),
    };
    match database {
        Ok(database) => Ok((log_answers, kafka, Some(database))),
        Err(OpenError::Unavailable(_)) => Ok((log_answers, kafka, None)),
        Err(error) => Err(error.into()),
    }
}

/// A server that takes the connection and then says nothing is away too.
async fn connect(url: &str, options: &Options) -> Result<Database, OpenError> {
    let connected = tokio::time::timeout(options.acquire_timeout, postgres::connect(url, options)).await;
    connected.unwrap_or_else(|elapsed| Err(OpenError::Unavailable(anyhow!(elapsed).into())))
}

impl Standing {
    /// Of servers that answer.
    pub(crate) fn all_well() -> Self {
        let ok = |name, who: &str| Server {
            name,
            state: "ok",
            message: format!("{who} answers."),
            next_step: None,
        };
        Self(vec![ok("kafka", "Kafka"), ok("postgres", "PostgreSQL")])
    }

    pub(crate) fn without_kafka(&mut self, brokers: &[String]) {
        self.0[0] = Server {
            name: "kafka",
            state: "away",
            message: format!(
                "Kafka at {} does not answer: running hubs wait, and go on by themselves once it does. How far \
                 they are behind is unknown.",
                brokers.join(", ")
            ),
            next_step: Some("See that Kafka runs and that this machine reaches it (log.kafka.brokers)."),
        };
    }

    fn without_postgres(&mut self, address: &str) {
        self.0[1] = Server {
            name: "postgres",
            state: "away",
            message: format!(
                "PostgreSQL at {address} does not answer: running hubs wait, and go on by themselves once it \
                 does. Nothing else can be shown until then."
            ),
            next_step: Some(
                "See that PostgreSQL runs and that this machine reaches it (store.postgres.url).",
            ),
        };
    }

    pub(crate) fn away(&self) -> impl Iterator<Item = &Server> {
        self.0.iter().filter(|server| server.state == "away")
    }

    /// Whether the log is not worth asking.
    pub(crate) fn has_no_log(&self) -> bool {
        self.away().any(|server| server.name == "kafka")
    }
}
