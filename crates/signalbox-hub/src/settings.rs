//! What the district configured.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use secrecy::SecretSlice;
use signalbox_connector::{Destination, Entity, Source};
use signalbox_event::data::Mode;
use signalbox_event::{Domain, Event, topic};
use signalbox_risk::Rule;

use crate::calendar::Calendars;
use crate::consumer::Consumer;
use crate::names::Names;

/// The district's configuration, parsed and checked.
pub struct Settings {
    pub district: District,
    pub topics: Topics,
    pub calendars: Calendars,
    /// In the order of the YAML, which is the order of authority.
    pub feeds: Vec<Feed>,
    pub targets: Vec<Target>,
    pub routes: Vec<Route>,
    /// Of several of one name the first that fits a student holds.
    pub rules: Vec<Rule>,
    /// What feeds are called.
    pub names: Names,
    /// The largest payload that is landed.
    pub max_payload_bytes: u64,
}

impl Settings {
    /// The configured feed that is kept under `kept`.
    pub fn feed(&self, kept: &str) -> Option<&Feed> {
        self.feeds.iter().find(|feed| feed.name == kept)
    }
}

/// Whose hub this is.
pub struct District {
    pub id: String,
    pub zone: TimeZone,
    /// Makes student keys unguessable.
    pub secret: SecretSlice<u8>,
}

impl District {
    /// When the day begins there, in milliseconds since the epoch.
    pub fn start_of(&self, date: Date) -> i64 {
        date.to_zoned(self.zone.clone()).map_or(i64::MAX, |at| at.timestamp().as_millisecond())
    }

    /// Whether the event's source and key are of this district.
    pub fn owns(&self, event: &Event) -> bool {
        let is_ours = |text: &str, before: &str| {
            text.strip_prefix(before)
                .and_then(|rest| rest.strip_prefix(self.id.as_str()))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        is_ours(&event.source, "/districts/") && is_ours(&event.partition_key, "")
    }

    /// The civil date in the district's zone.
    pub fn local_date(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone.clone()).date()
    }
}

/// How topics are named and cut, and who consumes them.
#[derive(Debug, Clone)]
pub struct Topics {
    pub prefix: String,
    pub shards: u32,
    pub consumers: &'static [Consumer],
}

impl Topics {
    pub fn name(&self, domain: Domain) -> String {
        topic::name(&self.prefix, domain)
    }

    /// Every topic with its number of shards: the district's own, and those for records nobody can read.
    pub fn all(&self) -> Vec<(String, u32)> {
        let domains = Domain::ALL
            .into_iter()
            .map(|domain| (self.name(domain), if domain.is_sharded() { self.shards } else { 1 }));
        let keepers = self.keepers().into_iter();
        let dead_letters =
            keepers.map(|(topic, keeper)| (dead_letter_topic(&topic, keeper.name), self.shards));
        domains.chain(dead_letters).collect()
    }

    /// The topics that consumers read, each with the one that keeps what nobody can read there: the first in the list. All
    /// would find the same records unfit.
    pub fn keepers(&self) -> Vec<(String, &'static Consumer)> {
        let mut kept: Vec<(String, &Consumer)> = Vec::new();
        for consumer in self.consumers {
            for topic in consumer.topics(self) {
                if kept.iter().all(|(other, _)| *other != topic) {
                    kept.push((topic, consumer));
                }
            }
        }
        kept
    }
}

/// Where records go that a consumer cannot read.
pub fn dead_letter_topic(topic: &str, consumer: &str) -> String {
    format!("{topic}.{consumer}.dlq")
}

/// One feed.
pub struct Feed {
    /// The name under which it is kept, which may not be the one that it is called by (see [`Names`]).
    pub name: String,
    pub mode: Mode,
    /// Its ids are the district's ids.
    pub roster_of_record: bool,
    pub source: Arc<dyn Source>,
}

impl Feed {
    /// Whether it is read before the others in a pass.
    pub fn is_roster(&self) -> bool {
        self.source.entities().iter().any(|entity| entity.is_roster())
    }

    /// Whether it says how students spent their days.
    pub fn is_attendance(&self) -> bool {
        self.source.entities().contains(&Entity::Attendance)
    }

    /// The topic its runs write to.
    pub fn domain(&self) -> Domain {
        let facts = self.source.entities().iter().find(|entity| !entity.is_roster());
        facts.map_or(Domain::Roster, |entity| entity.domain())
    }
}

/// Who is told of a rule's flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub rule: String,
    /// A destination's name.
    pub to: String,
}

/// A destination with its name in the configuration.
pub struct Target {
    pub name: String,
    pub destination: Arc<dyn Destination>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("district", &self.district).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for District {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("District").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}
