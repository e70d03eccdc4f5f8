//! Feeds: leases, runs, the ledger, the crosswalk, holds and rejects.
//!
//! A *run* is one payload being worked through. It is opened for a landed payload, and always finished from its
//! landed bytes before the next begins. The *ledger* remembers, per feed and entity, each natural key with the hash
//! of its content: it turns a snapshot into what changed.

mod hold;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use self::hold::{Hold, HoldState, Superseded};
use crate::StoreError;

/// The right to write a feed. A later lease fences every earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedLease {
    pub feed: String,
    pub epoch: u64,
}

/// Who asks for a feed, and until when it is theirs without asking again.
///
/// Terms keep processes from taking feeds from each other all the time; the epoch keeps them from writing over each
/// other. So clocks that differ, or a term that is too short, cost work and never rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term<'a> {
    /// One per process.
    pub holder: &'a str,
    pub now_ms: i64,
    /// At this time the term is over.
    pub until_ms: i64,
}

/// A feed as remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedRow {
    pub feed: String,
    /// Who has it or had it last; `None` when nobody took it yet, or its holder let it go.
    pub holder: Option<String>,
    /// When the holder's term is over; it may be past.
    pub held_until_ms: Option<i64>,
    /// What the hub last told the consumers of it (mode, mapping hash, …), as JSON.
    pub settings: Option<String>,
    /// The last closed run.
    pub last_run: Option<Run>,
}

/// A payload on its way through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub feed: String,
    /// From 1, ascending per feed.
    pub number: u64,
    /// The landed payload (content address).
    pub payload: String,
    /// The payload's name for people, e.g. the file name.
    pub name: String,
    pub opened_ms: i64,
    /// What changes in the feed's cursor when the run closes.
    pub marks: Vec<Mark>,
    /// Why the run was opened, opaque here (a new drop, a retry, an approved hold, a release of unmatched rows).
    pub cause: String,
    /// What the gate counted and decided, as JSON, once it has: a resumed run does not judge again.
    pub gated: Option<String>,
    /// The ledger rows that were recorded last, while the run is open: perhaps nobody was told of them yet.
    pub unsent: Option<Unsent>,
    pub outcome: Option<Outcome>,
    /// The summary given at closing, as JSON.
    pub summary: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// Waits for a person.
    Held,
    /// Could not be read at all.
    Refused,
    /// Ended without being worked through, as its feed is no longer configured: the feed's cursor stays where it was,
    /// so that the payload is read when the feed comes back.
    Abandoned,
}

/// A run to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    pub payload: String,
    pub name: String,
    pub opened_ms: i64,
    pub marks: Vec<Mark>,
    pub cause: String,
}

/// What changes in a feed's cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub name: String,
    /// `None` takes it away.
    pub value: Option<String>,
}

impl NewRun {
    /// The run as a store opens it.
    #[must_use]
    pub fn numbered(self, feed: &str, number: u64) -> Run {
        Run {
            feed: feed.to_owned(),
            number,
            payload: self.payload,
            name: self.name,
            opened_ms: self.opened_ms,
            marks: self.marks,
            cause: self.cause,
            gated: None,
            unsent: None,
            outcome: None,
            summary: None,
        }
    }
}

/// A range of ledger rows, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsent {
    pub scope: Scope,
    pub first: LedgerKey,
    pub last: LedgerKey,
}

impl Unsent {
    const BYTES: usize = 36;

    /// The range of these rows, which are in key order. `None`: there are none.
    pub fn of(scope: Scope, rows: &[LedgerRow]) -> Option<Self> {
        Some(Self { scope, first: rows.first()?.key, last: rows.last()?.key })
    }

    /// As stores keep it.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..2].copy_from_slice(&self.scope.entity.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.scope.school_year.to_be_bytes());
        bytes[4..20].copy_from_slice(&self.first);
        bytes[20..].copy_from_slice(&self.last);
        bytes
    }

    /// `None`: these are not the bytes of a range.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().ok()?;
        let number = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        Some(Self {
            scope: Scope { entity: number(0), school_year: number(2) },
            first: bytes[4..20].try_into().ok()?,
            last: bytes[20..].try_into().ok()?,
        })
    }
}

/// Which part of a feed's ledger: one entity in one school year (0 for entities without).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The entity's number, given by the caller and never reused.
    pub entity: u16,
    pub school_year: u16,
}

/// A ledger row's place: rows are scanned in the order of these bytes.
pub type LedgerKey = [u8; 16];

/// The key before this one. `None`: it is the first.
pub fn before(key: LedgerKey) -> Option<LedgerKey> {
    u128::from_be_bytes(key).checked_sub(1).map(u128::to_be_bytes)
}

/// Whether rows come as [`FeedStore::record`] wants them.
pub fn are_in_order(rows: &[LedgerRow]) -> bool {
    rows.is_sorted_by(|one, next| one.key < next.key)
}

