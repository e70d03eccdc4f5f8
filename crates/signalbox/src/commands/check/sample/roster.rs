//! Whom a sample's rows name: looked up among those whom the rosters do, as far as that is known here.

use std::collections::{BTreeMap, HashMap};

use signalbox_connector::{Draft, Newest, Source};
use signalbox_ingest::{Known, Lost};

use super::findings::Rows;
use super::payload::Nameless;
use super::trial::Trial;
use crate::config::Loaded;
use crate::config::parts::Feed;
use crate::open;

/// The roster, and which rows of the sample name nobody in it.
pub(super) struct Roster<'a> {
    source: &'a dyn Source,
    pub(super) known: Known,
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
    /// One lies there that does not say who is missing.
    HasChanges,
    /// One lies there that cannot be read.
    Unreadable,
    /// One lies there that would wait for a person itself.
    Waits,
    /// One lies there that names nobody.
    IsEmpty,
}

impl Nobody {
    /// Whether a roster lies there that brings nobody: then no row would find its student.
    pub(super) fn is_faulty_roster(self) -> bool {
        matches!(self, Self::Unreadable | Self::Waits | Self::IsEmpty)
    }

    /// Whether it is not known who is in the roster.
    pub(super) fn is_unknown(self) -> bool {
        matches!(self, Self::NoRoster | Self::HasChanges)
    }

    pub(super) fn why(self) -> &'static str {
        match self {
            Self::IsTheRoster => "the file is the roster",
            Self::NoRoster => "no roster was read, and none lies where its feed looks",
            Self::HasChanges => "the roster that lies there has changes only",
            Self::Unreadable => "the roster that lies there cannot be used",
            Self::Waits => "the roster that lies there would wait for you itself",
            Self::IsEmpty => "the roster that lies there names nobody",
        }
    }
}

impl<'a> Roster<'a> {
    /// By the roster's newest file, if it is a whole one; else by what the hub has read, and what that file adds.
    pub(super) fn load(loaded: &Loaded, feed: &'a Feed, trial: &Trial) -> Result<Self, Nobody> {
        if feed.roster_of_record {
            return Err(Nobody::IsTheRoster);
        }
        let record = loaded.config.feeds.iter().find(|feed| feed.roster_of_record).ok_or(Nobody::NoRoster)?;
        let known = match learn(Known::default(), loaded, record, trial) {
            Ok(known) => known,
            Err(nobody) => {
                let read = open::known_ids(&loaded.config).filter(|read| !read.is_empty()).ok_or(nobody)?;
                match nobody {
                    Nobody::HasChanges => add(read, loaded, record, trial),
                    _ => read,
                }
            }
        };
        let (lost, school_mends) = (BTreeMap::new(), HashMap::new());
        Ok(Self { source: &*feed.source, known, lost, last_lost: None, school_mends })
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
}

/// Those whom the roster's newest file names, if who is not in it is not in the roster.
fn learn(mut known: Known, loaded: &Loaded, record: &Feed, trial: &Trial) -> Result<Known, Nobody> {
    let land = Nameless::of(loaded);
    let Some(Newest::Payload { bytes, .. }) = record.source.newest(&land) else {
        return Err(Nobody::NoRoster);
    };
    let mut bytes = bytes.map_err(|_| Nobody::Unreadable)?;
    let judged = trial.judge(record, &mut *bytes, &mut known).map_err(|_| Nobody::Unreadable)?;
    match judged {
        judged if judged.waits => Err(Nobody::Waits),
        judged if !judged.is_whole => Err(Nobody::HasChanges),
        _ if known.is_empty() => Err(Nobody::IsEmpty),
        _ => Ok(known),
    }
}

/// Those who are known, and whom the roster's newest file adds.
fn add(mut known: Known, loaded: &Loaded, record: &Feed, trial: &Trial) -> Known {
    let land = Nameless::of(loaded);
    if let Some(Newest::Payload { bytes: Ok(mut bytes), .. }) = record.source.newest(&land) {
        // One that can no longer be read adds what it could.
        drop(trial.judge(record, &mut *bytes, &mut known));
    }
    known
}
