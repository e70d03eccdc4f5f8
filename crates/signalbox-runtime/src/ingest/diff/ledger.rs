//! The ledger of one slot and school year, page by page.

use std::collections::VecDeque;

use signalbox_store::feed::{FeedStore, LedgerKey, LedgerRow};

use crate::hub::HubError;
use crate::ingest::row::Slot;

/// Ledger rows read at a time.
const PAGE: usize = 20_000;

pub(super) struct Ledger {
    pub(super) slot: Slot,
    pub(super) school_year: u16,
    page: VecDeque<LedgerRow>,
    after: Option<LedgerKey>,
    done: bool,
}

impl Ledger {
    pub(super) const fn new(slot: Slot, school_year: u16) -> Self {
        Self { slot, school_year, page: VecDeque::new(), after: None, done: false }
    }

    /// The next row, without taking it.
    pub(super) async fn peek(
        &mut self,
        feeds: &dyn FeedStore,
        feed: &str,
    ) -> Result<Option<&LedgerRow>, HubError> {
        if self.page.is_empty() && !self.done {
            let scope = self.slot.scope(self.school_year);
            let rows = feeds.ledger(feed, scope, self.after.as_ref(), PAGE).await?;
            self.done = rows.len() < PAGE;
            self.after = rows.last().map(|row| row.key).or(self.after);
            self.page = rows.into();
        }
        Ok(self.page.front())
    }

    pub(super) fn take(&mut self) -> Option<LedgerRow> {
        self.page.pop_front()
    }
}