/// One natural key of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    pub key: LedgerKey,
    /// Hash of the normalised content.
    pub content: u64,
    pub revision: u32,
    pub status: LedgerStatus,
    /// When what it says was read first, in ms since 1970.
    pub read_ms: i64,
    /// What is needed to speak of the row without its payload (natural key, student, school, date); opaque here.
    pub detail: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerStatus {
    Live,
    /// Gone from the source; keeps its revision.
    Ended,
    /// Its student is not found yet; nothing of it was published.
    Unmatched,
}

/// How many ledger rows stand in a state, and how far revisions go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    pub live: u64,
    pub ended: u64,
    pub unmatched: u64,
    /// That a row was ever given.
    pub highest_revision: u32,
}

/// One id and what it names: a student key or a school's first id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrosswalkRow {
    pub what: Named,
    /// `sourcedId`, `identifier`, or the type of a OneRoster user id.
    pub id_type: String,
    pub id: String,
    /// The student key in hyphenated form, or the school's first id.
    pub target: String,
    /// The id that the target is derived from.
    pub first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Named {
    Student,
    School,
}

/// Rows of one payload that could not be used, for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectGroup {
    pub feed: String,
    pub code: String,
    /// The shape of the value, or an unmapped code itself; never a value that could name a student.
    pub value_class: String,
    pub count: u64,
    pub first: RejectPlace,
    pub help: String,
}

/// Where a reject stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectPlace {
    pub file: String,
    /// The line where the record starts (header = 1); `None` when the whole file is meant.
    pub row: Option<u64>,
    pub column: Option<String>,
}

/// One row that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    pub feed: String,
    pub code: String,
    pub value_class: String,
    pub place: RejectPlace,
    pub help: String,
}

/// What the gate decided of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub run: u64,
    /// What it counted and decided, as JSON.
    pub gated: String,
    /// Replace the feed's (`None`: leaves them).
    pub settings: Option<String>,
}

/// All that closing a run writes, in one transaction.
#[derive(Debug, Clone)]
pub struct Closing {
    pub outcome: Outcome,
    pub summary: String,
    /// Replace the feed's open rejects (`None`: leave them). Groups count every row; `rejects` may be cut short.
    pub rejects: Option<(Vec<RejectGroup>, Vec<Reject>)>,
    /// A hold to be opened.
    pub hold: Option<Hold>,
    /// An approved hold that this run was about, and what becomes of it.
    pub decided_hold: Option<(String, HoldState)>,
    pub superseded: Superseded,
    /// Replace the feed's settings (`None`: leave them).
    pub settings: Option<String>,
}

impl Closing {
    /// One that touches neither rejects nor holds nor settings.
    #[must_use]
    pub const fn new(outcome: Outcome, summary: String) -> Self {
        Self {
            outcome,
            summary,
            rejects: None,
            hold: None,
            decided_hold: None,
            superseded: Superseded::None,
            settings: None,
        }
    }
}

