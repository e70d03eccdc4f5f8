//! Sources: where payloads come from, and what they say.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use signalbox_event::data::RowsMean;

use crate::draft::{Entity, Item, RejectCode};
use crate::{ErrorKind, RowSum};

/// Where a source is in its tool: marks that it wrote itself, by name. A folder has one per file, a stream one in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor(pub BTreeMap<String, String>);

/// What changes in the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub name: String,
    /// `None`: it is no longer needed.
    pub value: Option<String>,
}

/// A payload that can be read and sought in.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// What lies where a source looks, read or not.
pub enum Newest {
    /// The payload that was written last; its bytes as [`Source::normalize`] takes them.
    Payload { path: String, bytes: io::Result<Box<dyn ReadSeek>> },
    /// Nothing: where it would lie.
    Nothing { at: String },
}

impl fmt::Debug for Newest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload { path, .. } => {
                f.debug_struct("Payload").field("path", path).finish_non_exhaustive()
            }
            Self::Nothing { at } => f.debug_struct("Nothing").field("at", at).finish(),
        }
    }
}

/// Reads one tool.
#[async_trait]
pub trait Source: Send + Sync {
    /// The entities whose rows are counted for this feed.
    fn entities(&self) -> &[Entity];

    /// All that `normalize` depends on, in a canonical form: when it changes, the last payload is read again.
    fn mapping(&self) -> String;

    /// Which type of id its rows name students by (`identifier`, or the type of a `userIds` entry). `None`: any that
    /// the roster of record states.
    fn student_id_type(&self) -> Option<&str> {
        None
    }

    /// What lies where it looks on this machine, for a person who checks the configuration; nothing lands. `None`: it looks
    /// elsewhere.
    fn newest(&self, _land: &dyn Land) -> Option<Newest> {
        None
    }

    /// Brings the next payloads after `cursor`, landing them through `cx`. I/O only; keeps no state. The runtime stores
    /// [`Payload::marks`] once a payload is worked through, so a crash anywhere fetches the rest again.
    async fn fetch(&self, cx: &FetchCx<'_>, cursor: &Cursor) -> Result<Page, FetchError>;

    /// Turns a payload's bytes into drafts and rejects. Pure and streaming: the same bytes give the same items in the
    /// same order. Stops early when `emit` breaks. An `Err` refuses the whole payload.
    fn normalize(
        &self,
        payload: &mut dyn ReadSeek,
        emit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> Result<Contents, Refusal>;

    /// A sum over the payload's raw rows, cheaper than normalising them. Of two payloads with the same sum,
    /// [`normalize`](Self::normalize) under the same mapping yields the same drafts and rejects, each as often, only
    /// elsewhere in the file; and the same contents, which it knows before the first row. `None`: these bytes, or this
    /// format, cannot be told without normalising.
    fn row_sum(&self, _payload: &mut dyn ReadSeek) -> io::Result<Option<RowSum>> {
        Ok(None)
    }

    /// Checks a pushed payload before it is landed. A source that takes no pushes refuses.
    fn verify(&self, _push: &PushRequest<'_>, _now: Timestamp) -> Result<(), VerifyError> {
        Err(VerifyError("this feed takes no pushes".to_owned()))
    }
}

/// What a fetch may use.
pub struct FetchCx<'a> {
    pub now: Timestamp,
    /// How long a file's size and time must have been still; `None` takes it as it stands.
    pub still_for: Option<Duration>,
    /// The largest payload that is landed.
    pub max_bytes: u64,
    pub land: &'a dyn Land,
}

impl std::fmt::Debug for FetchCx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FetchCx").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Makes a payload durable, addressed by its content.
pub trait Land: Send + Sync {
    /// Copies `bytes`. The hub makes the copies durable before it says anything of them. Blocking.
    fn land(&self, bytes: &mut dyn Read) -> io::Result<Landed>;

    /// What landed last is not wanted after all.
    fn take_back(&self, landed: &Landed);

    /// A file for what is put together before it lands. It has no name, and goes with its handle.
    fn scratch(&self) -> io::Result<File>;
}

/// A landed payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// SHA-256 of the bytes, hexadecimal.
    pub address: String,
    pub size_bytes: u64,
}

/// One step through a tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// What is new, in the order in which it is worked through.
    pub payloads: Vec<Payload>,
    /// Whether to fetch again once it is.
    pub more: bool,
}

/// Something new.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// Its name for people: a file name without folders.
    pub name: String,
    /// When it was made, as its tool says.
    pub modified: Timestamp,
    /// The landed bytes, or why they were not taken.
    pub landed: Result<Landed, Refusal>,
    /// What changes in the cursor, once it is worked through.
    pub marks: Vec<Mark>,
}

/// What a payload as a whole says of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    pub extents: Vec<Extent>,
}

/// What the payload speaks for, per entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Extent {
    pub entity: Entity,
    pub covers: Covers,
    pub absent_rows: AbsentRows,
    /// Attendance only.
    pub rows: Option<RowsMean>,
    pub covered_through: CoveredThrough,
}

/// Which dates the payload speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The whole school year.
    SchoolYear,
    /// The N school days that end at each school's latest row (or at the run's day, see [`CoveredThrough`]).
    SchoolDays(u16),
    /// Only its own rows (a delta).
    OwnRows,
}

/// What a row means that was there before and is not in this payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentRows {
    /// Inside the extent, it ended. An enrolment ended on the day before its row was first missing.
    End,
    /// Enrolments only: inside the extent, it never was.
    Erase,
    /// Nothing.
    Keep,
}

/// Where coverage ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CoveredThrough {
    /// At the school's latest readable row.
    #[default]
    LatestRow,
    /// At the local day of the run.
    RunDay,
    /// At the local day before the run's: for files that are written in the night or early in the morning.
    DayBeforeRun,
}

/// Why a whole payload is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: RejectCode,
    pub file: Option<String>,
    pub column: Option<String>,
    /// One sentence; no student data.
    pub message: String,
    pub help: String,
}

/// Why nothing could be fetched.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct FetchError {
    pub kind: ErrorKind,
    /// One sentence; no student data, no secret.
    pub message: String,
    pub help: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A pushed payload, before it is believed.
#[derive(Debug)]
pub struct PushRequest<'a> {
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// The push is not from who it claims to be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct VerifyError(pub String);
