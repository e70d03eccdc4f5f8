//! What the gate says of a payload, were it the first of its feed: read, compared and counted as ever, beside nothing that is
//! remembered. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_connector::{AbsentRows, Entity, ReadSeek, Refusal};
use signalbox_hub::{Feed, HubError, Settings};
use signalbox_store::memory::MemoryFeeds;

use super::diff::{By, Diff, Step};
use super::doubt::Book;
use super::extent::{self, Spoken};
use super::gate::{Counts, Tally, UNUSABLE};
use super::identity::Known;
use super::read::{self, Beside, ReadIn};
use super::rejects::RejectBook;
use super::returned::Returned;
use super::waited::Waited;

/// A payload, judged as the first of its feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstLoad {
    pub counts: Counts,
    /// It would wait for a person, as too much of it cannot be used.
    pub waits: bool,
    /// Whoever is missing in it is not there.
    pub is_whole: bool,
    /// Rows of one key that disagree.
    pub disputed: BTreeMap<Entity, Disputed>,
    /// Rows whose student is not found because the roster has two persons under the id.
    pub two_persons: u64,
}

/// Rows of an entity that disagree with another of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disputed {
    pub rows: u64,
    /// Where the first of them stands.
    pub first: u64,
}

/// Judges payloads, and remembers none.
#[derive(Debug, Clone, Copy)]
pub struct FirstLoads<'a> {
    pub settings: &'a Settings,
    pub now: Timestamp,
    /// For rows that do not fit in memory; files there have no name.
    pub scratch: &'a Path,
}

impl FirstLoads<'_> {
    /// Judges a payload of `feed`, from its first byte. One of the roster of record adds to `known`.
    ///
    /// # Errors
    /// The payload cannot be read, or nothing be written to the scratch folder.
    pub async fn judge(
        &self,
        feed: &Feed,
        payload: &mut dyn ReadSeek,
        known: &mut Known,
    ) -> Result<Result<FirstLoad, Refusal>, HubError> {
        match self.read(feed, payload, known)? {
            Ok(read) => self.gate(feed, read).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn read(
        &self,
        feed: &Feed,
        payload: &mut dyn ReadSeek,
        known: &mut Known,
    ) -> Result<Result<ReadIn, Refusal>, HubError> {
        let (covered, doubtful) = (BTreeMap::new(), BTreeMap::new());
        let beside = Beside {
            book: &Book::default(),
            returned: &Returned::default(),
            is_reread: false,
            spoke_from: None,
            spoken: &Spoken::default(),
            terms: &BTreeSet::new(),
            doubtful: &doubtful,
            covered: &covered,
            some_wait: false,
            waited: &Waited::default(),
            run_day: self.day(),
            scratch: self.scratch,
        };
        payload.rewind()?;
        Ok(read::read(self.settings, feed, "", payload, &beside, &mut known.0)?)
    }

    async fn gate(&self, feed: &Feed, mut read: ReadIn) -> Result<FirstLoad, HubError> {
        let mut rejects = std::mem::replace(&mut read.rejects, RejectBook::new(&feed.name, ""));
        let judged = extent::judged(&read, &self.settings.calendars, self.day(), false);
        let by = By {
            feeds: &MemoryFeeds::default(),
            feed: &feed.name,
            settings: self.settings,
            read_on: self.day(),
            read_ms: self.now.as_millisecond(),
            judged: &judged,
        };
        let mut tally = Tally::new(feed.source.entities(), &read, self.day());
        let mut first = FirstLoad { is_whole: is_whole(&read), ..FirstLoad::default() };
        let mut diff = Diff::new(by, &read)?;
        while let Some(step) = diff.next().await? {
            first.note(&step);
            tally.step(&step, &mut rejects)?;
        }
        drop(diff);
        let gated = tally.finish(&read, &Book::default(), None);
        let waits = gated.hold.is_some_and(|held| held.reason == UNUSABLE);
        Ok(FirstLoad { counts: gated.counts, waits, two_persons: gated.notes.two_persons, ..first })
    }

    fn day(&self) -> Date {
        self.settings.district.local_date(self.now)
    }
}

impl FirstLoad {
    fn note(&mut self, step: &Step) {
        if !step.conflict {
            return;
        }
        let first = step.lines.first().copied().map_or(u64::MAX, u64::from);
        let disputed = self.disputed.entry(step.slot.entity).or_insert(Disputed { rows: 0, first });
        disputed.rows += step.rows;
        disputed.first = disputed.first.min(first);
    }
}

fn is_whole(read: &ReadIn) -> bool {
    let ends = |absent_rows| matches!(absent_rows, AbsentRows::End | AbsentRows::Erase);
    read.contents.extents.iter().all(|extent| ends(extent.absent_rows))
}
