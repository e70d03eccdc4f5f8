//! Standing lists: a feed that turns live hands over what is open as one list per recipient, never as a storm. A list is
//! one message, or several where receivers would refuse one so large.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_event::id;
use signalbox_event::webhook::STANDING;
use signalbox_hub::shard::ShardState;
use signalbox_hub::{Hub, HubError, Target};
use signalbox_store::outbox::{Bundle, Entry, NewEntry};
use signalbox_store::{Outbox, StoreError};
use uuid::Uuid;

/// A list goes out in pieces after all when a shard has not turned for this long.
const WHOLE_WITHIN: Duration = Duration::from_mins(10);

/// A message has at most so many flags, and so many bytes: 256 KiB, less what stands around the flags.
const FLAGS_MAX: usize = 200;
const FLAGS_BYTES_MAX: usize = (256 << 10) - 1_024;

/// Makes one list of each target's pending parts, if there are any. Shards turn one after the other, perhaps in other
/// processes: until the last one has, the parts wait.
///
/// # Errors
/// The store failed, or a state in it cannot be read.
pub async fn bundle(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    let mut is_whole = None;
    for target in &hub.settings.targets {
        let parts = parts_of(&*hub.outbox, target).await?;
        let Some(since_ms) = parts.iter().map(|part| part.next_try_ms.unwrap_or(part.created_ms)).min()
        else {
            continue;
        };
        let waited_ms = now.as_millisecond().saturating_sub(since_ms);
        if waited_ms < WHOLE_WITHIN.as_millis() as i64 {
            let whole = match is_whole {
                Some(known) => known,
                None => *is_whole.insert(every_shard_has_turned(hub).await?),
            };
            if !whole {
                continue;
            }
        }
        // Those that came meanwhile are of the same list.
        make_list(&*hub.outbox, target, &hub.settings.district.id, now).await?;
    }
    Ok(())
}

/// Whoever adds to lists has decided on everybody since the same modes were heard on every shard.
async fn every_shard_has_turned(hub: &Hub) -> Result<bool, HubError> {
    for consumer in hub.settings.topics.consumers {
        let mut modes = None;
        for shard in 0..hub.settings.topics.shards {
            let (state, somebody_waits) = ShardState::<()>::stored(hub, consumer.kept_as, shard).await?;
            let here: Vec<_> = state.feeds.into_iter().map(|(name, feed)| (name, feed.mode)).collect();
            if *modes.get_or_insert_with(|| here.clone()) != here || somebody_waits {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

async fn parts_of(outbox: &dyn Outbox, target: &Target) -> Result<Vec<Entry>, StoreError> {
    let mut parts = outbox.parts(&target.name).await?;
    parts.retain(|part| part.kind == STANDING);
    Ok(parts)
}

/// Makes a list of the target's pending parts, if there are any.
pub(super) async fn make_list(
    outbox: &dyn Outbox,
    target: &Target,
    district: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let parts = parts_of(outbox, target).await?;
    if parts.is_empty() {
        return Ok(());
    }
    let flags = parts.iter().map(Standing::of).collect::<Result<Vec<_>, StoreError>>()?;
    let bundles = lists(district, &target.name, flags, now);
    // `false`: a part was taken back or bundled by another process meanwhile. The next step looks again.
    if outbox.bundle(&bundles).await? {
        signalbox_hub::failpoint!("bundle");
    }
    Ok(())
}

/// One flag of a list, and the entry that it comes from.
struct Standing {
    part: Uuid,
    flag: Value,
    bytes: usize,
}

impl Standing {
    fn of(part: &Entry) -> Result<Self, StoreError> {
        let flag = serde_json::from_slice(&part.body).map_err(|error| StoreError::Failed(Box::new(error)))?;
        Ok(Self { part: part.id, flag, bytes: part.body.len() })
    }
}

/// The lists that hold all of the flags, in the order of the students' ids.
fn lists(district: &str, target: &str, mut flags: Vec<Standing>, now: Timestamp) -> Vec<Bundle> {
    flags.sort_by_cached_key(|one| (text(&one.flag["student"]["id"]), text(&one.flag["flag_id"])));
    let lists = cut(flags);
    let parts = lists.len();
    let numbered = lists.into_iter().zip(1..);
    numbered.map(|(flags, part)| list(district, target, flags, (part, parts), now)).collect()
}

/// Cuts the flags so that receivers take each piece.
fn cut(flags: Vec<Standing>) -> Vec<Vec<Standing>> {
    let mut lists: Vec<Vec<Standing>> = Vec::new();
    let mut bytes = 0;
    for one in flags {
        bytes += one.bytes + 1;
        match lists.last_mut() {
            Some(list) if list.len() < FLAGS_MAX && bytes <= FLAGS_BYTES_MAX => list.push(one),
            _ => {
                bytes = one.bytes + 1;
                lists.push(vec![one]);
            }
        }
    }
    lists
}

fn list(
    district: &str,
    target: &str,
    flags: Vec<Standing>,
    (part, parts): (usize, usize),
    now: Timestamp,
) -> Bundle {
    let mut ids: Vec<Uuid> = flags.iter().map(|one| one.part).collect();
    ids.sort_unstable();
    let list_id = list_id(district, target, &ids);
    let flags: Vec<Value> = flags.into_iter().map(|one| one.flag).collect();
    let data = json!({
        "alert_id": list_id,
        "part": part,
        "parts": parts,
        // Dates as ISO 8601 sort as text.
        "as_of": flags.iter().filter_map(|flag| flag["as_of"].as_str()).max(),
        "owner": flags.first().map(|flag| flag["owner"].clone()),
        "flags": flags,
    });
    let into = NewEntry {
        id: list_id,
        target: target.to_owned(),
        lane: target.to_owned(),
        kind: STANDING.to_owned(),
        flag_id: None,
        body: data.to_string().into_bytes(),
        created_ms: now.as_millisecond(),
        withheld: None,
        part: false,
        end_of: None,
    };
    Bundle { parts: ids, into }
}

fn list_id(district: &str, target: &str, sorted: &[Uuid]) -> Uuid {
    let head: [&[u8]; 3] = [b"standing", district.as_bytes(), target.as_bytes()];
    let parts: Vec<&[u8]> =
        head.into_iter().chain(sorted.iter().map(|id| id.as_bytes().as_slice())).collect();
    id::derived(&parts)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
