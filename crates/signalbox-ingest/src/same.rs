//! The same rows again: most nights a district's tools export what they exported the night before, in another order.
//!
//! Of the last accepted payload the feed remembers a sum over the hashes of its rows. Addition does not mind order and
//! counts every row, so a payload with an equal sum has the same rows, each as often (but for a chance of 2^-128 or
//! so). If nothing else that its outcome depends on has changed, the ledger has every row as it stands, and the payload
//! need not be resolved, sorted and compared. Most sources can sum their raw rows, lines of a CSV file, and then it is
//! not even parsed; of the others the drafts are summed.
//!
//! Only a payload that went through whole is remembered: no reject, no doubt, nobody not found, no day that had not come yet. It
//! is forgotten before the first row of another is published.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_connector::{Contents, Draft, Item, ReadSeek, RowSum};
use signalbox_hub::land::hex;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::feed::{FeedLease, Run};

use super::announce;
use super::extent::RowDays;
use super::gate::{Counts, Gated};
use super::read::{Notes, ReadIn};
use super::rejects::RejectBook;
use super::row::Waiting;
use super::settings::mapping_of;

/// The note that names the state of the crosswalk.
const CROSSWALK: &str = "crosswalk";

/// What of a payload is summed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Summed {
    #[default]
    Drafts,
    RawRows,
}

/// The sum of the raw rows, if the source can tell; the payload stands at its beginning again. Blocking.
pub(crate) fn raw_rows(feed: &Feed, payload: &mut dyn ReadSeek) -> io::Result<Option<RowSum>> {
    let sum = feed.source.row_sum(payload)?;
    payload.rewind()?;
    Ok(sum)
}

/// `scratch` lends its memory.
pub(crate) fn add_draft(sum: &mut RowSum, draft: &Draft<'_>, scratch: &mut Vec<u8>) {
    // With its claims it is as if it waited.
    Waiting::of(draft).encode(scratch);
    scratch.push(u8::from(draft.status.is_active()));
    sum.add(scratch);
}

/// A payload that went through whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    context: String,
    /// Another size, other rows: most payloads that differ need not even be parsed to know.
    size_bytes: u64,
    sum: RowSum,
    #[serde(default)]
    summed: Summed,
    rows: u64,
    duplicate: u64,
    latest: BTreeMap<String, Date>,
    #[serde(default)]
    days: RowDays,
    notes: Notes,
    /// The school year that it was read in.
    year: u16,
}

impl Accepted {
    /// `None`: the payload did not go through whole.
    pub(crate) fn of(context: String, size_bytes: u64, read: &ReadIn, gated: &Gated) -> Option<Self> {
        let whole = gated.whole && !read.reaches_ahead && read.doubt.is_none();
        (whole && read.rows > 0).then(|| Self {
            context,
            size_bytes,
            sum: read.sum.clone(),
            summed: read.summed,
            rows: gated.counts.rows,
            duplicate: gated.counts.duplicate,
            latest: read.latest.iter().map(|(school, date)| (school.clone(), *date)).collect(),
            days: read.days.clone(),
            notes: gated.notes.clone(),
            year: read.year,
        })
    }

    /// What comparing a payload of these rows with the ledger would find.
    pub(crate) fn gated(&self, read: &ReadIn) -> Gated {
        Gated {
            counts: Counts {
                rows: self.rows,
                unchanged: self.rows - self.duplicate,
                duplicate: self.duplicate,
                ..Counts::default()
            },
            whole: true,
            covered: read.covered.clone(),
            notes: self.notes.clone(),
            book: read.doubt.book(self.rows, 0, &BTreeSet::new()),
            ..Gated::default()
        }
    }

    /// Reads a payload as far as it takes to tell whether its rows are these. `None`: they are not. Blocking.
    pub(crate) fn recognise(
        &self,
        feed: &Feed,
        context: &str,
        run_day: Date,
        payload_name: &str,
        mut payload: File,
    ) -> io::Result<Option<ReadIn>> {
        let reaches_ahead = self.latest.values().any(|date| *date > run_day);
        if self.context != context || reaches_ahead || payload.metadata()?.len() != self.size_bytes {
            return Ok(None);
        }
        let contents = match raw_rows(feed, &mut payload)? {
            Some(sum) => {
                let same = self.summed == Summed::RawRows && sum == self.sum;
                same.then(|| before_rows(feed, &mut payload)).flatten()
            }
            None => self.same_drafts(feed, &mut payload),
        };
        Ok(contents.map(|contents| self.read_in(feed, payload_name, contents, self.year)))
    }

