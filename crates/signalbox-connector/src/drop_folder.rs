//! Drop folders: files that a tool puts down for us.
//!
//! Nothing is moved or deleted. What was read is remembered in the cursor by path, time and size; a file that stands
//! unchanged is not read again, a new time or size is a new drop, even with bytes seen before.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ErrorKind;
use crate::draft::RejectCode;
use crate::source::{Cursor, FetchCx, FetchError, Page, Payload, Refusal};

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

/// What was read, by path.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    files: BTreeMap<String, Stamps>,
}

/// A drop that was not read yet.
struct New<'a> {
    dropped: &'a Dropped,
    key: String,
    stamps: Stamps,
}

/// What a glob pattern relative to `base` finds, sorted by name. Hidden files are left out unless the pattern names
/// them. Nothing found is no error: the tool has not dropped anything yet.
///
/// Folders are found by the pattern's parts before the last, files by the last, also those whose names are no UTF-8.
pub fn matching(base: &Path, pattern: &str) -> Result<Vec<PathBuf>, FetchError> {
    let pattern = absolute(base, pattern.trim_end_matches('/'));
    let (folders, name) = pattern.rsplit_once('/').unwrap_or((".", &pattern));
    let name = glob::Pattern::new(name).map_err(|error| no_pattern(error.into()))?;
    // A path from the root has nothing before its first part.
    let folders = if folders.is_empty() { "/" } else { folders };
    let folders = glob::glob(folders).map_err(|error| no_pattern(error.into()))?;
    let mut found = Vec::new();
    for folder in folders {
        let folder = folder.map_err(|error| unreadable(error.into()))?;
        if folder.is_dir() {
            found.extend(named_in(&folder, &name).map_err(unreadable)?);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn named_in(folder: &Path, name: &glob::Pattern) -> io::Result<Vec<PathBuf>> {
    let wants_hidden = name.as_str().starts_with('.');
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let held = entry?.file_name();
        let text = held.to_string_lossy();
        if name.matches(&text) && (wants_hidden || !text.starts_with('.')) {
            found.push(folder.join(&held));
        }
    }
    Ok(found)
}

/// The folder that no link may lead out of: what the pattern names before its first wildcard, wherever that is.
pub fn root(base: &Path, pattern: &str) -> PathBuf {
    let whole = base.join(pattern);
    if whole.is_dir() {
        return whole;
    }
    let pattern = Path::new(pattern);
    let is_wild = |part: &&std::ffi::OsStr| part.to_string_lossy().contains(['*', '?', '[']);
    let parts: Vec<_> = pattern.iter().collect();
    let named = parts.iter().take_while(|part| !is_wild(part)).count().min(parts.len().saturating_sub(1));
    base.join(parts[..named].iter().collect::<PathBuf>())
}

fn no_pattern(error: Box<dyn std::error::Error + Send + Sync>) -> FetchError {
    FetchError {
        kind: ErrorKind::Permanent,
        message: "the feed's path is no pattern for files".to_owned(),
        help: "Write a path such as ./drop/attendance*.csv".to_owned(),
        source: Some(error),
    }
}

/// Whether `pattern` can stand as a feed's path. The error is one sentence for people.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.trim().is_empty() {
        return Err("path is blank: name a file, such as ./drop/attendance*.csv".to_owned());
    }
    glob::Pattern::new(pattern).map(|_| ()).map_err(|error| format!("path is no pattern for files: {error}"))
}

fn absolute(base: &Path, pattern: &str) -> String {
    if Path::new(pattern).is_absolute() {
        return pattern.to_owned();
    }
    // A folder without a name is the working directory, not the root.
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    format!("{}/{pattern}", glob::Pattern::escape(&base.to_string_lossy()))
}

/// Lands the oldest drop (time, then name) that was not read yet. `open` gives the bytes of one; `base` shortens the
/// paths in the cursor. A drop that changes while it is copied is left for the next pass.
pub fn next_page(
    cx: &FetchCx<'_>,
    cursor: Option<&Cursor>,
    base: &Path,
    drops: &[Dropped],
    open: &dyn Fn(&Dropped) -> io::Result<Box<dyn Read>>,
) -> Result<Page, FetchError> {
    let mut seen = read_cursor(cursor)?;
    if drops.is_empty() {
        // A share that is not mounted has no files either: what was read stays known.
        return Ok(Page { payload: None, next: write_cursor(&seen), more: false });
    }
    let mut waiting = waiting(cx, base, drops, open, &mut seen);
    while !waiting.is_empty() {
        let new = waiting.remove(0);
        let Some((payload, stamps)) = land(cx, &new, open)? else { continue };
        seen.files.insert(new.key, stamps);
        return Ok(Page { payload: Some(payload), next: write_cursor(&seen), more: !waiting.is_empty() });
    }
    Ok(Page { payload: None, next: write_cursor(&seen), more: false })
}

