//! The fold of the reference topic: the calendars as every consumer sees them.
//!
//! The topic is small and kept for ever; each process folds it from its beginning and then follows it.

use std::collections::BTreeMap;

use signalbox_event::codec::from_record;
use signalbox_event::{Data, Domain, data};
use signalbox_log::Record;
use signalbox_risk as risk;

use crate::hub::{Hub, HubError};

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
    /// Reads what is new. `true`: something was.
    pub async fn refresh(&mut self, hub: &Hub) -> Result<bool, HubError> {
        let topic = hub.settings.topics.name(Domain::Reference);
        let end = hub.log.ends(&[(topic.clone(), 0)]).await?.first().copied().unwrap_or_default();
        let before = self.version;
        while self.next < end {
            let records = hub.log.read(&topic, 0, self.next, PAGE).await?;
            let Some(last) = records.last() else { break };
            self.next = last.offset + 1;
            for record in &records {
                self.fold(record);
            }
        }
        Ok(self.version != before)
    }

    fn fold(&mut self, record: &Record) {
        let headers = record.headers.iter().map(|(name, value)| (name.as_str(), &value[..]));
        // A record that nobody can read changes nothing; `events list` shows it.
        let Ok(event) = from_record(headers, &record.value) else { return };
        let Data::ReferenceCalendar(calendar) = event.data else { return };
        let key = (calendar.school.clone(), calendar.school_year);
        if self.calendars.get(&key).is_some_and(|entry| entry.revision >= event.revision) {
            return;
        }
        self.version += 1;
        self.calendars.insert(key, Entry { revision: event.revision, calendar: risk_calendar(&calendar) });
    }

    /// Names this state of the reference data: equal on every process that folded as far.
    pub fn version(&self) -> String {
        format!("calendars-{}", self.version)
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

fn risk_calendar(calendar: &data::Calendar) -> Option<risk::Calendar> {
    if !calendar.status.is_active() {
        return None;
    }
    // What cannot be a calendar is no calendar: the answer is then "insufficient", which people see.
    risk::Calendar::new(calendar.school_year, calendar.first, calendar.last, calendar.days.iter().copied())
        .ok()
}
