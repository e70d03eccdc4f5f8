//! Where a consumer is on the log.

use signalbox_hub::HubError;
use signalbox_log::{EventLog, Offset, Record, Shard};
use signalbox_store::state::{Advance, Lease, Position};
use uuid::Uuid;

/// Where the topics of a shard end now.
pub async fn ends_of(log: &dyn EventLog, topics: &[String], shard: Shard) -> Result<Vec<Offset>, HubError> {
    let places: Vec<(String, Shard)> = topics.iter().map(|topic| (topic.clone(), shard)).collect();
    Ok(log.ends(&places).await?)
}

/// Records of a shard between `positions` and `ends`, one for each topic.
pub async fn behind_of(
    log: &dyn EventLog,
    topics: &[String],
    shard: Shard,
    positions: &[Position],
    ends: &[Offset],
) -> Result<u64, HubError> {
    let mut behind = 0;
    for (topic, end) in topics.iter().zip(ends) {
        if *end == 0 {
            continue;
        }
        let at = match positions.iter().find(|position| position.topic == *topic) {
            Some(position) => position.next,
            None => log.bounds(topic, shard).await?.start,
        };
        behind += end.saturating_sub(at);
    }
    Ok(behind)
}

/// A name for a record: its event id, or the offset where it has none.
pub(super) fn record_id(record: &Record) -> String {
    record
        .headers
        .named_in_bytes()
        .find(|(name, _)| *name == b"ce_id")
        .and_then(|(_, value)| Uuid::try_parse_ascii(value).ok())
        .map_or_else(|| format!("offset-{}", record.offset), |id| id.to_string())
}

/// How the positions move over `records`.
pub(super) fn advances(lease: &Lease, records: &[Record]) -> Vec<Advance> {
    let mut advances: Vec<Advance> = Vec::new();
    for last in records.chunk_by(|a, b| a.topic == b.topic).filter_map(<[Record]>::last) {
        let to =
            Position { topic: last.topic.to_string(), next: last.offset + 1, last_id: Some(record_id(last)) };
        if let Some(advance) = advances.iter_mut().find(|advance| *advance.to.topic == *last.topic) {
            advance.to = to;
        } else {
            let held = lease.positions.iter().find(|position| *position.topic == *last.topic);
            advances.push(Advance { from: held.map_or(0, |position| position.next), to });
        }
    }
    advances
}

/// The positions once `records` are folded.
pub(super) fn reached(lease: &Lease, records: &[Record]) -> Vec<Position> {
    let mut positions = lease.positions.clone();
    move_by(&mut positions, advances(lease, records));
    positions
}

pub(super) fn advance(lease: &mut Lease, advances: Vec<Advance>) {
    move_by(&mut lease.positions, advances);
}

fn move_by(positions: &mut Vec<Position>, advances: Vec<Advance>) {
    for Advance { to, .. } in advances {
        match positions.iter_mut().find(|position| position.topic == to.topic) {
            Some(position) => *position = to,
            None => positions.push(to),
        }
    }
}
