//! Drop folders: files that a tool puts down for us.
//!
//! Nothing is moved or deleted. What was read is remembered in the cursor: one mark per path, with time and size. A file
//! that stands unchanged is not read again, a new time or size is a new drop, even with bytes seen before.

mod matching;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;

use matching::absolute;
pub use matching::{Found, check_pattern, matching, root};

use crate::ErrorKind;
use crate::draft::RejectCode;
use crate::source::{Cursor, FetchCx, FetchError, Land, Mark, Newest, Page, Payload, ReadSeek, Refusal};

/// A page ends with the payload that reaches one of these: the folder is listed once per page, and what is landed waits
/// on the disk until it is worked through.
const PAGE_PAYLOADS: usize = 256;
const PAGE_BYTES: u64 = 16 * 1024 * 1024;

/// A file whose time lies further ahead than this was written by another clock (or `--now` was given): its age says
/// nothing, and it is taken when it holds still while it is copied.
const OTHER_CLOCK: Duration = Duration::from_hours(1);

/// Files that are read as one payload: one file, or the files of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The file or folder.
    pub path: PathBuf,
    /// The files in it, sorted; only `path` itself for a file.
    pub files: Vec<PathBuf>,
}

/// When a file was written (ns since 1970) and its size in bytes.
type Stamp = (i64, u64);

/// The size of a file that could not be read.
const UNREAD: u64 = u64::MAX;

/// Per file name, so that a folder changes when any of its files does.
type Stamps = BTreeMap<String, Stamp>;

/// Gives the bytes of a drop.
pub type Open<'a> = dyn Fn(&Dropped, &dyn Land) -> Result<File, NotOpened> + 'a;

/// Why a drop has no bytes.
#[derive(Debug)]
pub enum NotOpened {
    /// It cannot be read.
    File(io::Error),
    /// What is put together of it cannot be written.
    Scratch(io::Error),
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl Dropped {
    /// A file, or a folder that cannot be listed: it is told of like a file that cannot be read.
    pub fn alone(path: PathBuf) -> Self {
        Self { files: vec![path.clone()], path }
    }

    /// Whether it is a file.
    pub fn is_alone(&self) -> bool {
        self.files == [self.path.clone()]
    }
}

/// A drop that was not read yet.
struct New<'a> {
    dropped: &'a Dropped,
    key: String,
    stamps: Stamps,
    /// It was told of that it cannot be read.
    was_unread: bool,
}

impl New<'_> {
    fn size_bytes(&self) -> u64 {
        self.stamps.values().map(|(_, size)| *size).filter(|size| *size != UNREAD).sum()
    }

    /// It was read when it had these stamps.
    fn seen(&self, stamps: &Stamps) -> Vec<Mark> {
        let stamps = serde_json::to_string(stamps).expect("plain maps with text keys always serialise");
        vec![Mark { name: self.key.clone(), value: Some(stamps) }]
    }
}

/// Lands the oldest drops (time, then name) that were not read yet. `open` gives the bytes of one; `base` shortens the
/// paths in the cursor. A drop that changes while it is copied is left for the next pass.
pub fn next_page(
    cx: &FetchCx<'_>,
    cursor: &Cursor,
    base: &Path,
    drops: &[Dropped],
    open: &Open<'_>,
) -> Result<Page, FetchError> {
    if drops.is_empty() {
        // A share that is not mounted has no files either: what was read stays known.
        return Ok(Page::default());
    }
    let (waiting, gone) = look(cx, cursor, base, drops, open)?;
    let mut page = Page::default();
    let (mut waiting, mut size_bytes) = (waiting.into_iter(), 0);
    while page.payloads.len() < PAGE_PAYLOADS && size_bytes < PAGE_BYTES {
        let Some(new) = waiting.next() else { break };
        match land(cx, &new, open) {
            Ok(payload) => page.payloads.extend(payload),
            // What came before it is worked through first; then it is met again.
            Err(_) if !page.payloads.is_empty() => return Ok(forgetting(gone, Page { more: true, ..page })),
            Err(error) => return Err(error),
        }
        size_bytes += new.size_bytes();
    }
    page.more = waiting.len() > 0;
    Ok(forgetting(gone, page))
}

