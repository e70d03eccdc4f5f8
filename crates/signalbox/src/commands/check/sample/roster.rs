//! Whom a sample's rows name: looked up among those whom the rosters do, as far as that is known here.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use signalbox_connector::{AbsentRows, Contents, Draft, Item, Newest, Source};
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
    last_lost: Option<(Option<&'static str>, u64)>,
    /// By an id that leads to no school.
    school_mends: HashMap<String, Option<String>>,
}

/// Why nobody is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nobody {
    /// The feed is the roster itself.
    IsTheRoster,
    /// No roster was read, and none lies there.
    NoRoster,
    /// One lies there, and cannot be read, or does not say who is missing.
    NotWhole,
}

impl<'a> Roster<'a> {
    /// By the roster's newest file, if it is a whole one; else by what the hub has read, and what that file adds.
    pub(super) fn load(loaded: &Loaded, feed: &'a Feed) -> Result<Self, Nobody> {
        if feed.roster_of_record {
            return Err(Nobody::IsTheRoster);
        }
        let record = loaded.config.feeds.iter().find(|feed| feed.roster_of_record).ok_or(Nobody::NoRoster)?;
        let mut known = Known::default();
        let lies_there = learn(&mut known, loaded, record);
        if lies_there != Some(true) || known.is_empty() {
            known = open::known_ids(&loaded.config).unwrap_or_default();
            if known.is_empty() {
                return Err(if lies_there.is_some() { Nobody::NotWhole } else { Nobody::NoRoster });
            }
            learn(&mut known, loaded, record);
        }
        Ok(Self {
            source: &*feed.source,
            known,
            lost: BTreeMap::new(),
            last_lost: None,
            school_mends: HashMap::new(),
        })
    }

    /// Looks the row's student up.
    pub(super) fn see(&mut self, draft: &Draft<'_>) {
        let row = Some((draft.file, draft.row));
        let Some(id) = draft.claims.student.as_deref().filter(|_| row != self.last_lost) else { return };
        if let Some(lost) = self.known.lost(self.source, id) {
            self.last_lost = row;
            self.lost.entry(lost).or_insert(Rows { count: 0, first: draft.row }).count += 1;
        }
    }

    pub(super) fn has_school(&self, id: &str) -> bool {
        self.known.has_school(id)
    }

    /// The mend for an id that leads to no school, where it would but for how it is written. A column that is mapped wrongly
    /// has the same few ids again and again.
    pub(super) fn school_mend(&mut self, id: &str) -> Option<String> {
        if let Some(known) = self.school_mends.get(id) {
            return known.clone();
        }
        let like = self.known.school_like(id);
        let mend = like.map(|(school, mend)| format!("did you mean \"{school}\"? {mend}"));
        self.school_mends.insert(id.to_owned(), mend.clone());
        mend
    }

    pub(super) fn lost_rows(&self) -> u64 {
        self.lost.values().map(|rows| rows.count).sum()
    }
}

/// Takes in the roster's newest file, if there is one. `Some(true)`: who is not in it is not in the roster.
fn learn(known: &mut Known, loaded: &Loaded, record: &Feed) -> Option<bool> {
    let land = Nameless::of(loaded);
    let Some(Newest::Payload { bytes, .. }) = record.source.newest(&land) else { return None };
    let Ok(mut bytes) = bytes else { return Some(false) };
    let read = record.source.normalize(&mut *bytes, &mut |item| {
        if let Item::Draft(draft) = item {
            known.learn(&draft);
        }
        ControlFlow::Continue(())
    });
    let is_whole = |contents: Contents| {
        contents
            .extents
            .iter()
            .all(|extent| matches!(extent.absent_rows, AbsentRows::End | AbsentRows::Erase))
    };
    Some(read.is_ok_and(is_whole))
}
