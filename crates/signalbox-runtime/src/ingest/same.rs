//! The same rows again: most nights a district's tools export what they exported the night before, in another order.
//!
//! Of the last accepted payload the feed remembers a sum over the hashes of its rows. Addition does not mind order and
//! counts every row, so a payload with an equal sum has the same rows, each as often (but for a chance of 2^-128 or
//! so). If nothing else that its outcome depends on has changed, the ledger has every row as it stands, and the payload
//! need not be resolved, sorted and compared: parsing it is enough.
//!
//! Only a payload that went through whole is remembered: no reject, nobody not found, no day that had not come yet. It
//! is forgotten before the first row of another is published.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_connector::{Contents, Draft, Entity, Item, Record};
use signalbox_event::data::SchoolCoverage;
use xxhash_rust::xxh3::xxh3_128;

use super::announce;
use super::gate::{Counts, Gated};
use super::read::{Notes, ReadIn};
use super::rejects::RejectBook;
use super::row::of_record;
use super::settings::mapping_of;
use crate::hub::{Feed, Hub, HubError};
use crate::land::hex;

/// The note that counts how often ids were added to the crosswalk.
const CROSSWALK: &str = "crosswalk";

/// The rows of a payload, in no order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowSum {
    count: u64,
    sum: u128,
}

impl RowSum {
    /// `scratch` lends its memory.
    pub(crate) fn add(&mut self, draft: &Draft<'_>, scratch: &mut Vec<u8>) {
        write(&draft.record, scratch);
        scratch.push(u8::from(draft.status.is_active()));
        self.count += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(scratch));
    }
}

/// The record as bytes that no other record has. Most rows are a student's day: those are written without ceremony.
fn write(record: &Record<'_>, to: &mut Vec<u8>) {
    let Record::Attendance { student, school, date, category, source_code } = record else {
        return of_record(record.clone(), None, None).encode(to);
    };
    to.clear();
    let [year_low, year_high] = date.year().to_le_bytes();
    let [month, day] = [date.month(), date.day()].map(i8::cast_unsigned);
    to.extend_from_slice(&[Entity::Attendance as u8, *category as u8, year_low, year_high, month, day]);
    for text in [Some(student), Some(school), source_code.as_ref()] {
        // A length that no text has says that there is none.
        let length = text.map_or(u32::MAX, |text| text.len() as u32);
        to.extend_from_slice(&length.to_le_bytes());
        to.extend_from_slice(text.map_or(&[], |text| text.as_bytes()));
    }
}

/// A payload that went through whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    context: String,
    /// Another size, other rows: most payloads that differ need not even be parsed to know.
    size_bytes: u64,
    sum: RowSum,
    rows: u64,
    duplicate: u64,
    latest: BTreeMap<String, Date>,
    notes: Notes,
}

impl Accepted {
    /// `None`: the payload did not go through whole.
    pub(crate) fn of(context: String, size_bytes: u64, read: &ReadIn, gated: &Gated) -> Option<Self> {
        (gated.whole && !read.reaches_ahead && read.rows > 0).then(|| Self {
            context,
            size_bytes,
            sum: read.sum.clone(),
            rows: gated.counts.rows,
            duplicate: gated.counts.duplicate,
            latest: read.latest.iter().map(|(school, date)| (school.clone(), *date)).collect(),
            notes: gated.notes.clone(),
        })
    }

    /// What comparing a payload of these rows with the ledger would find.
    pub(crate) fn gated(&self, covered: Vec<SchoolCoverage>) -> Gated {
        Gated {
            counts: Counts {
                rows: self.rows,
                unchanged: self.rows - self.duplicate,
                duplicate: self.duplicate,
                ..Counts::default()
            },
            hold: None,
            changes: false,
            publishes: false,
            whole: true,
            covered,
            notes: self.notes.clone(),
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
        let (mut sum, mut scratch) = (RowSum::default(), Vec::new());
        let contents = feed.source.normalize(&mut payload, &mut |item| match item {
            Item::Draft(draft) if draft.fault.is_none() => {
                sum.add(&draft, &mut scratch);
                ControlFlow::Continue(())
            }
            Item::Draft(_) | Item::Reject(_) => ControlFlow::Break(()),
        });
        Ok(contents
            .ok()
            .filter(|_| sum == self.sum)
            .map(|contents| self.read_in(feed, payload_name, contents)))
    }

    fn read_in(&self, feed: &Feed, payload_name: &str, contents: Contents) -> ReadIn {
        ReadIn {
            latest: self.latest.iter().map(|(school, date)| (school.clone(), *date)).collect(),
            notes: self.notes.clone(),
            rows: self.rows,
            sum: self.sum.clone(),
            ..ReadIn::empty(contents, RejectBook::new(&feed.name, payload_name))
        }
    }
}

/// All that the outcome of a payload depends on besides its bytes, the ledger and the day.
pub(crate) async fn context(hub: &Hub, feed: &Feed) -> Result<String, HubError> {
    let parts = [
        env!("CARGO_PKG_VERSION").to_owned(),
        mapping_of(feed),
        format!("{:?} {}", feed.source.student_id_type(), feed.roster_of_record),
        hub.feeds.note(announce::CALENDARS).await?.unwrap_or_default(),
        hub.feeds.note(CROSSWALK).await?.unwrap_or_default(),
    ];
    Ok(hex(&Sha256::digest(parts.join("\n"))[..16]))
}

/// Says that ids are about to be added to the crosswalk: rows may lead elsewhere from here on.
pub(crate) async fn crosswalk_grows(hub: &Hub) -> Result<(), HubError> {
    let before = hub.feeds.note(CROSSWALK).await?;
    let before: u64 = before.map_or(Ok(0), |count| count.parse()).map_err(|_| HubError::Stored("note"))?;
    Ok(hub.feeds.save_note(CROSSWALK, &(before + 1).to_string()).await?)
}

#[cfg(test)]
mod tests;
