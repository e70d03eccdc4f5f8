//! Which files a feed's path names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::unreadable;
use crate::ErrorKind;
use crate::source::FetchError;

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

/// The pattern as it is looked for.
pub(super) fn absolute(base: &Path, pattern: &str) -> String {
    if Path::new(pattern).is_absolute() {
        return pattern.to_owned();
    }
    // A folder without a name is the working directory, not the root.
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    format!("{}/{pattern}", glob::Pattern::escape(&base.to_string_lossy()))
}