    /// Normalises the payload, as far as its drafts may be these.
    fn same_drafts(&self, feed: &Feed, payload: &mut File) -> Option<Contents> {
        if self.summed != Summed::Drafts {
            return None;
        }
        let (mut sum, mut scratch) = (RowSum::default(), Vec::new());
        let contents = feed.source.normalize(payload, &mut |item| match item {
            Item::Draft(draft) if draft.fault.is_none() && draft.left_out.is_empty() => {
                add_draft(&mut sum, &draft, &mut scratch);
                ControlFlow::Continue(())
            }
            Item::Draft(_) | Item::Reject(_) => ControlFlow::Break(()),
        });
        contents.ok().filter(|_| sum == self.sum)
    }

    fn read_in(&self, feed: &Feed, payload_name: &str, contents: Contents, year: u16) -> ReadIn {
        ReadIn {
            latest: self.latest.iter().map(|(school, date)| (school.clone(), *date)).collect(),
            days: self.days.clone(),
            notes: self.notes.clone(),
            rows: self.rows,
            sum: self.sum.clone(),
            summed: self.summed,
            ..ReadIn::empty(contents, RejectBook::new(&feed.name, payload_name), year)
        }
    }
}

/// What a payload says of itself before its first row.
fn before_rows(feed: &Feed, payload: &mut File) -> Option<Contents> {
    feed.source.normalize(payload, &mut |_| ControlFlow::Break(())).ok()
}

/// All that the outcome of a payload depends on besides its bytes and the ledger.
#[derive(Debug)]
pub(crate) struct Basis {
    /// What this process' configuration lays down, as a hash.
    configured: String,
    /// The state of the crosswalk.
    pub(crate) crosswalk: String,
}

impl Basis {
    pub(crate) async fn load(hub: &Hub, feed: &Feed, run_day: Date) -> Result<Self, HubError> {
        Ok(Self { configured: configured(hub, feed, run_day), crosswalk: crosswalk(hub).await? })
    }

    pub(crate) fn context(&self) -> String {
        let parts = format!("{}\n{}", self.configured, self.crosswalk);
        hex(&Sha256::digest(parts)[..16])
    }

    /// What a decision about the run's payload rests on. What the run itself added to the crosswalk changes nothing.
    pub(crate) fn of(&self, run: &Run) -> String {
        let Self { configured, crosswalk } = self;
        let own = format!(" run {} of {}, epoch ", run.number, run.feed);
        let decided = run.gated.as_deref().and_then(|gated| serde_json::from_str::<Gated>(gated).ok());
        match decided {
            Some(decided) if crosswalk.contains(&own) && decided.basis.starts_with(configured) => {
                decided.basis
            }
            _ => format!("{configured} {crosswalk}"),
        }
    }
}

fn configured(hub: &Hub, feed: &Feed, run_day: Date) -> String {
    let calendars = &hub.settings.calendars;
    let parts = [
        env!("CARGO_PKG_VERSION").to_owned(),
        mapping_of(feed),
        format!("{:?} {}", feed.source.student_id_type(), feed.roster_of_record),
        announce::hash_of(calendars),
        calendars.school_year(run_day).to_string(),
    ];
    hex(&Sha256::digest(parts.join("\n"))[..16])
}

/// Names the state of the crosswalk; empty before the first id.
pub(crate) async fn crosswalk(hub: &Hub) -> Result<String, HubError> {
    Ok(hub.feeds.note(CROSSWALK).await?.unwrap_or_default())
}

/// Says that ids are about to be added to the crosswalk, and then that they are: rows may lead elsewhere from here on.
/// Whoever read the ids in between has them under a name that does not come again.
pub(crate) async fn crosswalk_grows(
    hub: &Hub,
    lease: &FeedLease,
    run: &Run,
    when: &str,
) -> Result<(), HubError> {
    let name = format!("{when} run {} of {}, epoch {}", run.number, run.feed, lease.epoch);
    Ok(hub.feeds.save_note(CROSSWALK, &name).await?)
}

#[cfg(test)]
mod tests;
