//! Standing lists: a feed that turns live hands over what is open as one alert per recipient, never as a storm.

use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_event::id;
use signalbox_store::outbox::{Entry, NewEntry};
use signalbox_store::{Outbox, StoreError};
use uuid::Uuid;

use crate::consume::alerts::STANDING;

/// Makes one entry of the target's pending parts, if there are any.
pub(super) async fn bundle(
    outbox: &dyn Outbox,
    target: &str,
    district: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut parts = outbox.parts(target).await?;
    parts.retain(|part| part.kind == STANDING);
    if parts.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<Uuid> = parts.iter().map(|part| part.id).collect();
    ids.sort_unstable();
    let list_id = list_id(district, target, &ids);
    let flags = parts.iter().map(flag).collect::<Result<Vec<Value>, StoreError>>()?;
    let list = entry(target, list_id, flags, now);
    // `false`: a part was taken back or bundled by another process meanwhile. The next step looks again.
    if outbox.bundle(&ids, list).await? {
        crate::failpoint!("bundle");
    }
    Ok(())
}

fn list_id(district: &str, target: &str, sorted: &[Uuid]) -> Uuid {
    let head: [&[u8]; 3] = [b"standing", district.as_bytes(), target.as_bytes()];
    let parts: Vec<&[u8]> =
        head.into_iter().chain(sorted.iter().map(|id| id.as_bytes().as_slice())).collect();
    id::derived(&parts)
}

fn flag(part: &Entry) -> Result<Value, StoreError> {
    serde_json::from_slice(&part.body).map_err(|error| StoreError::Failed(Box::new(error)))
}

fn entry(target: &str, list_id: Uuid, mut flags: Vec<Value>, now: Timestamp) -> NewEntry {
    flags.sort_by_cached_key(|flag| (text(&flag["student"]["id"]), text(&flag["flag_id"])));
    let data = json!({
        "alert_id": list_id,
        // Dates as ISO 8601 sort as text.
        "as_of": flags.iter().filter_map(|flag| flag["as_of"].as_str()).max(),
        "owner": flags.first().map(|flag| flag["owner"].clone()),
        "flags": flags,
    });
    NewEntry {
        id: list_id,
        target: target.to_owned(),
        lane: target.to_owned(),
        kind: STANDING.to_owned(),
        flag_id: None,
        body: data.to_string().into_bytes(),
        created_ms: now.as_millisecond(),
        withheld: false,
        part: false,
        cancels: None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
