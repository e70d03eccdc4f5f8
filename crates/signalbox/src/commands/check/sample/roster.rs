//! Whom a sample's rows name: looked up among those whom the rosters do, as far as that is known here.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use signalbox_connector::{AbsentRows, Draft, Item, Newest, Source};
use signalbox_ingest::{Known, Lost};

use super::findings::Rows;
use super::payload::Nameless;
use crate::config::Loaded;
use crate::config::parts::Feed;
use crate::open;

/// The roster, and which rows of the sample name nobody in it.
pub(super) struct Roster<'a> {
    source: &'a dyn Source,
    known: Known,
    pub(super) lost: BTreeMap<Lost, Rows>,
    /// The last row that was lost: some give several drafts.
    last_lost: u64,
}

impl<'a> Roster<'a> {
    /// `None`: no roster was read and none lies there, or the feed is the roster itself.
    pub(super) fn load(loaded: &Loaded, feed: &'a Feed) -> Option<Self> {
        if feed.roster_of_record {
            return None;
        }
        let mut known = open::known_ids(&loaded.config).unwrap_or_default();
        let record = loaded.config.feeds.iter().find(|feed| feed.roster_of_record)?;
        let is_whole = learn(&mut known, loaded, record);
        let is_known = !known.is_empty() && (is_whole || open::has_started(&loaded.config));
        is_known.then(|| Self { source: &*feed.source, known, lost: BTreeMap::new(), last_lost: 0 })
    }

    /// Looks the row's student up.
    pub(super) fn see(&mut self, draft: &Draft<'_>) {
        let Some(id) = draft.claims.student.as_deref().filter(|_| draft.row != self.last_lost) else {
            return;
        };
        if let Some(lost) = self.known.lost(self.source, id) {
            self.last_lost = draft.row;
            self.lost.entry(lost).or_insert(Rows { count: 0, first: draft.row }).count += 1;
        }
    }

    pub(super) fn has_school(&self, id: &str) -> bool {
        self.known.has_school(id)
    }

    pub(super) fn lost_rows(&self) -> u64 {
        self.lost.values().map(|rows| rows.count).sum()
    }
}

/// Takes in the roster's newest file. `true`: who is not in it is not in the roster.
fn learn(known: &mut Known, loaded: &Loaded, record: &Feed) -> bool {
    let land = Nameless::of(loaded);
    let Some(Newest::Payload { bytes: Ok(mut bytes), .. }) = record.source.newest(&land) else {
        return false;
    };
    let read = record.source.normalize(&mut *bytes, &mut |item| {
        if let Item::Draft(draft) = item {
            known.learn(&draft);
        }
        ControlFlow::Continue(())
    });
    read.is_ok_and(|contents| contents.extents.iter().all(|extent| extent.absent_rows == AbsentRows::End))
}
