//! The care of access lists: who may do what with topics and groups.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::admin::AdminClient;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use signalbox_kafka_native::acl::{self, Entry};
use signalbox_log::LogError;

use crate::client::{Client, Context, log_error};
use crate::threads::blocking;
use crate::topics::{LOOK_AGAIN, SEEN, TopicAdmin};

/// What the brokers say about who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLists {
    /// Every entry about topics and groups, in order. Whom the brokers call a super user needs none. Brokers that keep
    /// no lists, where everybody may do everything, look as if theirs were empty, until somebody adds to them.
    Entries(Vec<Entry>),
    /// This user may not see them. It takes the right DESCRIBE on the cluster.
    NotShown,
}

/// Why entries were not added. Some may have been.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Whoever reaches them may do everything.
    #[error("the brokers keep no access lists")]
    NotKept,
    /// It takes the right ALTER on the cluster.
    #[error("the brokers do not let this user change access lists")]
    NotAllowed,
    #[error(transparent)]
    Log(#[from] LogError),
}

impl TopicAdmin {
    /// Who may do what with topics and groups.
    pub async fn access(&self) -> Result<AccessLists, LogError> {
        let timeout = self.timeout;
        match self.call(move |client| acl::entries(client, timeout)).await? {
            Ok(mut all) => {
                all.sort_unstable();
                Ok(AccessLists::Entries(all))
            }
            Err(KafkaError::AdminOp(Code::ClusterAuthorizationFailed)) => Ok(AccessLists::NotShown),
            Err(error) => Err(log_error(error)),
        }
    }

    /// Adds entries to the access lists, and waits a moment until the brokers show them.
    pub async fn allow(&self, entries: Vec<Entry>) -> Result<(), AccessError> {
        let (timeout, adding) = (self.timeout, entries.clone());
        let added = self.call(move |client| acl::add(client, &adding, timeout)).await?;
        added.map_err(|error| match error {
            KafkaError::AdminOp(Code::ClusterAuthorizationFailed) => AccessError::NotAllowed,
            KafkaError::AdminOp(Code::SecurityDisabled) => AccessError::NotKept,
            error => AccessError::Log(log_error(error)),
        })?;
        let begun = Instant::now();
        while !self.shows(&entries).await? && begun.elapsed() < SEEN {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn shows(&self, entries: &[Entry]) -> Result<bool, LogError> {
        Ok(match self.access().await? {
            AccessLists::Entries(all) => entries.iter().all(|entry| all.contains(entry)),
            AccessLists::NotShown => true,
        })
    }

    /// The calls block their thread.
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&AdminClient<Context>) -> KafkaResult<T> + Send + 'static,
    ) -> Result<KafkaResult<T>, LogError> {
        let client: Arc<Client<AdminClient<Context>>> = self.client.clone();
        blocking(move || call(&client)).await
    }
}
