//! Appending: one producer, and every report awaited.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use signalbox_log::{LogError, Message, Shard};
use tokio::sync::Notify;

use crate::client::{Client, Context, Reports, log_error, shard_error};
use crate::config::Config;
use crate::record;
use crate::reminder::Reminder;

/// What waits to be sent, over all callers.
const QUEUE_KIB: u32 = 64 * 1024;

/// The largest request, and with it the largest record: twice the mebibyte that a log has to keep.
const REQUEST_BYTES: u32 = 2 * 1024 * 1024;

/// An append that takes so long may be that of a producer that knows no broker.
const LONG: Duration = Duration::from_secs(2);

/// How long to wait before trying again to get into a full queue.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Sends messages through a producer, and gets a new one when that fails for good.
pub(crate) struct Appender {
    config: ClientConfig,
    timeout: Duration,
    reports: Reports,
    reminder: Reminder,
    producer: Mutex<Option<Arc<Producer>>>,
}

type Producer = Client<ThreadedProducer<Deliveries>>;

/// The messages of one append that are under way, and the append itself until it has sent all it will.
#[derive(Debug)]
pub(crate) struct UnderWay {
    left: AtomicUsize,
    failed: Mutex<Option<LogError>>,
    settled: Notify,
}

/// Tells each append how its messages fared.
pub(crate) struct Deliveries(Context);

impl Appender {
    pub(crate) fn new(config: &Config, reports: Reports) -> Self {
        let mut settings = config.client();
        settings
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("linger.ms", "2")
            .set("message.max.bytes", REQUEST_BYTES.to_string())
            .set("queue.buffering.max.kbytes", QUEUE_KIB.to_string())
            .set("message.timeout.ms", config.timeout.as_millis().to_string());
        let (timeout, reminder) = (config.timeout, Reminder::new(config));
        Self { config: settings, timeout, reports, reminder, producer: Mutex::default() }
    }

    /// Sends the messages and waits until all are acknowledged by every replica in sync, or one is not: then no more
    /// are sent, and what is under way is still waited for, so that it cannot come after what is appended next.
    pub(crate) async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        if messages.is_empty() {
            return Ok(());
        }
        let producer = self.producer()?;
        let mut appended = pin!(self.append_by(&producer, messages));
        loop {
            if let Ok(appended) = tokio::time::timeout(LONG, &mut appended).await {
                return appended;
            }
            self.reminder.remind(producer.client());
        }
    }

    async fn append_by(
        &self,
        producer: &ThreadedProducer<Deliveries>,
        messages: &[Message],
    ) -> Result<(), LogError> {
        let under_way = Arc::new(UnderWay::default());
        for message in messages {
            if under_way.has_failed() {
                break;
            }
            self.send(producer, message, &under_way).await;
        }
        under_way.settle(None);
        under_way.settled().await
    }

    /// Queues one message; waits while the queue is full. What goes wrong settles the message.
    async fn send(
        &self,
        producer: &ThreadedProducer<Deliveries>,
        message: &Message,
        under_way: &Arc<UnderWay>,
    ) {
        under_way.left.fetch_add(1, Ordering::AcqRel);
        let begun = Instant::now();
        let mut record = record(message, under_way);
        loop {
            let error = match producer.send(record) {
                Ok(()) => return,
                Err((error, back)) => {
                    record = back;
                    error
                }
            };
            let is_full = matches!(error, KafkaError::MessageProduction(Code::QueueFull));
            if !is_full || under_way.has_failed() || begun.elapsed() >= self.timeout {
                under_way.settle(Some(shard_error(error, &message.topic, message.shard)));
                return;
            }
            tokio::time::sleep(FULL_QUEUE_PAUSE).await;
        }
    }

    /// Lets the producer go: what it knows of a topic is no longer so. Appends that are under way keep it.
    pub(crate) fn renew(&self) {
        *self.producer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The producer, or a new one if it has failed for good (its sequence is lost).
    fn producer(&self) -> Result<Arc<Producer>, LogError> {
        let mut current = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*current
            && producer.client().fatal_error().is_none()
        {
            return Ok(producer.clone());
        }
        let context = Deliveries(Context { reports: self.reports.clone() });
        let producer: ThreadedProducer<Deliveries> =
            self.config.create_with_context(context).map_err(log_error)?;
        Ok(current.insert(Arc::new(Client::new(producer))).clone())
    }
}

fn record<'a>(message: &'a Message, under_way: &Arc<UnderWay>) -> BaseRecord<'a, [u8], [u8], Arc<UnderWay>> {
    let mut record = BaseRecord::with_opaque_to(&message.topic, under_way.clone())
        .partition(message.shard.cast_signed())
        .payload(&message.value[..]);
    if let Some(key) = &message.key {
        record = record.key(&key[..]);
    }
    if message.headers.is_empty() { record } else { record.headers(record::headers(message)) }
}

impl Default for UnderWay {
    fn default() -> Self {
        Self { left: AtomicUsize::new(1), failed: Mutex::default(), settled: Notify::new() }
    }
}

impl UnderWay {
    fn has_failed(&self) -> bool {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn settle(&self, failure: Option<LogError>) {
        if let Some(failure) = failure {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.settled.notify_one();
        }
    }

    async fn settled(&self) -> Result<(), LogError> {
        self.settled.notified().await;
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        failed.map_or(Ok(()), Err)
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<UnderWay>;

    fn delivery(&self, result: &DeliveryResult<'_>, under_way: Arc<UnderWay>) {
        under_way.settle(match result {
            Ok(_) => None,
            Err((error, message)) => {
                let shard: Shard = message.partition().cast_unsigned();
                match shard_error(error.clone(), message.topic(), shard) {
                    LogError::Unavailable(_) => Some(self.0.reports.explain(error.clone())),
                    other => Some(other),
                }
            }
        });
    }
}