/// The drop that was written last, of those that the path finds.
pub fn newest(
    base: &Path,
    pattern: &str,
    drops: Result<Vec<Dropped>, FetchError>,
    land: &dyn Land,
    open: &Open<'_>,
) -> Newest {
    let drops = drops.unwrap_or_default().into_iter();
    let newest = drops.max_by_key(|drop| (stamps(drop).map(|stamps| written(&stamps)), key(&drop.path)));
    match newest {
        Some(drop) => {
            let bytes = open(&drop, land).map(|file| Box::new(file) as Box<dyn ReadSeek>);
            let bytes = bytes.map_err(|(NotOpened::File(error) | NotOpened::Scratch(error))| error);
            Newest::Payload { path: on_one_line(&drop.path.to_string_lossy()), bytes }
        }
        None => Newest::Nothing { at: absolute(base, pattern) },
    }
}

/// The page whose first payload takes the marks of what is gone along.
fn forgetting(gone: Vec<String>, mut page: Page) -> Page {
    if let Some(first) = page.payloads.first_mut() {
        first.marks.extend(gone.into_iter().map(|name| Mark { name, value: None }));
    }
    page
}

/// The drops to read, oldest first, and the marks of those that are no longer there.
fn look<'a>(
    cx: &FetchCx<'_>,
    cursor: &Cursor,
    base: &Path,
    drops: &'a [Dropped],
    open: &Open<'_>,
) -> Result<(Vec<New<'a>>, Vec<String>), FetchError> {
    let mut gone: BTreeSet<&String> = cursor.0.keys().collect();
    let mut waiting = Vec::new();
    for dropped in drops {
        let Some(stamps) = stamps(dropped) else { continue };
        let key = key(dropped.path.strip_prefix(base).unwrap_or(&dropped.path));
        gone.remove(&key);
        let known = cursor.0.get(&key).map(|mark| known(mark)).transpose()?;
        let is_known = |stamps: &Stamps| known.as_ref() == Some(stamps);
        // One that could not be read is read when it can be, though nothing of it changed.
        let was_unread = is_known(&unread(&stamps));
        let unchanged = is_known(&stamps) || was_unread && open(dropped, cx.land).is_err();
        if !unchanged && is_still(cx, &stamps) {
            waiting.push(New { dropped, key, stamps, was_unread });
        }
    }
    waiting.sort_by(|a, b| (written(&a.stamps), &a.key).cmp(&(written(&b.stamps), &b.key)));
    Ok((waiting, gone.into_iter().cloned().collect()))
}

/// A path as it stands in the cursor.
fn key(path: &Path) -> String {
    match path.to_str() {
        Some(text) => text.to_owned(),
        None => path.as_os_str().as_encoded_bytes().escape_ascii().to_string(),
    }
}

/// Whether nothing was written for as long as the runtime waits.
fn is_still(cx: &FetchCx<'_>, stamps: &Stamps) -> bool {
    let Some(still_for) = cx.still_for else { return true };
    let age_ns = cx.now.as_nanosecond() - i128::from(written(stamps));
    age_ns >= still_for.as_nanos() as i128 || age_ns < -(OTHER_CLOCK.as_nanos() as i128)
}

/// When the latest of the files was written.
fn written(stamps: &Stamps) -> i64 {
    stamps.values().map(|(time, _)| *time).max().unwrap_or_default()
}

/// A file's name for people, on one line whatever it is.
fn shown(path: &Path) -> String {
    on_one_line(&path.file_name().unwrap_or_default().to_string_lossy())
}

