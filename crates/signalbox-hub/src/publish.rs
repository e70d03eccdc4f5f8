//! From an event to its place on the log.

use bytes::Bytes;
use jiff::Timestamp;
use signalbox_event::codec::to_binary;
use signalbox_event::envelope::role_source;
use signalbox_event::id::derived;
use signalbox_event::{Data, Domain, Event, topic};
use signalbox_log::Message;

use crate::{Hub, HubError};

/// The event as a record of its topic, on the shard of its key.
pub fn to_message(hub: &Hub, event: &Event) -> Message {
    let (topic, shard) = address(hub, event);
    let (headers, value) = to_binary(event);
    Message {
        topic,
        shard,
        key: Some(Bytes::from(event.partition_key.clone())),
        headers: headers.into_iter().collect(),
        value: Bytes::from(value),
    }
}

/// The topic of an event, and the shard of its key.
pub fn address(hub: &Hub, event: &Event) -> (String, u32) {
    let topics = &hub.settings.topics;
    let domain = event.kind().domain();
    let key = event.partition_key.as_bytes();
    let shard = if domain.is_sharded() { topic::shard_of(key, topics.shards) } else { 0 };
    (topics.name(domain), shard)
}

/// The `source` of what a part of the hub says.
pub fn hub_source(hub: &Hub, role: &str) -> String {
    role_source(&hub.settings.district.id, role)
}

/// Appends one ops event to every shard of a domain's topic. `name` tells it from others of its kind.
pub async fn broadcast(
    hub: &Hub,
    domain: Domain,
    source: &str,
    name: &str,
    at_ms: i64,
    run: Option<u64>,
    data: Data,
) -> Result<(), HubError> {
    hub.log.append(&on_every_shard(hub, domain, source, name, at_ms, run, &data)).await?;
    Ok(())
}

/// One ops event for every shard of a domain's topic.
pub fn on_every_shard(
    hub: &Hub,
    domain: Domain,
    source: &str,
    name: &str,
    at_ms: i64,
    run: Option<u64>,
    data: &Data,
) -> Vec<Message> {
    let district = &hub.settings.district;
    let topic = hub.settings.topics.name(domain);
    (0..hub.settings.topics.shards)
        .map(|shard| {
            let event = Event {
                id: derived(&[
                    data.kind().short().as_bytes(),
                    district.id.as_bytes(),
                    name.as_bytes(),
                    &shard.to_be_bytes(),
                ]),
                source: source.to_owned(),
                subject: None,
                time: rfc3339(at_ms, &district.zone),
                partition_key: format!("{}/shard-{shard}", district.id),
                school_year: None,
                revision: 1,
                run,
                traceparent: None,
                data: data.clone(),
            };
            Message { topic: topic.clone(), shard, ..to_message(hub, &event) }
        })
        .collect()
}

/// Milliseconds since the epoch as RFC 3339 with the zone's offset.
pub fn rfc3339(at_ms: i64, zone: &jiff::tz::TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format_zoned(&at.to_zoned(zone.clone()))
}

/// A time as RFC 3339 with its offset.
pub fn format_zoned(at: &jiff::Zoned) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
