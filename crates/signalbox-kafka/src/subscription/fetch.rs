//! Reading the started shards: a client that is in no group, and one queue per shard and topic.
//!
//! The queues are the client's own: it reads ahead until one is full, and goes on when it is emptied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{Message as _, Offset as Place, TopicPartitionList};
use signalbox_log::{LogError, Offset, Record, Shard, StartAt};

use super::membership::Desk;
use crate::client::{Context, Reports, log_error, shard_error};
use crate::config::Config;
use crate::record::take_in;

/// What one member reads ahead, over all its queues, were all shards its own.
const AHEAD_KIB: usize = 32 * 1024;

/// Bounds for one queue: enough for a few batches of records, and not so little that each fetch overfills it.
const QUEUE_KIB: (usize, usize) = (256, 8 * 1024);

/// Bounds for what one request brings of one queue.
const FETCH_KIB: (usize, usize) = (64, 1024);

pub(super) type FetchClient = BaseConsumer<Context>;

/// Makes the client, for so many queues at most.
pub(super) fn client(
    config: &Config,
    group: &str,
    queues: usize,
    reports: Reports,
) -> Result<FetchClient, LogError> {
    let queue_kib = (AHEAD_KIB / queues.max(1)).clamp(QUEUE_KIB.0, QUEUE_KIB.1);
    // Fetched is what is compressed, queued what is not; events shrink to an eighth or so.
    let fetch_kib = (queue_kib / 8).clamp(FETCH_KIB.0, FETCH_KIB.1);
    let mut settings = config.consumer();
    settings
        // A client can be given shards only if it has a group's name; it never joins it.
        .set("group.id", group)
        // By default the client looks into a queue that was full only a second later.
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.min.messages", "100000")
        .set("queued.max.messages.kbytes", queue_kib.to_string())
        .set("fetch.message.max.bytes", (fetch_kib * 1024).to_string())
        // A shard that is started waits for the fetch that is under way.
        .set("fetch.wait.max.ms", "100");
    settings.create_with_context(Context { reports }).map_err(log_error)
}

/// The shards that are read.
pub(super) struct Fetch {
    client: Arc<FetchClient>,
    desk: Arc<Desk>,
    shards: BTreeMap<Shard, Vec<Lane>>,
}

/// One topic of a shard.
pub(super) struct Lane {
    pub(super) topic: Arc<str>,
    queue: PartitionQueue<Context>,
    /// Whether something may be in the queue.
    ready: Arc<AtomicBool>,
    /// Taken from the queue, to be handed out next.
    ahead: Vec<Record>,
    /// What has to go before `ahead`.
    pub(super) before: Before,
    /// The next record in the queue has this offset or a higher one.
    pub(super) next: Offset,
    /// Up to here nothing is left to read, though `next` is lower: the offsets between have no records.
    pub(super) empty_until: Offset,
    /// Since when records have been awaited that the brokers say are there.
    pub(super) awaited_since: Option<Instant>,
}

/// Where the earlier lanes ended after records of a lane were taken: what is up to there goes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Before {
    Unasked,
    Asked,
    Ends(Vec<Offset>),
}

impl Fetch {
    pub(super) fn new(client: Arc<FetchClient>, desk: Arc<Desk>) -> Self {
        Self { client, desk, shards: BTreeMap::new() }
    }

    /// The topics of a shard in their order; none if it is not started.
    pub(super) fn lanes_mut(&mut self, shard: Shard) -> &mut [Lane] {
        self.shards.get_mut(&shard).map(Vec::as_mut_slice).unwrap_or_default()
    }

    pub(super) fn lane_mut(&mut self, shard: Shard, topic: &str) -> Option<&mut Lane> {
        self.lanes_mut(shard).iter_mut().find(|lane| &*lane.topic == topic)
    }

    /// The started shards, beginning behind `served`.
    pub(super) fn turn(&self, served: Shard) -> Vec<Shard> {
        let after = self.shards.range(served.saturating_add(1)..);
        after.chain(self.shards.range(..=served)).map(|(shard, _)| *shard).collect()
    }

