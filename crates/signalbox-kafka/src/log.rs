//! The log.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use signalbox_log::{EventLog, LogError, Message, Offset, Record, Shard, Subscription};

use crate::append::Appender;
use crate::client::log_error;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::read::Readers;
use crate::subscription::{KafkaSubscription, Members};
use crate::topics::TopicAdmin;

/// How often `close` looks whether all have left.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A log on a cluster of Kafka brokers. Clones are the same log.
#[derive(Clone)]
pub struct KafkaLog {
    config: Config,
    cluster: Cluster,
    appender: Arc<Appender>,
    readers: Readers,
    members: Members,
}

impl KafkaLog {
    /// Connects, and waits until a broker answers.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when none does; [`LogError::Failed`] when they refuse the user or the certificate, or
    /// the configuration is not usable.
    pub async fn connect(config: Config) -> Result<Self, LogError> {
        let log = Self::new(config)?;
        log.answers().await?;
        Ok(log)
    }

    /// As [`connect`](Self::connect), without asking anybody yet: calls are answered once a broker is there.
    ///
    /// # Errors
    /// [`LogError::Failed`] when the configuration is not usable.
    pub fn new(config: Config) -> Result<Self, LogError> {
        let cluster = Cluster::new(&config)?;
        let appender = Arc::new(Appender::new(&config, cluster.reports().clone()));
        let readers = Readers::new(&config, cluster.clone());
        Ok(Self { config, cluster, appender, readers, members: Members::default() })
    }

    /// Waits until a broker answers.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub async fn answers(&self) -> Result<(), LogError> {
        self.cluster.answers().await
    }

    /// The care of this cluster's topics.
    ///
    /// # Errors
    /// [`LogError::Failed`] when the configuration is not usable.
    pub fn topic_admin(&self) -> Result<TopicAdmin, LogError> {
        TopicAdmin::new(&self.config, self.cluster.clone(), self.appender.clone())
    }

    /// The names of all topics that this user may see, in order, without Kafka's own.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when no broker answers in time.
    pub async fn topics(&self) -> Result<Vec<String>, LogError> {
        self.cluster.topics().await
    }

    /// Waits until the subscriptions that were dropped have left their groups, at most `limit`. A process that ends
    /// before leaves its shards without an owner until [`Config::session_timeout`] is over.
    pub async fn close(&self, limit: Duration) {
        let all_left = async {
            while self.members.count() > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(limit, all_left).await.is_err() {
            tracing::warn!(members = self.members.count(), "kafka groups not left in time");
        }
    }
}

impl KafkaLog {
    /// The producer does not know a shard that was there a moment ago: somebody deleted the topic, or made another
    /// one of its name, which a new producer will know.
    async fn disagreement(&self, topic: &str, shard: Shard) -> LogError {
        self.cluster.deleted(&[topic.to_owned()]);
        self.appender.renew();
        match self.cluster.require(topic, shard).await {
            Ok(()) => log_error(KafkaError::MessageProduction(RDKafkaErrorCode::LeaderNotAvailable)),
            Err(error) => error,
        }
    }
}

impl std::fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaLog").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        for run in messages.chunk_by(|a, b| a.topic == b.topic && a.shard == b.shard) {
            self.cluster.require(&run[0].topic, run[0].shard).await?;
        }
        match self.appender.append(messages).await {
            Err(LogError::NoSuchShard { topic, shard }) => Err(self.disagreement(&topic, shard).await),
            done => done,
        }
    }

    /// Topics have equally many shards, or one: Kafka shares out the shards of each topic by itself, and only then
    /// gives those of one index to one member.
    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        let joined =
            KafkaSubscription::join(&self.config, &self.cluster, &self.readers, &self.members, group, topics);
        Ok(Box::new(joined.await?))
    }

    async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        self.cluster.require(topic, shard).await?;
        self.readers.read(topic, shard, from, max).await
    }

    /// The end is that of what is readable: records of a transaction that is still open lie beyond it.
    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<Offset>, LogError> {
        self.cluster.require(topic, shard).await?;
        let bounds = self.cluster.bounds(vec![(topic.to_owned(), shard)]).await?;
        Ok(bounds.into_iter().next().expect("one answer per shard asked for"))
    }

    /// One request to each broker that leads any of them.
    async fn ends(&self, places: &[(String, Shard)]) -> Result<Vec<Offset>, LogError> {
        self.cluster.require_all(places).await?;
        self.cluster.ends(places.to_vec()).await
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.cluster.shards(topic).await
    }

    /// Of whatever process. 0 also when this user may not see the group (Kafka: DESCRIBE on it). Who died without a
    /// goodbye counts until its [`Config::session_timeout`] is over.
    async fn members(&self, group: &str) -> Result<usize, LogError> {
        self.cluster.members(group).await
    }
}
