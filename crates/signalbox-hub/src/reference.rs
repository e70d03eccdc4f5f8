//! The fold of the reference topic: the calendars as every consumer sees them.
//!
//! The topic is small and kept for ever; each process folds it from its beginning and then follows it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use signalbox_event::codec::from_record;
use signalbox_event::{Data, Domain, data};
use signalbox_log::Record;
use signalbox_risk as risk;

use crate::{Hub, HubError};

const PAGE: usize = 1_000;

/// The reference data read so far.
#[derive(Debug, Clone, Default)]
pub struct ReferenceView {
    next: u64,
    /// How many changes were folded: the version that certificates name.
    version: u64,
    calendars: BTreeMap<(Option<String>, u16), Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    revision: u64,
    calendar: Option<risk::Calendar>,
}

impl ReferenceView {
    /// Reads what is new: [`changes`](Self::changes) tells whether anything was.
    pub async fn refresh(&mut self, hub: &Hub) -> Result<(), HubError> {
        self.read_until(hub, u64::MAX).await
    }

    /// As it was after so many changes.
    pub async fn as_of(hub: &Hub, changes: u64) -> Result<Self, HubError> {
        let mut view = Self::default();
        view.read_until(hub, changes).await?;
        Ok(view)
    }

    async fn read_until(&mut self, hub: &Hub, changes: u64) -> Result<(), HubError> {
        let topic = hub.settings.topics.name(Domain::Reference);
        let end = hub.log.ends(&[(topic.clone(), 0)]).await?.first().copied().unwrap_or_default();
        while self.next < end && self.version < changes {
            let records = hub.log.read(&topic, 0, self.next, PAGE).await?;
            if records.is_empty() {
                break;
            }
            for record in &records {
                if self.version == changes {
                    break;
                }
                self.next = record.offset + 1;
                self.fold(hub, record);
            }
        }
        Ok(())
    }

    fn fold(&mut self, hub: &Hub, record: &Record) {
        // A record that nobody can read changes nothing; `events list` shows it.
        let Ok(event) = from_record(record.headers.named_in_bytes(), &record.value) else { return };
        if !hub.settings.district.owns(&event) {
            return;
        }
        let Data::ReferenceCalendar(calendar) = event.data else { return };
        let key = (calendar.school.clone(), calendar.school_year);
        if self.calendars.get(&key).is_some_and(|entry| entry.revision >= event.revision) {
            return;
        }
        self.version += 1;
        self.calendars.insert(key, Entry { revision: event.revision, calendar: risk_calendar(&calendar) });
    }

    /// The highest revision of a calendar.
    pub fn revision(&self) -> u64 {
        self.calendars.values().map(|entry| entry.revision).max().unwrap_or_default()
    }

    /// Whether just these calendars are in force.
    pub fn has_just(&self, calendars: &[data::Calendar]) -> bool {
        let is_in_force = |calendar: &data::Calendar| {
            let entry = self.calendars.get(&(calendar.school.clone(), calendar.school_year));
            entry.is_some_and(|entry| entry.calendar == risk_calendar(calendar))
        };
        // One that cannot be a calendar is in force nowhere.
        let can_be = calendars.iter().filter(|calendar| risk_calendar(calendar).is_some()).count();
        calendars.iter().all(is_in_force) && self.in_force().count() == can_be
    }

    /// School (none: all others) and school year of every calendar in force.
    pub fn in_force(&self) -> impl Iterator<Item = &(Option<String>, u16)> {
        self.calendars.iter().filter(|(_, entry)| entry.calendar.is_some()).map(|(key, _)| key)
    }

    /// Names this state of the reference data: equal on every process that folded as far.
    pub fn version(&self) -> String {
        calendars_version(self.version)
    }

    /// How many changes were folded.
    pub fn changes(&self) -> u64 {
        self.version
    }

    /// The school year that is running on `date`: the last that has begun, a year beginning with the earliest of its
    /// calendars; before the first begins, that one. `None` without a calendar.
    pub fn running_year(&self, date: Date) -> Option<u16> {
        let mut begins: BTreeMap<u16, Date> = BTreeMap::new();
        for ((_, year), entry) in &self.calendars {
            let Some(first) = entry.calendar.as_ref().map(risk::Calendar::first) else { continue };
            begins.entry(*year).and_modify(|begin| *begin = first.min(*begin)).or_insert(first);
        }
        let begun = begins.iter().rev().find(|(_, begin)| **begin <= date);
        begun.or(begins.first_key_value()).map(|(year, _)| *year)
    }

    /// The builder of the evaluation's reference, calendars filled in.
    pub fn builder(&self, version: String) -> risk::ReferenceBuilder {
        let mut builder = risk::Reference::builder(version);
        for ((school, _), entry) in &self.calendars {
            let Some(calendar) = &entry.calendar else { continue };
            builder = match school {
                Some(school) => builder.calendar(school.clone(), calendar.clone()),
                None => builder.default_calendar(calendar.clone()),
            };
        }
        builder
    }
}

/// Names the calendars after so many changes.
pub fn calendars_version(changes: u64) -> String {
    format!("calendars-{changes}")
}

fn risk_calendar(calendar: &data::Calendar) -> Option<risk::Calendar> {
    if !calendar.status.is_active() {
        return None;
    }
    // What cannot be a calendar is no calendar: the answer is then "insufficient", which people see.
    risk::Calendar::new(calendar.school_year, calendar.first, calendar.last, calendar.days.iter().copied())
        .ok()
}