    /// Reads `shard` from these places on, in this order of topics.
    pub(super) fn start(&mut self, shard: Shard, places: &[StartAt]) -> Result<(), LogError> {
        self.stop(shard);
        let mut list = TopicPartitionList::with_capacity(places.len());
        let mut lanes = Vec::with_capacity(places.len());
        for place in places {
            // A queue of its own first: what arrives before would come through the client's.
            lanes.push(self.lane(shard, place)?);
            let offset = Place::Offset(place.offset.cast_signed());
            let added = list.add_partition_offset(&place.topic, shard.cast_signed(), offset);
            added.map_err(|error| shard_error(error, &place.topic, shard))?;
        }
        self.client.incremental_assign(&list).map_err(log_error)?;
        self.shards.insert(shard, lanes);
        Ok(())
    }

    /// Reads `shard` no longer. What was read ahead is dropped.
    pub(super) fn stop(&mut self, shard: Shard) {
        let Some(lanes) = self.shards.remove(&shard) else { return };
        let mut list = TopicPartitionList::with_capacity(lanes.len());
        for lane in &lanes {
            list.add_partition(&lane.topic, shard.cast_signed());
        }
        if let Err(error) = self.client.incremental_unassign(&list) {
            tracing::warn!(%error, shard, "kafka does not stop reading a shard");
        }
        for lane in lanes {
            // The client throws away what is out of date when it is asked for it.
            drop(lane.queue.poll(Duration::ZERO));
        }
    }

    fn lane(&self, shard: Shard, place: &StartAt) -> Result<Lane, LogError> {
        let queue = self.client.split_partition_queue(&place.topic, shard.cast_signed());
        let no_such_shard = || LogError::NoSuchShard { topic: place.topic.clone(), shard };
        let mut queue = queue.ok_or_else(no_such_shard)?;
        let ready = Arc::new(AtomicBool::new(true));
        queue.set_nonempty_callback({
            let (ready, desk) = (ready.clone(), self.desk.clone());
            move || {
                ready.store(true, Ordering::Release);
                desk.rung.notify_one();
            }
        });
        let (topic, next) = (Arc::from(&*place.topic), place.offset);
        let (ahead, before) = (Vec::new(), Before::Unasked);
        Ok(Lane { topic, queue, ready, ahead, before, next, empty_until: next, awaited_since: None })
    }
}

impl Lane {
    /// How many records are to be handed out.
    pub(super) fn ahead(&self) -> usize {
        self.ahead.len()
    }

    /// Up to `max` of the records taken.
    pub(super) fn hand_out(&mut self, max: usize) -> Vec<Record> {
        if self.ahead.len() > max {
            return self.ahead.drain(..max).collect();
        }
        self.before = Before::Unasked;
        std::mem::take(&mut self.ahead)
    }

    /// Takes up to `max` of what has arrived, if nothing is left of what was taken before. Does not wait.
    pub(super) fn take(&mut self, max: usize) -> Result<(), KafkaError> {
        if !self.ahead.is_empty() || !self.ready.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        while self.ahead.len() < max {
            match self.queue.poll(Duration::ZERO) {
                None => return Ok(()),
                Some(Ok(message)) if message.offset().cast_unsigned() < self.next => {}
                Some(Ok(mut message)) => {
                    let record = take_in(&self.topic, &mut message);
                    self.next = record.offset + 1;
                    self.awaited_since = None;
                    self.ahead.push(record);
                }
                Some(Err(error)) => {
                    self.ready.store(true, Ordering::Release);
                    if matters(&error) {
                        return Err(error);
                    }
                    tracing::debug!(%error, topic = &*self.topic, "kafka fetch waits");
                }
            }
        }
        self.ready.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether everything below `end` was taken.
    pub(super) fn is_through(&self, end: Offset) -> bool {
        self.next >= end || self.empty_until >= end
    }
}

/// Whether an error ends the reading of the shard; others pass.
fn matters(error: &KafkaError) -> bool {
    is_out_of_range(error)
        || matches!(
            error.rdkafka_error_code(),
            Some(
                Code::TopicAuthorizationFailed
                    | Code::UnknownTopicOrPartition
                    | Code::UnknownTopic
                    | Code::UnknownPartition
            )
        )
}

/// Whether the shard no longer has, or never had, the record that was to be read.
pub(super) fn is_out_of_range(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(Code::AutoOffsetReset | Code::OffsetOutOfRange))
}
