//! What makes a consumer: how events change states, and what is decided of them. All else is the same for every consumer.

use std::fmt::Debug;
use std::hash::Hash;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;
use signalbox_event::{Domain, Event};
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::{Place, ShardChange, ShardState};
use signalbox_hub::{Hub, HubError, Settings};
use signalbox_store::card::Card;
use signalbox_store::outbox::{Amendment, NewEntry};
use signalbox_store::state::{StateRow, Subject};

use super::row;

/// A consumer. Nothing of it reads a clock or draws lots, so that folding the same events again gives the same states.
pub trait Folder: Sized + Send + Sync + 'static {
    /// What people call it; also a part of topic names.
    const NAME: &'static str;
    /// What it does, in a few words for people.
    const ABOUT: &'static str;
    /// Its name in the state store: the other with a generation, `name@1`.
    const KEPT_AS: &'static str;
    /// Whose topics it reads; of several with records, the earlier is read first. The first is [`Domain::Ops`], which tells
    /// every consumer what is in force.
    const DOMAINS: &'static [Domain];

    /// Whom a state is about.
    type Who: Who;
    /// What is kept of one of them.
    type State: State;
    /// What is kept of a shard as a whole beside what every consumer keeps of it ([`ShardState`]).
    type Shard: Default + Clone + Serialize + DeserializeOwned + Send + Sync;
    /// What everybody on a shard is decided against: built when it is needed, kept until the shard turns.
    type Reference: Send + Sync;

    /// Whose state an event needs, if anybody's.
    fn who(event: &Event) -> Option<Self::Who>;

    /// Takes in what an event says of the shard. How often it turns must not depend on the order between topics: whoever
    /// computes a decision again reads them one after the other.
    fn hear(own: &mut Self::Shard, event: &Event) -> ShardChange;

    /// Takes in what an event says of [`whom`](Self::who) it is about. Commutative and idempotent: records come in any order,
    /// and again. The state is empty where there was none.
    fn fold(on: &Folding<'_>, state: &mut Self::State, event: &Event) -> Result<StateChange, HubError>;

    /// Of the shard only what turns it may be used: runs, days and what was merely noted go on beside it.
    fn reference(
        shard: &ShardState<Self::Shard>,
        settings: &Settings,
        calendars: &ReferenceView,
    ) -> Self::Reference;

    /// What lists show of a state. Written with it, and again when it was decided on: all else that it depends on turns the
    /// shard, or is a day on which it looks again. Once shown, a card is only ever replaced.
    fn cards(
        shard: &ShardState<Self::Shard>,
        settings: &Settings,
        who: Self::Who,
        state: &mut Self::State,
    ) -> Result<Vec<Card>, HubError>;

    /// Decides what is to be said of one who waits: once the shard has caught up, and while no run is open there.
    fn decide(on: &Deciding<'_, Self>, who: Self::Who, state: &mut Self::State) -> Result<Decided, HubError>;
}

/// Whom a state is about, as a value and as the key of its row.
pub trait Who: Copy + Ord + Hash + Debug + Send + Sync + 'static {
    /// Begins with another byte than 0, which is the shard's own.
    fn subject(self) -> Subject;
    /// `None`: the row is about none of them.
    fn of_subject(subject: &[u8]) -> Option<Self>;
}

/// What is kept of somebody, as a value and as bytes.
pub trait State: Default + Send + Sync {
    /// What nobody needs yet may stay as it is stored.
    fn decode(bytes: Bytes) -> Result<Self, HubError>;
    /// Appends its bytes to `bytes`, and to `known` what is known and decided: equal for states that know and decided the
    /// same, however they came to it.
    fn encode(&self, bytes: &mut Vec<u8>, known: &mut Vec<u8>);
}

/// The state of a row that a consumer has written.
pub fn of_row<S: State>(row: &StateRow) -> Result<S, HubError> {
    S::decode(row::split(&row.state)?.1)
}

/// What events are folded with.
#[derive(Debug, Clone, Copy)]
pub struct Folding<'a> {
    /// The district's id.
    pub district: &'a str,
    pub now: Timestamp,
}

/// A shard hears an event, as it did and does again for whoever computes a decision anew.
pub fn hear<F: Folder>(shard: &mut ShardState<F::Shard>, event: &Event) -> ShardChange {
    let change = shard.hear(event).max(F::hear(&mut shard.own, event));
    shard.turns += u64::from(change == ShardChange::Turned);
    change
}

/// What an event changed of a state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateChange {
    #[default]
    Same,
    /// It is to be written; nothing is to be decided.
    Noted,
    /// It is to be written, and decided on.
    Changed,
}

/// What is decided with, the same for everybody on a shard.
#[derive(Debug)]
pub struct Deciding<'a, F: Folder> {
    pub hub: &'a Hub,
    pub shard: &'a ShardState<F::Shard>,
    pub reference: &'a F::Reference,
    /// Where the shard will be when what is in hand is written.
    pub place: &'a Place,
    /// The day that is decided on: it never goes back with the clock.
    pub as_of: Date,
    pub now: Timestamp,
}

/// What was decided of one.
#[derive(Debug, Default)]
pub struct Decided {
    /// What leaves.
    pub entries: Vec<NewEntry>,
    /// What becomes of what was to leave before.
    pub amendments: Vec<Amendment>,
    /// The next day on which time alone may change something.
    pub looks_again: Option<Date>,
}