fn on_one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// `None`: the drop is gone, or changed while it was copied, or cannot be read as it could not before.
fn land(cx: &FetchCx<'_>, new: &New<'_>, open: &Open<'_>) -> Result<Option<Payload>, FetchError> {
    let name = shown(&new.dropped.path);
    let modified =
        Timestamp::from_nanosecond(i128::from(written(&new.stamps))).unwrap_or(Timestamp::UNIX_EPOCH);
    let payload =
        |landed, stamps: &Stamps| Payload { name: name.clone(), modified, landed, marks: new.seen(stamps) };
    let cannot_be_read = |error: &io::Error| {
        (!new.was_unread).then(|| payload(Err(not_read(&name, error)), &unread(&new.stamps)))
    };
    let size_bytes = new.size_bytes();
    if size_bytes > cx.max_bytes {
        let refusal = too_large(&name, size_bytes, cx.max_bytes);
        return Ok(Some(payload(Err(refusal), &new.stamps)));
    }
    let bytes = match open(new.dropped, cx.land) {
        Ok(bytes) => bytes,
        Err(NotOpened::File(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(NotOpened::File(error)) => return Ok(cannot_be_read(&error)),
        Err(NotOpened::Scratch(error)) => return Err(not_written(error)),
    };
    let most_bytes = if new.dropped.is_alone() { size_bytes } else { cx.max_bytes };
    let mut bytes = NoMore { bytes, left: most_bytes, failed: None };
    let copied = cx.land.land(&mut bytes);
    let is_as_it_was = stamps(new.dropped).as_ref() == Some(&new.stamps);
    match copied {
        Ok(landed) if is_as_it_was => Ok(Some(payload(Ok(landed), &new.stamps))),
        Ok(landed) => {
            cx.land.take_back(&landed);
            Ok(None)
        }
        Err(_) if !is_as_it_was => Ok(None),
        Err(error) => match bytes.failed {
            Some(error) => Ok(cannot_be_read(&error)),
            None => Err(not_written(error)),
        },
    }
}

/// Ends with an error when more comes than there was: what grows is not copied without end.
struct NoMore {
    bytes: File,
    left: u64,
    /// Why no more could be read.
    failed: Option<io::Error>,
}

impl NoMore {
    fn fail(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.failed = Some(error);
        kind.into()
    }
}

impl Read for NoMore {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.bytes.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.fail(error)),
        };
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(
                    self.fail(io::Error::new(io::ErrorKind::InvalidData, "it has more bytes than it says"))
                );
            }
        }
        Ok(read)
    }
}

/// The stamps of a drop that could not be read: those of no drop that can.
fn unread(stamps: &Stamps) -> Stamps {
    stamps.iter().map(|(name, (time, _))| (name.clone(), (*time, UNREAD))).collect()
}

fn not_read(name: &str, error: &io::Error) -> Refusal {
    Refusal {
        code: RejectCode::UnreadableFile,
        file: Some(name.to_owned()),
        column: None,
        message: format!("it cannot be read: {error}"),
        help: "Give the account that runs Signalbox the right to read it. Pipes, devices and links that lead out of the \
               folder are not read"
            .to_owned(),
    }
}

fn too_large(name: &str, size_bytes: u64, max_bytes: u64) -> Refusal {
    Refusal {
        code: RejectCode::TooLarge,
        file: Some(name.to_owned()),
        column: None,
        message: format!("{size_bytes} bytes; at most {max_bytes} are taken"),
        help: "Export less at a time, e.g. one school year or one school".to_owned(),
    }
}

/// The stamps of all files of a drop; `None` when one of them went away. Of one that may not be looked at, those of a
/// file that cannot be read.
fn stamps(dropped: &Dropped) -> Option<Stamps> {
    let mut stamps = Stamps::new();
    for file in &dropped.files {
        let stamp = match fs::metadata(file).and_then(|metadata| stamp(&metadata)) {
            Ok(stamp) => stamp,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => (0, UNREAD),
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        stamps.insert(name, stamp);
    }
    Some(stamps)
}

fn stamp(metadata: &Metadata) -> io::Result<Stamp> {
    let modified = metadata.modified()?;
    let ns = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    };
    Ok((ns, metadata.len()))
}

/// The stamps that a mark holds.
fn known(mark: &str) -> Result<Stamps, FetchError> {
    serde_json::from_str(mark).map_err(|error| FetchError {
        kind: ErrorKind::Permanent,
        message: "what was read so far cannot be understood".to_owned(),
        help: "The stored cursor is damaged or from another kind of feed: give the feed a new name"
            .to_owned(),
        source: Some(Box::new(error)),
    })
}

/// Nothing can be copied: perhaps it can be the next time.
fn not_written(error: io::Error) -> FetchError {
    FetchError {
        kind: ErrorKind::Transient,
        message: format!("what is read cannot be copied: {error}"),
        help: "See that the disk of data_dir has room, and that the account that runs Signalbox may write there; it goes on by \
               itself"
            .to_owned(),
        source: Some(Box::new(error)),
    }
}
