//! What every consumer knows of a shard: its feeds, their runs and modes, what is in force, and on which day it was decided
//! last. A consumer keeps what is its own beside that.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use signalbox_event::data::{Mode, PolicyChanged, RunEnded};
use signalbox_event::{Data, Event};
use signalbox_log::{Offset, Shard};
use signalbox_store::state::{StateRow, Subject};

use crate::consumer::Consumer;
use crate::in_force::InForce;
use crate::{Hub, HubError, Settings};

const FORMAT: u8 = 6;

/// The state row of the shard itself, with what is a consumer's own. Whoever does not know that reads it without.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardState<Own = ()> {
    pub feeds: BTreeMap<String, FeedOnShard>,
    /// `None`: nothing was announced here yet.
    pub in_force: Option<InForce>,
    /// How many times what everybody is decided against changed, but for the calendars: part of the version that
    /// certificates name.
    pub turns: u64,
    /// Changes of the calendars that everybody was last decided against.
    pub calendars: u64,
    /// The latest day on which somebody was decided on: it never goes back with the clock.
    pub as_of: Option<Date>,
    /// The school year that was running then; `None` while no calendar is known.
    pub running_year: Option<u16>,
    /// The sum of the digests of all states. It wraps.
    pub digest: u128,
    /// The last, so that it can be left unread.
    pub own: Own,
}

/// A feed as this shard has seen it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedOnShard {
    pub mode: Mode,
    /// A run whose rows were seen and whose end was not.
    pub open_run: Option<u64>,
    pub ended_run: u64,
    /// A person ended what it had said.
    pub is_retired: bool,
}

/// Where a school year stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Year {
    Over,
    Running,
    ToCome,
}

/// What an event changed of a shard as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShardChange {
    #[default]
    Same,
    /// Its row is to be written.
    Noted,
    /// Everybody on it is decided on anew, against something else than before.
    Turned,
}

/// A place on the log: what had been read when something was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Of each of the consumer's topics, up to where the shard was folded.
    pub next: Vec<Offset>,
    /// Changes of the calendars by then.
    pub calendars: u64,
    /// See [`ShardState::turns`].
    pub turns: u64,
}

impl<Own> ShardState<Own> {
    /// The first row of a shard.
    pub fn subject() -> Subject {
        vec![0]
    }

    /// What an event says of the shard to every consumer.
    pub fn hear(&mut self, event: &Event) -> ShardChange {
        match &event.data {
            Data::OpsRunEnded(ended) => self.run_ended(ended),
            Data::OpsFeedMode(mode) => {
                self.feeds.entry(mode.feed.clone()).or_default().mode = mode.mode;
                ShardChange::Turned
            }
            Data::OpsPolicyChanged(policy) => self.announced(policy),
            Data::OpsFeedRetired(retired) => self.retire(&retired.feed),
            _ => match (event.feed(), event.run) {
                (Some(feed), Some(run)) => self.row_of(feed, run),
                _ => ShardChange::Same,
            },
        }
    }

    /// Half a payload decides nothing: while a run is open here, nobody on this shard is decided on (I20).
    pub fn has_open_run(&self) -> bool {
        self.feeds.values().any(|feed| feed.open_run.is_some())
    }

    /// A row of a run came by. Rows of a run that has ended are repetitions and open nothing.
    fn row_of(&mut self, feed: &str, run: u64) -> ShardChange {
        if !self.feeds.contains_key(feed) {
            self.feeds.insert(feed.to_owned(), FeedOnShard::default());
        }
        let feed = self.feeds.get_mut(feed).expect("just inserted");
        if run <= feed.ended_run || feed.is_retired || feed.open_run >= Some(run) {
            return ShardChange::Same;
        }
        feed.open_run = Some(run);
        ShardChange::Noted
    }

    /// A run ended. The marker of an earlier run is ignored while a later one is open. The first of a feed turns the shard.
    fn run_ended(&mut self, ended: &RunEnded) -> ShardChange {
        let feed = self.feeds.entry(ended.feed.clone()).or_default();
        let is_first = feed.ended_run == 0;
        feed.ended_run = feed.ended_run.max(ended.run);
        feed.open_run = feed.open_run.filter(|open| *open > ended.run);
        if is_first { ShardChange::Turned } else { ShardChange::Noted }
    }

