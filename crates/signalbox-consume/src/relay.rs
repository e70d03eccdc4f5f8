//! From the outbox to the log: what a state transaction decided is appended to its topic.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_event::Event;
use signalbox_event::codec::{from_structured, to_structured};
use signalbox_hub::publish::to_message;
use signalbox_hub::{Hub, HubError};
use signalbox_log::{LogError, Message};
use signalbox_store::outbox::{Claim, Entry, Settled, TO_LOG};

const BATCH: usize = 1_000;
/// How long what another version wrote is left to it.
const LEFT_FOR_MS: i64 = 60_000;
const HOLD_MS: i64 = 60_000;

/// The body of an outbox entry for the log.
#[derive(Serialize, Deserialize)]
pub(crate) enum Body<'a> {
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

impl Body<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("text and bytes always serialise")
    }
}

/// The body of an entry that appends `event`.
pub fn event_body(event: &Event) -> Vec<u8> {
    Body::Event(&to_structured(event)).encode()
}

/// The event that an entry appends; `None`: it appends none, or another version wrote it.
pub fn event_of(entry: &Entry) -> Option<Event> {
    match postcard::from_bytes(&entry.body).ok()? {
        Body::Event(json) => from_structured(json.as_bytes()).ok(),
        Body::DeadLetter { .. } => None,
    }
}

/// Appends everything that is pending for the log. Returns how many entries went out.
pub async fn drain(hub: &Hub, now: Timestamp) -> Result<usize, HubError> {
    let mut sum = 0;
    loop {
        match step(hub, now).await? {
            0 => return Ok(sum),
            some => sum += some,
        }
    }
}

/// Appends what is pending for the log. Returns how many entries went out.
pub async fn step(hub: &Hub, now: Timestamp) -> Result<usize, HubError> {
    let claims = hub.outbox.claim(TO_LOG, now.as_millisecond(), HOLD_MS, BATCH).await?;
    let (claims, messages) = readable(hub, claims, now).await?;
    if claims.is_empty() {
        return Ok(0);
    }
    match hub.log.append(&messages).await {
        Ok(()) => {}
        Err(LogError::Unfit(_)) => return one_by_one(hub, claims, messages, now).await,
        Err(error) => return not_now(hub, &claims, error, now).await,
    }
    signalbox_hub::failpoint!("relay");
    // A claim that ran out was appended by another: the same event id twice in the log is harmless.
    hub.outbox.settle_all(&claims, Settled::Delivered, None).await?;
    Ok(claims.len())
}

/// What can be made messages of. The rest was written by another version, which may run beside this one: it is left to
/// it, and holds up its lane only.
async fn readable(
    hub: &Hub,
    claims: Vec<Claim>,
    now: Timestamp,
) -> Result<(Vec<Claim>, Vec<Message>), HubError> {
    let (mut read, mut messages, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for claim in claims {
        match message(hub, &claim) {
            Ok(message) => {
                messages.push(message);
                read.push(claim);
            }
            Err(_) => unread.push(claim),
        }
    }
    if !unread.is_empty() {
        let entries = unread.len();
        tracing::error!(entries, "the outbox has entries of another version of signalbox: they wait for it");
        let how = Settled::NotSent { at_ms: now.as_millisecond() + LEFT_FOR_MS };
        hub.outbox.settle_all(&unread, how, Some("written by another version")).await?;
    }
    Ok((read, messages))
}

/// Appends what the log takes. What it never will is given up, and holds up nobody.
async fn one_by_one(
    hub: &Hub,
    claims: Vec<Claim>,
    messages: Vec<Message>,
    now: Timestamp,
) -> Result<usize, HubError> {
    let mut done = 0;
    for (claim, message) in claims.iter().zip(messages) {
        let how = match hub.log.append(&[message]).await {
            Ok(()) => Settled::Delivered,
            Err(LogError::Unfit(why)) => {
                let Entry { id, kind, .. } = &claim.entry;
                tracing::error!(%id, kind, %why, "the log does not take it: it stays in the outbox, as dead");
                Settled::Dead
            }
            Err(error) => return not_now(hub, &claims[done..], error, now).await,
        };
        hub.outbox.settle(claim, how, None).await?;
        done += 1;
    }
    Ok(done)
}

/// What the log did not take is appended as soon as it answers again, not when the claims lapse.
async fn not_now(hub: &Hub, claims: &[Claim], error: LogError, now: Timestamp) -> Result<usize, HubError> {
    let at_once = Settled::RetryAt { at_ms: now.as_millisecond() };
    hub.outbox.settle_all(claims, at_once, None).await?;
    Err(error.into())
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
            headers: headers.into_iter().collect(),
            value: Bytes::copy_from_slice(value),
        },
    })
}
