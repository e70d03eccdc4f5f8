//! What is in force on a shard: the rules, the routes and the feeds that count, as the log announced them last. Every
//! process judges by it, whatever its own file says.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_event::data::{FeedInForce, PolicyChanged, RouteInForce, RuleInForce};
use signalbox_risk::{Fits, Heard as HeardOf, Judging, Registers, Rule, fitting, policy_hash};

use super::shard::ShardState;
use super::student::RuleState;
use crate::hub::{Feed, Settings};
use crate::land::hex;

/// What a configuration lays down for all processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Of the announcement; 0 of one that was not announced.
    pub number: u64,
    /// Of several of one name the first that fits a student holds.
    pub rules: Vec<Rule>,
    pub routes: Vec<RouteInForce>,
    /// In the order of authority.
    pub feeds: Vec<FeedInForce>,
}

impl InForce {
    /// What a process would announce.
    pub fn of_settings(settings: &Settings) -> Self {
        let route =
            |route: &crate::hub::Route| RouteInForce { rule: route.rule.clone(), to: route.to.clone() };
        Self {
            number: 0,
            rules: settings.rules.clone(),
            routes: settings.routes.iter().map(route).collect(),
            feeds: settings.feeds.iter().map(feed_in_force).collect(),
        }
    }

    /// `None`: a rule that this version does not know, or cannot read.
    pub fn of_event(event: &PolicyChanged) -> Option<Self> {
        let rule = |rule: &RuleInForce| {
            let mut json = rule.settings.clone();
            json.insert("rule".to_owned(), rule.rule.clone().into());
            Rule::from_json(json).ok()
        };
        Some(Self {
            number: event.number,
            rules: event.rules.iter().map(rule).collect::<Option<_>>()?,
            routes: event.routes.clone(),
            feeds: event.feeds.clone(),
        })
    }

    pub fn to_event(&self, number: u64) -> PolicyChanged {
        let Self { rules, routes, feeds, .. } = self;
        let rule = |rule: &Rule| {
            let mut settings = rule.to_json();
            settings.remove("rule");
            RuleInForce { rule: rule.name().to_owned(), settings }
        };
        PolicyChanged {
            policy_hash: policy_hash(rules),
            number,
            rules: rules.iter().map(rule).collect(),
            routes: routes.clone(),
            feeds: feeds.clone(),
        }
    }

    /// Tells what is laid down from anything else; whichever announcement it was.
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(&self.to_event(0)).expect("plain data always serialises");
        hex(&Sha256::digest(json)[..16])
    }

    /// Of two announcements the one that all processes follow, whichever came first: the same on every shard.
    pub(crate) fn beats(&self, other: &Self) -> bool {
        (self.number, self.hash()) > (other.number, other.hash())
    }

    fn names(&self, feed: &str) -> bool {
        self.feeds.iter().any(|one| one.feed == feed)
    }
}

fn feed_in_force(feed: &Feed) -> FeedInForce {
    FeedInForce {
        feed: feed.name.clone(),
        entities: feed.source.entities().iter().map(|entity| entity.as_str().to_owned()).collect(),
        enrollment: feed.is_roster(),
        attendance: feed.is_attendance(),
    }
}

/// What students of a shard are judged by.
#[derive(Debug, Clone)]
pub struct Law {
    pub in_force: InForce,
    /// Feeds that said something here and do not count.
    silenced: BTreeSet<String>,
}

/// What is heard of a student's registers.
pub(crate) struct Heard<'a> {
    pub(crate) registers: Cow<'a, Registers>,
    /// Where the student is enrolled was only said by feeds that are not configured: nothing is decided until one that
    /// is says so, or they are retired.
    pub(crate) is_undecided: bool,
}

impl Law {
    pub fn of(shard: &ShardState, settings: &Settings) -> Self {
        let in_force = shard.in_force.clone().unwrap_or_else(|| InForce::of_settings(settings));
        let silenced = shard.feeds.keys().filter(|feed| shard.is_retired(feed) || !in_force.names(feed));
        Self { silenced: silenced.cloned().collect(), in_force }
    }

    /// The names of the rules that are in force, and of those that students have flags of, in their fixed order.
    pub(crate) fn names<'a>(&'a self, kept: &'a [RuleState]) -> impl Iterator<Item = &'static str> + use<'a> {
        let is_in_force = |name: &str| self.in_force.rules.iter().any(|rule| rule.name() == name);
        let has_flags = |name: &str| kept.iter().any(|state| state.rule == name);
        signalbox_risk::Settings::NAMES
            .iter()
            .copied()
            .filter(move |name| is_in_force(name) || has_flags(name))
    }

    /// Of the rules of this name the one that is for the student.
    pub(crate) fn fitting(&self, name: &str, on: &Judging<'_>) -> Fits<'_> {
        fitting(&self.in_force.rules, name, || on.enrollments())
    }

    pub(crate) fn hear<'a>(&self, shard: &ShardState, registers: &'a Registers) -> Heard<'a> {
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
