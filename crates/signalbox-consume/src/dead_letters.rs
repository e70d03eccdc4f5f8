//! Records that this version cannot read, or that are not this hub's: kept whole, with the reason, and driven again once
//! they fit.
//!
//! A record is passed in the transaction that puts it into the outbox; from there it goes to `<topic>.<consumer>.dlq` with its
//! original key, value and headers, and with headers under Kafka Connect's names that say where it stood and why it
//! was not used. Driving it again appends it to its topic as it was; consumers compare revisions, so a
//! record that comes again changes nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_hub::{Hub, HubError, dead_letter_topic};
use signalbox_log::{Message, Offset, Record, Shard};
use signalbox_store::outbox::{NewEntry, TO_LOG};

use crate::admit::{Admission, Unfit};
use crate::relay::Body;

const PAGE: usize = 1_000;
/// What the headers of Kafka Connect begin with.
const ADDED: &str = "__connect.";

/// The outbox entry that keeps a record that a consumer passed.
pub(crate) fn entry(consumer: &str, record: &Record, unfit: &Unfit, now: Timestamp) -> NewEntry {
    let id = signalbox_event::id::derived(&[
        b"dead-letter",
        consumer.as_bytes(),
        record.topic.as_bytes(),
        &record.shard.to_be_bytes(),
        &record.offset.to_be_bytes(),
    ]);
    NewEntry {
        id,
        target: TO_LOG.to_owned(),
        lane: format!("{}/{}", record.topic, record.shard),
        kind: "dead-letter".to_owned(),
        flag_id: None,
        body: body(consumer, record, unfit),
        created_ms: now.as_millisecond(),
        withheld: None,
        part: false,
        end_of: None,
    }
}

fn body(consumer: &str, record: &Record, unfit: &Unfit) -> Vec<u8> {
    let (partition, offset) = (record.shard.to_string(), record.offset.to_string());
    let message = unfit.to_string();
    let mut headers: Vec<(&str, &[u8])> = record.headers.iter().collect();
    headers.extend([
        ("__connect.errors.topic", record.topic.as_bytes()),
        ("__connect.errors.partition", partition.as_bytes()),
        ("__connect.errors.offset", offset.as_bytes()),
        ("__connect.errors.connector.name", consumer.as_bytes()),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.class.name", unfit.code().as_bytes()),
        ("__connect.errors.exception.message", message.as_bytes()),
    ]);
    let topic = dead_letter_topic(&record.topic, consumer);
    let key = record.key.as_deref();
    Body::DeadLetter { topic: &topic, shard: record.shard, key, headers, value: &record.value }.encode()
}

/// What driving again came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Appended to their topics.
    pub again: u64,
    /// Still unreadable for this version.
    pub left: u64,
}

/// What is remembered of one shard of a dead-letter topic.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    /// Not looked at yet from here on.
    next: Offset,
    /// Those before that stay.
    left: BTreeSet<Offset>,
}

/// Appends every record again that this version can read.
pub async fn redrive(hub: &Hub) -> Result<Redriven, HubError> {
    let (mut sum, mut admission) = (Redriven::default(), Admission::default());
    for Place { topic, dead_letters, shard } in places(hub) {
        let mut seen = Seen::load(hub, &dead_letters, shard).await?;
        let mut from = seen.left.first().copied().unwrap_or(seen.next);
        loop {
            let records = hub.log.read(&dead_letters, shard, from, PAGE).await?;
            let Some(last) = records.last() else { break };
            from = last.offset + 1;
            let mut again = Vec::new();
            admission.next_batch();
            for record in &records {
                again.extend(seen.look_at(hub, &mut admission, &topic, record).await?);
            }
            hub.log.append(&again).await?;
            sum.again += again.len() as u64;
        }
        sum.left += seen.left.len() as u64;
        seen.save(hub, &dead_letters, shard).await?;
    }
    Ok(sum)
}

/// How many records wait for a version that can read them, or for [`redrive`].
pub async fn waiting(hub: &Hub) -> Result<u64, HubError> {
    let places: Vec<(String, Shard)> = places(hub).map(|place| (place.dead_letters, place.shard)).collect();
    let mut waiting = 0;
    for ((topic, shard), end) in places.iter().zip(hub.log.ends(&places).await?) {
        // Most have never had a record.
        if end > 0 {
            let seen = Seen::load(hub, topic, *shard).await?;
            waiting += seen.left.len() as u64 + end.saturating_sub(seen.next);
        }
    }
    Ok(waiting)
}

/// A shard of a topic, and where its dead letters are.
struct Place {
    topic: String,
    dead_letters: String,
    shard: Shard,
}

fn places(hub: &Hub) -> impl Iterator<Item = Place> {
    let topics = &hub.settings.topics;
    topics.keepers().into_iter().flat_map(|(topic, keeper)| {
        let dead_letters = dead_letter_topic(&topic, keeper.name);
        (0..topics.shards).map(move |shard| Place {
            topic: topic.clone(),
            dead_letters: dead_letters.clone(),
            shard,
        })
    })
}

impl Seen {
    async fn load(hub: &Hub, topic: &str, shard: Shard) -> Result<Self, HubError> {
        let Some(json) = hub.feeds.note(&Self::note(topic, shard)).await? else { return Ok(Self::default()) };
        serde_json::from_str(&json).map_err(|_| HubError::Stored("note"))
    }

    async fn save(&self, hub: &Hub, topic: &str, shard: Shard) -> Result<(), HubError> {
        if self.next == 0 {
            return Ok(());
        }
        let json = serde_json::to_string(self).expect("numbers always serialise");
        Ok(hub.feeds.save_note(&Self::note(topic, shard), &json).await?)
    }

    fn note(topic: &str, shard: Shard) -> String {
        format!("driven again: {topic} {shard}")
    }

    /// The record as it was, if it has not been driven yet and is an event of this hub's.
    async fn look_at(
        &mut self,
        hub: &Hub,
        admission: &mut Admission,
        topic: &str,
        record: &Record,
    ) -> Result<Option<Message>, HubError> {
        let offset = record.offset;
        if offset < self.next && !self.left.contains(&offset) {
            return Ok(None);
        }
        self.next = self.next.max(offset + 1);
        let mut record = Record { topic: topic.into(), ..record.clone() };
        record.headers = record.headers.iter().filter(|(name, _)| !name.starts_with(ADDED)).collect();
        if admission.admit(hub, &record).await?.is_err() {
            self.left.insert(offset);
            return Ok(None);
        }
        self.left.remove(&offset);
        Ok(Some(record.into()))
    }
}
