//! The outbox: what was decided in a state transaction and is still to leave the hub.
//!
//! An entry belongs to a *lane* of a *target*; a lane is delivered in order, one entry at a time. The id of an entry
//! is derived from what it says, so writing it again changes nothing, and a receiver can tell a repetition.

mod front;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use front::Front;

use crate::StoreError;

/// The target of entries that are appended to the event log.
pub const TO_LOG: &str = "log";

/// An entry to be written with a state batch. An entry whose id is there already changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    pub id: Uuid,
    /// [`TO_LOG`], or a destination's name.
    pub target: String,
    /// The student or recipient whose entries keep their order.
    pub lane: String,
    /// What it is, e.g. `risk.flag.raised`.
    pub kind: String,
    /// The flag it speaks of, for people who look.
    pub flag_id: Option<Uuid>,
    pub body: Vec<u8>,
    pub created_ms: i64,
    /// Shown to operations, not sent, and why.
    pub withheld: Option<WithheldBecause>,
    /// Not sent by itself: a *part* waits for [`Outbox::bundle`].
    pub part: bool,
    /// The entry whose end this one tells.
    pub end_of: Option<EndOf>,
}

/// An entry whose end another tells. If nobody was ever sent it, nor will be, both become [`EntryState::Superseded`]; else it
/// is [`Amended::Ended`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOf {
    pub id: Uuid,
    /// What waits to be sent by itself is not sent either; else it goes before its end.
    pub takes_back: bool,
}

/// What becomes of an entry that was written before, of which it is not known here whether it was sent. An entry that is
/// not there is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amendment {
    pub id: Uuid,
    pub to: Amended,
    /// When it was decided, in ms since 1970.
    pub at_ms: i64,
}

/// What was sent stays as it is, but for what is said of [`Outbox::resend`]. Of a bundle that waits, a part that is withheld
/// or over falls out: the others wait for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amended {
    /// What waits is not to be sent now, and nothing is sent again.
    Withheld(WithheldBecause),
    /// What was withheld since it was written is to be sent after all: by itself if it was tried before, for it may have
    /// arrived; else as a part of this kind.
    ToBeSent { listed_as: &'static str },
    /// Its end is told: what waits to be sent by itself goes before it, what was given up or waits as a part or withheld is
    /// superseded, nothing is sent again.
    Ended,
    /// It is over, and nobody is told: what waits or was given up is superseded, nothing is sent again. If nobody was ever
    /// sent it, nobody is told of its `end` either.
    Over { end: Option<Uuid> },
}

impl NewEntry {
    /// The state in which it is written, unless it takes another back.
    pub const fn first_state(&self) -> EntryState {
        if self.withheld.is_some() { EntryState::Withheld } else { EntryState::Pending }
    }
}

/// Why an entry is not sent: never, if it was written so, else until it is [to be sent](Amended::ToBeSent).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithheldBecause {
    /// A feed of its flag is in `test`: nothing of it leaves the hub.
    InTest,
    /// Its student is enrolled nowhere.
    HasLeft,
    /// A feed of its flag is in `history`.
    InHistory,
    /// No route leads from its rule to its target any more.
    NotRouted,
}

impl WithheldBecause {
    /// As stored, in the place of an error.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InTest => "in test",
            Self::HasLeft => "the student has left",
            Self::InHistory => "in history",
            Self::NotRouted => "no route leads there",
        }
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryState {
    Pending,
    Delivered,
    /// Given up after the last try, or refused by the receiver for good.
    Dead,
    /// Raised and taken back before it was sent.
    Superseded,
    /// Not sent: see [`WithheldBecause`].
    Withheld,
    /// A part that went into another entry.
    Bundled,
}

impl EntryState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Superseded => "superseded",
            Self::Withheld => "withheld",
            Self::Bundled => "bundled",
        }
    }

    /// Whether nothing is to be done about it any more. A dead one waits for a person.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Dead)
    }
}

/// So many entries of a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    pub target: String,
    pub state: EntryState,
    pub count: u64,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Ascending in the order of writing.
    pub seq: u64,
    pub id: Uuid,
    pub target: String,
    pub lane: String,
    pub kind: String,
    pub flag_id: Option<Uuid>,
    pub body: Vec<u8>,
    pub created_ms: i64,
    pub part: bool,
    pub state: EntryState,
    /// Attempts begun, the one in hand included.
    pub attempts: u32,
    /// When it may be tried next; `None` once it is settled.
    pub next_try_ms: Option<i64>,
    /// Why it was not taken the last time, or is [`WithheldBecause`].
    pub last_error: Option<String>,
    /// Attempts that do not count towards giving it up: those before a person sent it again, or in which nothing was sent.
    pub tried_before: u32,
}

impl Entry {
    /// Whether a list tells of it, or will once it may.
    pub const fn is_listed(&self) -> bool {
        self.part && matches!(self.state, EntryState::Pending | EntryState::Bundled | EntryState::Withheld)
    }

    /// Whether it is withheld because its student is enrolled nowhere.
    pub fn has_left(&self) -> bool {
        self.state == EntryState::Withheld
            && self.last_error.as_deref() == Some(WithheldBecause::HasLeft.as_str())
    }
}

