//! The ledger of one slot and school year, page by page.

use std::collections::VecDeque;

use signalbox_hub::HubError;
use signalbox_store::feed::{FeedStore, LedgerKey, LedgerRow, before};

use crate::row::Slot;

/// A ledger key begins with so many bytes that are its student's.
const GROUP_BYTES: usize = 8;
/// What the keys of one student's rows begin with.
pub(crate) type Group = [u8; GROUP_BYTES];

/// Ledger rows read at a time.
const PAGE: usize = 20_000;
/// Ledger rows read at a time where those of a few students are looked up.
const SMALL_PAGE: usize = 64;

pub(super) struct Ledger {
    pub(super) slot: Slot,
    pub(super) school_year: u16,
    /// Only students of whom the payload has a row matter.
    only_mentioned: bool,
    /// Of whom the last row of the payload was.
    in_hand: Option<Group>,
    page: VecDeque<LedgerRow>,
    size: usize,
    after: Option<LedgerKey>,
    done: bool,
}

impl Ledger {
    pub(super) const fn new(slot: Slot, school_year: u16, only_mentioned: bool) -> Self {
        let size = if only_mentioned { SMALL_PAGE } else { PAGE };
        Self {
            slot,
            school_year,
            only_mentioned,
            in_hand: None,
            page: VecDeque::new(),
            size,
            after: None,
            done: false,
        }
    }

    /// The next row, without taking it; `next` is the key of the payload's next row.
    pub(super) async fn peek(
        &mut self,
        feeds: &dyn FeedStore,
        feed: &str,
        next: Option<&LedgerKey>,
    ) -> Result<Option<&LedgerRow>, HubError> {
        loop {
            if self.only_mentioned {
                self.skip(next.map(group));
            }
            if !self.page.is_empty() || self.done {
                return Ok(self.page.front());
            }
            let scope = self.slot.scope(self.school_year);
            let rows = feeds.ledger(feed, scope, self.after.as_ref(), self.size).await?;
            self.done = rows.len() < self.size;
            self.after = rows.last().map(|row| row.key).or(self.after);
            self.size = PAGE.min(self.size * 2);
            self.page = rows.into();
        }
    }

    pub(super) fn take(&mut self) -> Option<LedgerRow> {
        self.page.pop_front()
    }

    /// A row of the payload with this key was taken.
    pub(super) fn matched(&mut self, key: &LedgerKey) {
        self.in_hand = Some(group(key));
    }

    /// Passes over students of whom the payload has no row: `next` is the next of whom it has one.
    fn skip(&mut self, next: Option<Group>) {
        let is_wanted = |of: Group| self.in_hand == Some(of) || next.is_some_and(|next| next <= of);
        while self.page.front().is_some_and(|row| !is_wanted(group(&row.key))) {
            self.page.pop_front();
        }
        let in_hand_goes_on =
            self.in_hand.is_some_and(|in_hand| self.after.as_ref().map(group) <= Some(in_hand));
        if !self.page.is_empty() || in_hand_goes_on {
            return;
        }
        let before_next = next.and_then(|next| before(first_of(next)));
        if before_next.is_some_and(|it| self.after.is_none_or(|after| after < it)) {
            self.after = before_next;
            self.size = SMALL_PAGE;
        }
        self.done |= next.is_none();
    }
}

pub(crate) fn group(key: &LedgerKey) -> Group {
    *key.first_chunk().expect("a key is longer than what it begins with")
}

/// The first key that a student's row can have.
pub(super) fn first_of(group: Group) -> LedgerKey {
    let mut key = LedgerKey::default();
    key[..GROUP_BYTES].copy_from_slice(&group);
    key
}