/// The drops to read, oldest first. Forgets in `seen` what is no longer there.
fn waiting<'a>(
    cx: &FetchCx<'_>,
    base: &Path,
    drops: &'a [Dropped],
    open: &dyn Fn(&Dropped) -> io::Result<Box<dyn Read>>,
    seen: &mut Seen,
) -> Vec<New<'a>> {
    let mut there = BTreeMap::new();
    let mut waiting = Vec::new();
    for dropped in drops {
        let Some(stamps) = stamps(dropped) else { continue };
        let key = key(dropped.path.strip_prefix(base).unwrap_or(&dropped.path));
        let known = seen.files.remove(&key);
        let is_known = |stamps: &Stamps| known.as_ref() == Some(stamps);
        // One that could not be read is read when it can be, though nothing of it changed.
        let unchanged = is_known(&stamps) || is_known(&unread(&stamps)) && open(dropped).is_err();
        if let Some(known) = known {
            there.insert(key.clone(), known);
        }
        if !unchanged && is_still(cx, &stamps) {
            waiting.push(New { dropped, key, stamps });
        }
    }
    seen.files = there;
    waiting.sort_by(|a, b| (written(&a.stamps), &a.key).cmp(&(written(&b.stamps), &b.key)));
    waiting
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

/// The payload, and what is remembered of the drop. `None`: it is gone, or changed while it was copied.
fn land(
    cx: &FetchCx<'_>,
    new: &New<'_>,
    open: &dyn Fn(&Dropped) -> io::Result<Box<dyn Read>>,
) -> Result<Option<(Payload, Stamps)>, FetchError> {
    let name = new.dropped.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let modified =
        Timestamp::from_nanosecond(i128::from(written(&new.stamps))).unwrap_or(Timestamp::UNIX_EPOCH);
    let size_bytes: u64 = new.stamps.values().map(|(_, size)| size).sum();
    if size_bytes > cx.max_bytes {
        let refusal = too_large(&name, size_bytes, cx.max_bytes);
        return Ok(Some((Payload { name, modified, landed: Err(refusal) }, new.stamps.clone())));
    }
    let bytes = match open(new.dropped) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let refusal = not_read(&name, &error);
            return Ok(Some((Payload { name, modified, landed: Err(refusal) }, unread(&new.stamps))));
        }
    };
    let is_one_file = new.dropped.files == [new.dropped.path.clone()];
    let most_bytes = if is_one_file { size_bytes } else { cx.max_bytes };
    let copied = cx.land.land(&mut NoMore { bytes, left: most_bytes });
    if stamps(new.dropped).as_ref() != Some(&new.stamps) {
        return Ok(None);
    }
    let landed = Ok(copied.map_err(unreadable)?);
    Ok(Some((Payload { name, modified, landed }, new.stamps.clone())))
}

/// Ends with an error when more comes than there was: what grows is not copied without end.
struct NoMore {
    bytes: Box<dyn Read>,
    left: u64,
}

impl Read for NoMore {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it grows"))?;
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
        message: format!("the file cannot be read: {error}"),
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

fn read_cursor(cursor: Option<&Cursor>) -> Result<Seen, FetchError> {
    let Some(Cursor(bytes)) = cursor else { return Ok(Seen::default()) };
    serde_json::from_slice(bytes).map_err(|error| FetchError {
        kind: ErrorKind::Permanent,
        message: "what was read so far cannot be understood".to_owned(),
        help: "The stored cursor is damaged or from another kind of feed: give the feed a new name"
            .to_owned(),
        source: Some(Box::new(error)),
    })
}

fn write_cursor(seen: &Seen) -> Cursor {
    Cursor(serde_json::to_vec(seen).expect("plain maps with text keys always serialise"))
}

/// The folder cannot be read: perhaps it can be the next time.
pub fn unreadable(error: io::Error) -> FetchError {
    FetchError {
        kind: ErrorKind::Transient,
        message: format!("the drop folder cannot be read: {}", error.kind()),
        help: "Give the account that runs Signalbox the right to read the folder and its files".to_owned(),
        source: Some(Box::new(error)),
    }
}