/// Which entries a person sends again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again<'a> {
    /// This one, if it is pending, delivered or dead.
    Entry(Uuid),
    /// Those of a target that are pending or dead.
    Target(&'a str),
}

/// Pending parts that become one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    pub parts: Vec<Uuid>,
    pub into: NewEntry,
}

/// The right to try one entry until the hold runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub entry: Entry,
    /// Tells this claim from a later one of the same entry.
    pub token: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Delivered,
    RetryAt {
        at_ms: i64,
    },
    /// Nothing was sent: it counts as no attempt, and nobody was sent it.
    NotSent {
        at_ms: i64,
    },
    /// Nothing was sent, as nobody was there. It counts as an attempt towards giving it up.
    Unreached {
        at_ms: i64,
    },
    Dead,
    /// Given up as nobody was there, this time either.
    DeadUnreached,
    Superseded,
}

impl Settled {
    /// Attempts that do not count towards giving it up.
    pub const fn uncounted(self) -> u32 {
        matches!(self, Self::NotSent { .. }) as u32
    }

    /// Attempts in which nothing was sent.
    pub const fn not_sent(self) -> u32 {
        matches!(self, Self::NotSent { .. } | Self::Unreached { .. } | Self::DeadUnreached) as u32
    }

    /// The state in which the entry is left, unless it is given up and over, and when it may be tried next.
    pub const fn leaves(self) -> (EntryState, Option<i64>) {
        match self {
            Self::Delivered => (EntryState::Delivered, None),
            Self::RetryAt { at_ms } | Self::NotSent { at_ms } | Self::Unreached { at_ms } => {
                (EntryState::Pending, Some(at_ms))
            }
            Self::Dead | Self::DeadUnreached => (EntryState::Dead, None),
            Self::Superseded => (EntryState::Superseded, None),
        }
    }
}

/// Keeps what is still to leave the hub. Lives in the same database as the states.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims up to `max` pending entries of `target` whose next try is due: at most one live claim per lane, the
    /// lane's oldest pending entry first (an entry that waits for a retry holds its lane up). An entry whose lane is
    /// the target itself (a list for the recipient) holds up everything written after it. [`Front`] is that order.
    /// Parts are never claimed. The attempt is recorded before this returns; a claim that is not settled within
    /// `hold_ms` lapses.
    async fn claim(
        &self,
        target: &str,
        now_ms: i64,
        hold_ms: i64,
        max: usize,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Ends a claim; `error` says why the entry was not taken. `false`: the claim had run out and another took the entry;
    /// nothing was written.
    async fn settle(&self, claim: &Claim, how: Settled, error: Option<&str>) -> Result<bool, StoreError> {
        Ok(self.settle_all(std::slice::from_ref(claim), how, error).await? == 1)
    }

    /// Ends claims in one transaction. What is given up and over is superseded. What was amended meanwhile is nobody's any
    /// more, but that it was delivered is written all the same. Returns how many there were: nothing is written of those that had run out and
    /// that another took.
    async fn settle_all(
        &self,
        claims: &[Claim],
        how: Settled,
        error: Option<&str>,
    ) -> Result<usize, StoreError>;

    /// Makes entries due now, under their ids and with all their tries. Withheld and superseded ones, parts, and what is
    /// for the log stay as they are.
    ///
    /// What is over ([`Amended::Ended`], [`Amended::Over`]) and does not wait is not sent again, nor is what is
    /// [withheld](Amended::Withheld). Of a bundle that does not wait and of which a part is so, the other parts wait for the
    /// next [`bundle`](Self::bundle); one that was given up is superseded.
    ///
    /// Returns how many were made due, bundles to be made anew among them.
    async fn resend(&self, which: Again<'_>, now_ms: i64) -> Result<u64, StoreError>;

    /// Makes due now what of the target waits for its next try.
    async fn hasten(&self, target: &str, now_ms: i64) -> Result<(), StoreError>;

    /// Lets every claim lapse now. Only for a process that knows that no other lives (embedded, at start).
    async fn release_claims(&self) -> Result<(), StoreError>;

    /// Pending parts of `target`, oldest first.
    async fn parts(&self, target: &str) -> Result<Vec<Entry>, StoreError>;

    /// Replaces pending parts by entries, in one transaction. Parts that are no longer pending make it fail with `false`,
    /// and nothing is written. A bundle that is there and was taken apart had the same parts: it is the same again.
    async fn bundle(&self, bundles: &[Bundle]) -> Result<bool, StoreError>;

    /// Forgets entries that were written before `before_ms` and are settled. Dead ones stay, and the parts of dead
    /// bundles: a person may send them again.
    async fn prune(&self, before_ms: i64) -> Result<(), StoreError>;

    /// Pending entries of `target` after `after_seq`, in the order of writing, up to `max`: for people who look.
    async fn waiting(&self, target: &str, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError>;

    /// How many entries stand how, in the order of targets and states. One that was withheld, and whose flag its target is
    /// [told of by a list](Entry::is_listed) since, counts as superseded.
    async fn tallies(&self) -> Result<Vec<Tally>, StoreError>;

    /// Entries after `after_seq` in the order of writing, up to `max`: for people who look.
    async fn entries(&self, after_seq: u64, max: usize) -> Result<Vec<Entry>, StoreError>;
}
