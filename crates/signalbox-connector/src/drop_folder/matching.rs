//! Which files a feed's path names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::ErrorKind;
use crate::source::FetchError;

/// What a path finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Sorted by name.
    pub paths: Vec<PathBuf>,
    /// Folders that the path leads into and that cannot be listed.
    pub shut: Vec<PathBuf>,
}

/// What a pattern relative to `base` finds: each part names folders, the last one files, also those whose names are no UTF-8; `**`
/// stands for folders below, however deep. Hidden files and folders are left out unless the pattern names them, and no link is followed
/// that only `**` leads to. Nothing found is no error: the tool has not dropped anything yet.
pub fn matching(base: &Path, pattern: &str) -> Result<Found, FetchError> {
    let pattern = pattern.trim_end_matches('/');
    let start = if Path::new(pattern).is_absolute() { Path::new("/") } else { base };
    // A folder without a name is the working directory, not the root.
    let start = if start.as_os_str().is_empty() { Path::new(".") } else { start };
    let mut parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let name = parts.pop().unwrap_or_default();
    let mut found = Found::default();
    let mut folders = vec![start.to_owned()];
    for part in parts {
        let part = Part::new(part)?;
        folders = folders.iter().flat_map(|folder| part.folders(folder, &mut found.shut)).collect();
        // `**/**` leads to each several times.
        folders.sort();
        folders.dedup();
    }
    let name = Part::new(name)?;
    found.paths = folders.iter().flat_map(|folder| name.files(folder, &mut found.shut)).collect();
    for paths in [&mut found.paths, &mut found.shut] {
        paths.sort();
        paths.dedup();
    }
    Ok(found)
}

/// One part of a pattern.
enum Part {
    Named(String),
    Wild(glob::Pattern),
    Below,
}

impl Part {
    fn new(text: &str) -> Result<Self, FetchError> {
        Ok(match text {
            "**" => Self::Below,
            text if is_wild(text) => {
                Self::Wild(glob::Pattern::new(text).map_err(|error| no_pattern(error.into()))?)
            }
            text => Self::Named(text.to_owned()),
        })
    }

    fn folders(&self, folder: &Path, shut: &mut Vec<PathBuf>) -> Vec<PathBuf> {
        match self {
            Self::Named(name) => {
                let path = folder.join(name);
                if path.metadata().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
                    shut.push(folder.to_owned());
                }
                [path].into_iter().filter(|path| path.is_dir()).collect()
            }
            Self::Wild(pattern) => {
                let mut named = named_in(folder, shut, |name| is_found(pattern, name));
                named.retain(|path| path.is_dir());
                named
            }
            Self::Below => below(folder, shut),
        }
    }

    fn files(&self, folder: &Path, shut: &mut Vec<PathBuf>) -> Vec<PathBuf> {
        match self {
            Self::Named(name) => {
                // One that may not be looked at is told of.
                let is_there = |path: &PathBuf| {
                    let found = path.symlink_metadata();
                    found.is_ok() || found.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
                };
                [folder.join(name)].into_iter().filter(is_there).collect()
            }
            Self::Wild(pattern) => named_in(folder, shut, |name| is_found(pattern, name)),
            Self::Below => below(folder, shut)
                .iter()
                .flat_map(|folder| named_in(folder, shut, |name| !name.starts_with('.')))
                .collect(),
        }
    }
}

/// Hidden ones only by a pattern that is itself.
fn is_found(pattern: &glob::Pattern, name: &str) -> bool {
    pattern.matches(name) && (pattern.as_str().starts_with('.') || !name.starts_with('.'))
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn named_in(folder: &Path, shut: &mut Vec<PathBuf>, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            if wanted(&name.to_string_lossy()) {
                found.push(folder.join(&name));
            }
        }
        Ok(found)
    };
    listed(folder, list(), shut)
}

/// The folder and those in it, links left out: two that lead round are more ways than anybody can walk.
fn below(folder: &Path, shut: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    let mut at = 0;
    while let Some(next) = all.get(at).cloned() {
        let list = || -> io::Result<Vec<PathBuf>> {
            let mut found = Vec::new();
            for entry in fs::read_dir(&next)? {
                let entry = entry?;
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if entry.file_type()?.is_dir() && !is_hidden {
                    found.push(entry.path());
                }
            }
            Ok(found)
        };
        all.extend(listed(&next, list(), shut));
        at += 1;
    }
    all
}

fn listed(folder: &Path, listed: io::Result<Vec<PathBuf>>, shut: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    match listed {
        Ok(paths) => paths,
        // It went away meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(_) => {
            shut.push(folder.to_owned());
            Vec::new()
        }
    }
}

/// The folder that no link may lead out of: what the pattern names before its first wildcard, wherever that is.
pub fn root(base: &Path, pattern: &str) -> PathBuf {
    let whole = base.join(pattern);
    if whole.is_dir() {
        return whole;
    }
    let pattern = Path::new(pattern);
    let parts: Vec<_> = pattern.iter().collect();
    let named = parts.iter().take_while(|part| !is_wild(&part.to_string_lossy())).count();
    let named = named.min(parts.len().saturating_sub(1));
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

/// The pattern as people know where it looks.
pub(super) fn absolute(base: &Path, pattern: &str) -> String {
    if Path::new(pattern).is_absolute() {
        return pattern.to_owned();
    }
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    format!("{}/{pattern}", base.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for name in [
            "drop/a/att1.csv",
            "drop/b/c/att2.csv",
            "drop/att3.csv",
            "drop/.att4.csv",
            "drop/.trash/att6.csv",
            "[x]/att5.csv",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("made");
            fs::write(path, "").expect("written");
        }
        folder
    }

    fn found(folder: &Path, pattern: &str) -> Vec<String> {
        let found = matching(folder, pattern).expect("a pattern");
        assert!(found.shut.is_empty(), "{:?}", found.shut);
        let names =
            found.paths.iter().map(|path| path.strip_prefix(folder).expect("below").display().to_string());
        names.collect()
    }

    #[test]
    fn each_part_names_folders_and_the_last_one_files() {
        let folder = folder();
        for (pattern, expected) in [
            ("./drop/att*.csv", &["drop/att3.csv"][..]),
            ("drop/att3.csv", &["drop/att3.csv"]),
            ("drop/*/att*.csv", &["drop/a/att1.csv"]),
            ("drop/**/att*.csv", &["drop/a/att1.csv", "drop/att3.csv", "drop/b/c/att2.csv"]),
            ("drop/?/../.att*", &["drop/a/../.att4.csv", "drop/b/../.att4.csv"]),
            ("[[]x]/*.csv", &["[x]/att5.csv"]),
            ("nowhere/*.csv", &[]),
        ] {
            assert_eq!(found(folder.path(), pattern), expected, "{pattern}");
        }
        let within = folder.path().join("[x]");
        assert_eq!(
            found(&within, "att*.csv"),
            ["att5.csv"],
            "what the folder of the file is called is no pattern"
        );
    }

    #[test]
    fn links_that_lead_round_are_not_followed() {
        let folder = folder();
        for name in ["drop/one", "drop/two"] {
            symlink(".", folder.path().join(name)).expect("linked");
        }
        assert_eq!(found(folder.path(), "drop/**/att1.csv"), ["drop/a/att1.csv"]);
    }
}