    /// A configuration was announced: it is in force from here on, unless one that beats it is.
    fn announced(&mut self, event: &PolicyChanged) -> ShardChange {
        // What this version cannot read leaves in force what was.
        let Some(announced) = InForce::of_event(event) else { return ShardChange::Same };
        if self.in_force.as_ref().is_some_and(|before| !announced.beats(before)) {
            return ShardChange::Same;
        }
        self.in_force = Some(announced);
        ShardChange::Turned
    }

    /// What the feed says from here on is not heard.
    fn retire(&mut self, feed: &str) -> ShardChange {
        let feed = self.feeds.entry(feed.to_owned()).or_default();
        feed.open_run = None;
        feed.is_retired = true;
        ShardChange::Turned
    }

    pub fn is_retired(&self, feed: &str) -> bool {
        self.feeds.get(feed).is_some_and(|feed| feed.is_retired)
    }

    /// The rank of a feed where several speak of one thing: the least is heard. `None`: it does not count.
    pub fn authority(&self, settings: &Settings, feed: &str) -> Option<usize> {
        let rank = match &self.in_force {
            Some(in_force) => in_force.feeds.iter().position(|one| one.feed == feed),
            None => settings.feeds.iter().position(|one| one.name == feed),
        };
        rank.filter(|_| !self.is_retired(feed))
    }

    /// The day that everybody is decided on, when it is `today` by the clock.
    pub fn day(&self, today: Date) -> Date {
        self.as_of.map_or(today, |held| held.max(today))
    }

    pub fn year(&self, school_year: u16) -> Year {
        match self.running_year.map(|running| school_year.cmp(&running)) {
            None | Some(Ordering::Equal) => Year::Running,
            Some(Ordering::Less) => Year::Over,
            Some(Ordering::Greater) => Year::ToCome,
        }
    }

    /// The lowest mode among feeds.
    pub fn lowest_mode<'a>(&self, feeds: impl IntoIterator<Item = &'a str>) -> Option<Mode> {
        feeds.into_iter().map(|name| self.feeds.get(name).map_or(Mode::Test, |feed| feed.mode)).min()
    }
}

impl<Own: Default + Serialize + DeserializeOwned> ShardState<Own> {
    pub fn decode(bytes: &[u8]) -> Result<Self, HubError> {
        let damaged = || HubError::Stored("shard's state");
        let Some((&FORMAT, rest)) = bytes.split_first() else { return Err(damaged()) };
        postcard::take_from_bytes(rest).map(|(state, _)| state).map_err(|_| damaged())
    }

    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FORMAT]).expect("a buffer that grows takes any state")
    }

    /// A shard as a consumer has stored it, and whether somebody on it waits to be decided on.
    ///
    /// # Errors
    /// The store does not answer, or another version wrote the row.
    pub async fn stored(hub: &Hub, kept_as: &str, shard: Shard) -> Result<(Self, bool), HubError> {
        let rows = hub.states.scan(kept_as, shard, None, 1).await?;
        match rows.first().filter(|row| row.subject == Self::subject()) {
            Some(StateRow { state, due_ms, .. }) => Ok((Self::decode(state)?, due_ms.is_some())),
            None => Ok((Self::default(), false)),
        }
    }
}

/// A shard as the first consumer has stored it: what is in force there, and what was read.
///
/// # Errors
/// As [`ShardState::stored`].
pub async fn stored(hub: &Hub, shard: Shard) -> Result<ShardState, HubError> {
    match hub.settings.topics.consumers.first() {
        Some(Consumer { kept_as, .. }) => Ok(ShardState::stored(hub, kept_as, shard).await?.0),
        None => Ok(ShardState::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_know_what_is_a_consumers_own_reads_the_rest() {
        let state = ShardState { turns: 7, own: "covered".to_owned(), ..ShardState::default() };
        let rest = ShardState { turns: 7, ..ShardState::default() };
        let bytes = state.encode();
        assert_eq!(ShardState::<String>::decode(&bytes).expect("reads"), state);
        assert_eq!(ShardState::<()>::decode(&bytes).expect("reads"), rest);
        for bytes in [&b""[..], &[FORMAT - 1], &[FORMAT, 1]] {
            assert!(ShardState::<()>::decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
