//! From the outbox to the log: what a state transaction decided is appended to its topic.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_event::Event;
use signalbox_event::codec::{from_structured, to_structured};
use signalbox_log::{Message, Record};
use signalbox_store::outbox::{Claim, Settled, TO_LOG};

use crate::hub::{Hub, HubError};
use crate::ingest::emit::to_message;

const BATCH: usize = 1_000;
const HOLD_MS: i64 = 60_000;

/// The body of an outbox entry for the log.
#[derive(Serialize, Deserialize)]
enum Body<'a> {
    /// An event in structured mode; its topic and shard follow from it.
    Event(&'a str),
    /// A record that could not be read, on its way to a dead-letter topic.
    DeadLetter {
        topic: &'a str,
        shard: u32,
        key: Option<&'a [u8]>,
        headers: Vec<(&'a str, &'a [u8])>,
        value: &'a [u8],
    },
}

/// The body of an entry that appends `event`.
pub(crate) fn event_body(event: &Event) -> Vec<u8> {
    postcard::to_stdvec(&Body::Event(&to_structured(event))).expect("text always serialises")
}

/// The body of an entry that keeps a record nobody can read: original key, value and headers, and why, under the
/// header names of Kafka Connect.
pub(crate) fn dead_letter_body(record: &Record, group: &str, reason: &str) -> Vec<u8> {
    let (partition, offset) = (record.shard.to_string(), record.offset.to_string());
    let mut headers: Vec<(&str, &[u8])> =
        record.headers.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
    headers.extend([
        ("__connect.errors.topic", record.topic.as_bytes()),
        ("__connect.errors.partition", partition.as_bytes()),
        ("__connect.errors.offset", offset.as_bytes()),
        ("__connect.errors.connector.name", group.as_bytes()),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.message", reason.as_bytes()),
    ]);
    let topic = dead_letter_topic(&record.topic, group);
    let body = Body::DeadLetter {
        topic: &topic,
        shard: record.shard,
        key: record.key.as_deref(),
        headers,
        value: &record.value,
    };
    postcard::to_stdvec(&body).expect("bytes always serialise")
}

/// Where records go that a group of consumers cannot read.
pub fn dead_letter_topic(topic: &str, group: &str) -> String {
    format!("{topic}.{group}.dlq")
}

/// Appends everything that is pending for the log.
pub async fn drain(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    while step(hub, now).await? > 0 {}
    Ok(())
}

/// Appends what is pending for the log. Returns how many entries went out.
pub async fn step(hub: &Hub, now: Timestamp) -> Result<usize, HubError> {
    let claims = hub.outbox.claim(TO_LOG, now.as_millisecond(), HOLD_MS, BATCH).await?;
    if claims.is_empty() {
        return Ok(0);
    }
    let messages = claims.iter().map(|claim| message(hub, claim)).collect::<Result<Vec<_>, _>>()?;
    hub.log.append(&messages).await?;
    crate::failpoint!("relay");
    for claim in &claims {
        // A claim that ran out was appended by another: the same event id twice in the log is harmless.
        hub.outbox.settle(claim, Settled::Delivered).await?;
    }
    Ok(claims.len())
}

fn message(hub: &Hub, claim: &Claim) -> Result<Message, HubError> {
    let body = postcard::from_bytes(&claim.entry.body).map_err(|_| HubError::Stored("outbox entry"))?;
    Ok(match body {
        Body::Event(json) => {
            let event = from_structured(json.as_bytes()).map_err(|_| HubError::Stored("outbox entry"))?;
            to_message(hub, &event)
        }
        Body::DeadLetter { topic, shard, key, headers, value } => Message {
            topic: topic.to_owned(),
            shard,
            key: key.map(Bytes::copy_from_slice),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Bytes::copy_from_slice(value)))
                .collect(),
            value: Bytes::copy_from_slice(value),
        },
    })
}
