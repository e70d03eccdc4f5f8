//! Opening a hub to look at it, though one of its servers be away.

use serde::Serialize;

#[cfg(feature = "servers")]
use super::DataDir;
use super::Opened;
#[cfg(feature = "servers")]
use super::remembered::Purpose;
#[cfg(feature = "servers")]
use super::servers::ask::{Asked, ask};
use crate::config::{Backing, Loaded};
use crate::exit::Failure;

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
    match &loaded.config.backing {
        Backing::Embedded => {
            let opened = Some(super::open(loaded).await?);
            Ok(Look { standing: Standing::default(), brokers: Vec::new(), opened })
        }
        #[cfg(feature = "servers")]
        Backing::Servers(servers) => {
            let Asked { standing, connected } = ask(servers, &loaded.config.base).await?;
            let brokers = servers.kafka.brokers.clone();
            let mut opened = None;
            if connected.is_some() {
                let data_dir = DataDir::make(&loaded.config.data_dir)?;
                opened =
                    Some(super::assemble(loaded.config, data_dir, None, connected, Purpose::Look).await?);
            }
            Ok(Look { standing, brokers, opened })
        }
    }
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

    #[cfg(feature = "servers")]
    pub(super) fn without_postgres(&mut self, address: &str) {
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
