//! What students of a shard are judged by: the rules that are in force there, of the feeds that count.

use std::borrow::Cow;
use std::collections::BTreeSet;

use signalbox_hub::Settings;
use signalbox_hub::in_force::InForce;
use signalbox_risk::{Fits, Heard as HeardOf, Judging, Registers, fitting};

use super::ScoredShard;
use super::student::RuleState;

/// What students of a shard are judged by.
#[derive(Debug, Clone)]
pub struct Law {
    pub in_force: InForce,
    /// Feeds that said something here and do not count.
    silenced: BTreeSet<String>,
}

/// What is heard of a student's registers.
#[derive(Debug)]
pub struct Heard<'a> {
    pub registers: Cow<'a, Registers>,
    /// Where the student is enrolled was only said by feeds that are not configured: nothing is decided until one that
    /// is says so, or they are retired.
    pub is_undecided: bool,
}

impl Law {
    /// What is in force there, or what would be announced where nothing is.
    pub fn of(shard: &ScoredShard, settings: &Settings) -> Self {
        let in_force = shard.in_force.clone().unwrap_or_else(|| InForce::of_settings(settings));
        let silenced = shard.feeds.keys().filter(|feed| shard.is_retired(feed) || !in_force.names(feed));
        Self { silenced: silenced.cloned().collect(), in_force }
    }

    /// The names of the rules that are in force, and of those that students have flags of, in their fixed order.
    pub fn names<'a>(&'a self, kept: &'a [RuleState]) -> impl Iterator<Item = &'static str> + use<'a> {
        let is_in_force = |name: &str| self.in_force.rules.iter().any(|rule| rule.name() == name);
        let has_flags = |name: &str| kept.iter().any(|state| state.rule == name);
        signalbox_risk::Settings::NAMES
            .iter()
            .copied()
            .filter(move |name| is_in_force(name) || has_flags(name))
    }

    /// Of the rules of this name the one that is for the student.
    pub fn fitting(&self, name: &str, on: &Judging<'_>) -> Fits<'_> {
        fitting(&self.in_force.rules, name, || on.enrollments())
    }

    /// What counts of a student's registers.
    pub fn hear<'a>(&self, shard: &ScoredShard, registers: &'a Registers) -> Heard<'a> {
        if self.silenced.is_empty() {
            return Heard { registers: Cow::Borrowed(registers), is_undecided: false };
        }
        let heard = registers.heard(&|feed| match self.silenced.contains(feed) {
            false => HeardOf::All,
            true if shard.is_retired(feed) => HeardOf::Nothing,
            true => HeardOf::Unknown,
        });
        let is_missed = |feed: &str| self.silenced.contains(feed) && !shard.is_retired(feed);
        let is_undecided = heard.live_enrollments().next().is_none()
            && registers.live_enrollments().any(|live| is_missed(live.feed));
        Heard { registers: Cow::Owned(heard), is_undecided }
    }
}
