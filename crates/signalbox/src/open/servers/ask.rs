//! Asking both servers, though one of them be away.

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use secrecy::ExposeSecret;
use signalbox_hub::Topics;
use signalbox_kafka::{Config, KafkaLog};
use signalbox_log::LogError;
use signalbox_sql::postgres::{self, Database, OpenError, Options};

use super::{Connected, check_topics, database_url, kafka_config, not_let_in, topics};
use crate::config::Servers;
use crate::exit::Failure;
use crate::open::look::Standing;

/// How long a server may take to answer. Both are asked at once, so that a look says within 5 s that one is away.
const ANSWERS_WITHIN: Duration = Duration::from_secs(4);

/// What came of it.
pub(in crate::open) struct Asked {
    pub(in crate::open) standing: Standing,
    /// `None`: PostgreSQL is away.
    pub(in crate::open) connected: Option<(Topics, Connected)>,
}

/// Asks both servers at once.
///
/// # Errors
/// Servers that answer, and are not as the hub needs them.
pub(in crate::open) async fn ask(servers: &Servers, base: &Path) -> Result<Asked, Failure> {
    let (log_answers, kafka, database) = ask_both(servers, base).await?;
    let mut standing = Standing::all_well();
    if !log_answers {
        standing.without_kafka(&servers.kafka.brokers);
    }
    let Some(database) = database else {
        let url = database_url(servers, base)?;
        standing.without_postgres(&postgres::address(url.expose_secret())?);
        return Ok(Asked { standing, connected: None });
    };
    Ok(Asked { standing, connected: Some((topics(servers), Connected { kafka, database })) })
}

async fn ask_both(servers: &Servers, base: &Path) -> Result<(bool, KafkaLog, Option<Database>), Failure> {
    let config = Config { timeout: ANSWERS_WITHIN, ..kafka_config(&servers.kafka, base)? };
    let kafka = KafkaLog::new(config).map_err(not_let_in)?;
    let url = database_url(servers, base)?;
    let options = Options { acquire_timeout: ANSWERS_WITHIN, ..Options::default() };
    let (log, database) = tokio::join!(kafka.answers(), connect(url.expose_secret(), &options));
    let log_answers = match log {
        Ok(()) => {
            check_topics(&kafka, &topics(servers)).await?;
            true
        }
        Err(LogError::Unavailable(_)) => false,
        Err(error) => return Err(not_let_in(error)),
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