/// Keeps feeds.
#[async_trait]
pub trait FeedStore: Send + Sync {
    /// Takes a feed for the term's holder and raises its epoch: every writing call below with an earlier lease is
    /// [`StoreError::Fenced`]. `None`: another holder's term still runs at `now_ms`; nothing was written. The same
    /// holder is always granted. A lease outlives its term for as long as nobody takes the feed.
    async fn lease(&self, feed: &str, term: Term<'_>) -> Result<Option<FeedLease>, StoreError>;

    /// As [`lease`](Self::lease), whoever holds it: for a person's command.
    async fn take(&self, feed: &str, term: Term<'_>) -> Result<FeedLease, StoreError>;

    /// Lengthens the term of every feed that `holder` holds; never shortens one. Returns how many it holds, those
    /// included whose term had run out without another's taking them.
    async fn keep(&self, holder: &str, until_ms: i64) -> Result<u64, StoreError>;

    /// Ends the term of every feed of `holder` now, so that another may take them at once. Leases of it stay good
    /// until another is taken.
    async fn let_go(&self, holder: &str) -> Result<(), StoreError>;

    /// Every feed ever leased or taken, by name.
    async fn feeds(&self) -> Result<Vec<FeedRow>, StoreError>;

    async fn feed(&self, feed: &str) -> Result<Option<FeedRow>, StoreError>;

    /// Where the feed's source is in its tool: the marks of all runs that were closed and not abandoned, by name.
    async fn cursor(&self, feed: &str) -> Result<BTreeMap<String, String>, StoreError>;

    /// What was saved last; `None` also where there is no such feed.
    async fn settings(&self, feed: &str) -> Result<Option<String>, StoreError>;

    async fn save_settings(&self, lease: &FeedLease, settings: &str) -> Result<(), StoreError>;

    /// The run that is open, if one is. It is to be finished before another opens.
    async fn open(&self, lease: &FeedLease) -> Result<Option<Run>, StoreError>;

    /// Opens a run. An unfinished one is returned instead.
    async fn open_run(&self, lease: &FeedLease, run: NewRun) -> Result<Run, StoreError>;

    /// Remembers what the gate decided, and [records](Self::record) the first rows of it, both or neither. `Failed` when the
    /// run is not the open one.
    async fn gate_run(
        &self,
        lease: &FeedLease,
        decision: &Decision,
        first: Option<(Scope, &[LedgerRow])>,
    ) -> Result<(), StoreError>;

    /// Up to `max` rows of the ledger in key order, after `after`. Each call is one ordered scan, never a look-up per row.
    async fn ledger(
        &self,
        feed: &str,
        scope: Scope,
        after: Option<&LedgerKey>,
        max: usize,
    ) -> Result<Vec<LedgerRow>, StoreError>;

    /// The parts of a feed's ledger that there are, ascending.
    async fn ledger_scopes(&self, feed: &str) -> Result<Vec<Scope>, StoreError>;

    async fn ledger_counts(&self, feed: &str) -> Result<LedgerCounts, StoreError>;

    /// Writes ledger rows, before their events are appended; a key that is there is replaced. The open run names them as
    /// [`unsent`](Run::unsent) from here on, in place of those before. Rows come in key order, each key once, else it is
    /// `Failed`.
    async fn record(&self, lease: &FeedLease, scope: Scope, rows: &[LedgerRow]) -> Result<(), StoreError>;

    /// Closes the open run; its marks move the feed's cursor, in the same transaction, unless it is
    /// [`Outcome::Abandoned`]. `Failed` when the run is not the open one. Earlier holds are superseded before a new one
    /// is opened.
    async fn close_run(&self, lease: &FeedLease, number: u64, closing: Closing) -> Result<(), StoreError>;

    /// One run, open or closed.
    async fn run(&self, feed: &str, number: u64) -> Result<Option<Run>, StoreError>;

    /// The last closed run of the feed whose outcome is `Accepted` or `Held`-and-not-refused and whose payload is set.
    async fn last_usable_run(&self, feed: &str) -> Result<Option<Run>, StoreError>;

    /// Adds ids; an id that is there with the same target changes nothing.
    async fn add_crosswalk(&self, lease: &FeedLease, rows: &[CrosswalkRow]) -> Result<(), StoreError> {
        self.change_crosswalk(lease, &[], rows).await
    }

    /// Takes ids away, each by what, type, id and target, and adds others, in one transaction. One to be taken away that
    /// is not there, or added that is, changes nothing.
    async fn change_crosswalk(
        &self,
        lease: &FeedLease,
        gone: &[CrosswalkRow],
        new: &[CrosswalkRow],
    ) -> Result<(), StoreError>;

    /// Up to `max` crosswalk rows after `after` (what, id_type, id, target), in that order.
    async fn crosswalk(
        &self,
        after: Option<&CrosswalkRow>,
        max: usize,
    ) -> Result<Vec<CrosswalkRow>, StoreError>;

    /// What an id names, whatever its type.
    async fn find_id(&self, what: Named, id: &str) -> Result<Vec<CrosswalkRow>, StoreError>;

    /// All ids of a target.
    async fn ids_of(&self, what: Named, target: &str) -> Result<Vec<CrosswalkRow>, StoreError>;

    /// The holds of every feed that are in one of these states, oldest first. Those that are over are kept long: no more is
    /// read than is asked for.
    async fn holds(&self, states: &[HoldState]) -> Result<Vec<Hold>, StoreError>;

    /// One hold, in whatever state.
    async fn hold(&self, id: &str) -> Result<Option<Hold>, StoreError>;

    /// Decides a waiting hold. `false`: there is no waiting hold of that id.
    async fn decide_hold(
        &self,
        id: &str,
        state: HoldState,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError>;

    /// Open rejects, grouped by cause, most first.
    async fn reject_groups(&self) -> Result<Vec<RejectGroup>, StoreError>;

    /// Open rejects one by one, in the order of feed, file and row.
    async fn rejects(&self, max: usize) -> Result<Vec<Reject>, StoreError>;

    /// A note of the hub's own (e.g. the hash of the policy last announced).
    async fn note(&self, name: &str) -> Result<Option<String>, StoreError>;

    async fn save_note(&self, name: &str, value: &str) -> Result<(), StoreError>;

    /// Keeps the first value that a note was ever given, and answers it: of several processes that begin at once, all
    /// hear the same.
    async fn remember(&self, name: &str, value: &str) -> Result<String, StoreError>;

    /// Forgets what was opened before `before_ms` and is over: closed runs, but for the last, the last of a
    /// payload, the last accepted, [`last_usable_run`](Self::last_usable_run) and those whose hold waits, is approved or was refused; and holds that
    /// are superseded or done.
    async fn prune(&self, lease: &FeedLease, before_ms: i64) -> Result<(), StoreError>;

    /// The payloads of all runs of all feeds.
    async fn payloads(&self) -> Result<BTreeSet<String>, StoreError>;

    /// Forgets the feed: its cursor, ledger, runs, holds and rejects, and the lease itself. Ids stay: they are the students'.
    async fn forget(&self, lease: &FeedLease) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_before_it() {
        let key = |first: u8, last: u8| {
            let mut key = [0; 16];
            (key[0], key[15]) = (first, last);
            key
        };
        assert_eq!(before(key(0, 0)), None);
        assert_eq!(before(key(3, 1)), Some(key(3, 0)));
        let mut carried = [255; 16];
        carried[0] = 2;
        assert_eq!(before(key(3, 0)), Some(carried));
    }
}
