//! What is in force on a shard: the rules, the routes and the feeds that count, as the log announced them last. Every
//! process judges by it, whatever its own file says.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_event::data::{FeedInForce, PolicyChanged, RouteInForce, RuleInForce};
use signalbox_risk::{Rule, policy_hash};

use crate::land::hex;
use crate::{Feed, Hub, HubError, Settings};

/// The note of the announcement of a configuration.
pub const POLICY: &str = "policy";

/// What was announced last, and how often.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Announced {
    pub revision: u64,
    pub hash: String,
}

impl Announced {
    /// What was noted under a name.
    pub async fn load(hub: &Hub, name: &str) -> Result<Self, HubError> {
        match hub.feeds.note(name).await? {
            None => Ok(Self::default()),
            Some(json) => serde_json::from_str(&json).map_err(|_| HubError::Stored("note")),
        }
    }

    /// Notes it under a name.
    pub async fn save(&self, hub: &Hub, name: &str) -> Result<(), HubError> {
        let json = serde_json::to_string(self).expect("a note always serialises");
        Ok(hub.feeds.save_note(name, &json).await?)
    }
}

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
        let route = |route: &crate::Route| RouteInForce { rule: route.rule.clone(), to: route.to.clone() };
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

    /// Whether the feed counts.
    pub fn names(&self, feed: &str) -> bool {
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

/// The highest number under which a configuration was announced, as its announcer noted it.
pub async fn announced_policies(hub: &Hub) -> Result<u64, HubError> {
    Ok(Announced::load(hub, POLICY).await?.revision)
}
