//! Parts in discipline incidents.

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Live, optional, text};
use super::facts::{self, Facts};
use super::{Applied, Heard};
use crate::day::Day;
use crate::observation::{Incident, IncidentCategory};

/// The incidents of one student.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Incidents(Facts<Key, Value>);

/// Of one feed, so that two that speak of one incident are two registers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    incident: Box<str>,
    feed: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Value {
    date: Option<Day>,
    category: IncidentCategory,
    school: Box<str>,
}

/// A live incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LiveIncident<'a> {
    pub incident: &'a str,
    pub feed: &'a str,
    pub said: Incident<'a>,
}

impl Incidents {
    pub(super) fn apply(
        &mut self,
        digest: &mut Digest,
        feed: &str,
        revision: u64,
        incident: &str,
        value: Option<Incident<'_>>,
    ) -> Applied {
        let key = Key { incident: incident.into(), feed: feed.into() };
        let value = value.map(|Incident { school, date, category }| Value {
            date: date.map(Day::of),
            category,
            school: school.into(),
        });
        self.0.apply(digest, key, revision, value)
    }

    /// Live incidents in the order (incident, feed).
    pub(crate) fn live(&self) -> impl Iterator<Item = LiveIncident<'_>> {
        self.0.live().map(|(key, value)| {
            let Value { date, category, school } = value;
            let said = Incident { school, date: date.map(Day::date), category: *category };
            LiveIncident { incident: &key.incident, feed: &key.feed, said }
        })
    }

    pub(super) fn heard(&self, of: &dyn Fn(&str) -> Heard) -> Self {
        Self(self.0.map(|key, value| match of(&key.feed) {
            Heard::All => Some(value.clone()),
            Heard::Unknown => Some(Value { category: IncidentCategory::Unknown, ..value.clone() }),
            Heard::Nothing => None,
        }))
    }
}

impl Live for Incidents {
    fn each_live(&self, of_one: &mut dyn FnMut(&[u8])) {
        self.0.each_live(of_one);
    }
}

impl facts::Value<Key> for Value {
    fn say(&self, Key { incident, feed }: &Key, fact: &mut Vec<u8>) {
        fact.push(b'I');
        for part in [feed, incident, &self.school, self.category.as_str()] {
            text(fact, part);
        }
        optional(fact, self.date, |fact, date| fact.extend_from_slice(&date.to_le_bytes()));
    }
}
