//! Reading without a group.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{Message as _, Offset as Place, TopicPartitionList};
use signalbox_log::{LogError, Offset, Record, Shard};

use crate::client::{Client, Context, log_error, shard_error};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::record::take_in;
use crate::threads::blocking;

/// How many readers are kept. More may read at the same time; they are not kept.
const KEPT: usize = 4;

/// How long records read ahead are good for: somebody may delete the topic and make another one of its name.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// What one reader reads ahead: until there are so many records, which in memory are about 1 KiB each, or so many bytes
/// of values (headers are not counted).
const AHEAD: usize = 10_000;
const AHEAD_KIB: usize = 4 * 1024;

/// What one request brings; compressed, so that it may be the tenfold.
const FETCH_KIB: usize = 256;

/// Readers that wait for the next call.
#[derive(Clone)]
pub(crate) struct Readers {
    config: Config,
    cluster: Cluster,
    idle: Arc<Mutex<Vec<Reader>>>,
}

/// A client that is in no group and reads one shard.
struct Reader {
    client: Client<BaseConsumer<Context>>,
    /// What it would read next: a call that goes on there finds the records read ahead.
    at: Option<At>,
    /// When it last read.
    used: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct At {
    topic: Arc<str>,
    shard: Shard,
    offset: Offset,
    /// [`Cluster::deletions`] by then.
    deletions: u64,
}

impl Readers {
    pub(crate) fn new(config: &Config, cluster: Cluster) -> Self {
        Self { config: config.clone(), cluster, idle: Arc::default() }
    }

    /// Up to `max` records from `from` on, or from where the shard begins.
    pub(crate) async fn read(
        &self,
        topic: &str,
        shard: Shard,
        from: Offset,
        max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let bounds = self.cluster.bounds(vec![(topic.to_owned(), shard)]).await?;
        let bounds = bounds.into_iter().next().expect("one answer per shard asked for");
        let offset = from.max(bounds.start);
        let at = At { topic: topic.into(), shard, offset, deletions: self.cluster.deletions() };
        if max == 0 || at.offset >= bounds.end {
            return Ok(Vec::new());
        }
        let readers = self.clone();
        blocking(move || readers.read_at(at, bounds.end, max)).await?
    }

    fn read_at(&self, at: At, end: Offset, max: usize) -> Result<Vec<Record>, LogError> {
        let timeout = self.config.timeout;
        if max == 1 {
            // A look at one place: nobody goes on there.
            return Reader::new(&self.config, &self.cluster, Ahead::Nothing)?.read(at, end, max, timeout);
        }
        let mut reader = self.take(&at)?;
        // A reader that failed is not kept.
        let records = reader.read(at, end, max, timeout)?;
        self.keep(reader);
        Ok(records)
    }

    /// The reader that stands where the call begins, or a new one: making one takes some milliseconds, moving one to
    /// another shard up to a second.
    fn take(&self, at: &At) -> Result<Reader, LogError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = idle.iter().position(|reader| reader.at.as_ref() == Some(at)) {
            return Ok(idle.remove(index));
        }
        drop(idle);
        Reader::new(&self.config, &self.cluster, Ahead::Pages)
    }

    /// Who reads on soon finds the reader again, unless others have read meanwhile.
    fn keep(&self, reader: Reader) {
        if reader.at.is_none() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = (idle.len() == KEPT).then(|| idle.remove(0));
        idle.push(reader);
        drop(idle);
        drop(oldest);
    }
}

/// What a reader reads besides what it was asked for.
#[derive(Debug, Clone, Copy)]
enum Ahead {
    /// One batch of the producer's, which is the least that the brokers send.
    Nothing,
    Pages,
}

impl Reader {
    fn new(config: &Config, cluster: &Cluster, ahead: Ahead) -> Result<Self, LogError> {
        let (records, kib, fetch_kib) = match ahead {
            Ahead::Nothing => (1, 1, 1),
            Ahead::Pages => (AHEAD, AHEAD_KIB, FETCH_KIB),
        };
        let mut settings = config.consumer();
        settings
            // A client can be given shards only if it has a group's name; it never joins it.
            .set("group.id", format!("{}-read", config.client_id))
            .set("enable.partition.eof", "true")
            .set("queued.min.messages", records.to_string())
            .set("queued.max.messages.kbytes", kib.to_string())
            .set("fetch.message.max.bytes", (fetch_kib * 1024).to_string())
            .set("fetch.queue.backoff.ms", "10")
            .set("fetch.wait.max.ms", "100");
        let context = Context { reports: cluster.reports().clone() };
        let client: BaseConsumer<Context> = settings.create_with_context(context).map_err(log_error)?;
        Ok(Self { client: Client::new(client), at: None, used: Instant::now() })
    }

    fn read(&mut self, at: At, end: Offset, max: usize, timeout: Duration) -> Result<Vec<Record>, LogError> {
        let deadline = Instant::now() + timeout;
        self.go_to(&at)?;
        let At { topic, shard, offset: mut next, deletions } = at;
        let mut records = Vec::new();
        while records.len() < max && next < end {
            match self.client.poll(deadline.saturating_duration_since(Instant::now())) {
                Some(Ok(mut message)) => {
                    let (from, offset) =
                        (message.partition().cast_unsigned(), message.offset().cast_unsigned());
                    if (message.topic(), from) == (&*topic, shard) && offset >= next {
                        next = offset + 1;
                        records.push(take_in(&topic, &mut message));
                    }
                }
                // What is left are the brokers' own records, or records that were compacted away.
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.at = None;
                    return Ok(records);
                }
                Some(Err(error)) => pass_over(error, &topic, shard)?,
                None if Instant::now() >= deadline => {
                    return Err(log_error(KafkaError::MessageConsumption(Code::OperationTimedOut)));
                }
                None => {}
            }
        }
        self.at = Some(At { topic, shard, offset: next, deletions });
        self.used = Instant::now();
        Ok(records)
    }

    fn go_to(&mut self, at: &At) -> Result<(), LogError> {
        if self.at.take().as_ref() == Some(at) && self.used.elapsed() < GOOD_FOR {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(1);
        let place = Place::Offset(at.offset.cast_signed());
        let placed = list
            .add_partition_offset(&at.topic, at.shard.cast_signed(), place)
            .and_then(|()| self.client.assign(&list));
        placed.map_err(|error| shard_error(error, &at.topic, at.shard))
    }
}

/// Errors that are not about the shard (the brokers cannot be reached, the group is not ours to use) may pass or do
/// not matter; the deadline ends the waiting.
fn pass_over(error: KafkaError, topic: &str, shard: Shard) -> Result<(), LogError> {
    let about_the_shard = matches!(
        error.rdkafka_error_code(),
        Some(
            Code::TopicAuthorizationFailed
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition
                | Code::UnknownTopic
                | Code::AutoOffsetReset
                | Code::OffsetOutOfRange
        )
    );
    if about_the_shard {
        return Err(shard_error(error, topic, shard));
    }
    tracing::debug!(%error, "kafka reader waits");
    Ok(())
}
