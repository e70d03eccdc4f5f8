//! When rows that wait for their student or school were read first: however they are found, that stays.

use std::collections::HashMap;

use signalbox_connector::Entity;
use signalbox_hub::HubError;
use signalbox_store::feed::{FeedStore, LedgerKey, LedgerStatus};

use super::row::{Slot, Waiting};

/// By the school year of the row and its key.
pub(super) type Waited = HashMap<(u16, LedgerKey), i64>;

const PAGE: usize = 20_000;

/// Of the rows of a feed that wait and have no date of their own, in ms since 1970. Attendance has.
pub(super) async fn waited(
    feeds: &dyn FeedStore,
    feed: &str,
    waiting: &[(Slot, u16)],
) -> Result<Waited, HubError> {
    let mut waited = Waited::new();
    for (slot, school_year) in waiting.iter().filter(|(slot, _)| slot.entity != Entity::Attendance) {
        let mut after = None;
        loop {
            let rows = feeds.ledger(feed, slot.scope(*school_year), after.as_ref(), PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key);
            for row in rows.iter().filter(|row| row.status != LedgerStatus::Ended) {
                if Waiting::decode(&row.detail)?.row.date().is_none() {
                    waited.insert((*school_year, row.key), row.read_ms);
                }
            }
        }
    }
    Ok(waited)
}
