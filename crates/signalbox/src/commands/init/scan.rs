//! What stands in a folder of exports.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use signalbox_connector::regular_file;

use super::table::{self, Table};

/// What was found, in the order in which feeds are written.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) feeds: Vec<Feed>,
    /// (file, why)
    pub(super) not_used: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Feed {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// `None`: a OneRoster package.
    pub(super) table: Option<Table>,
}

impl Found {
    pub(super) fn feed_names(&self) -> Vec<&str> {
        self.feeds.iter().map(|feed| feed.name.as_str()).collect()
    }

    /// (feed, code) of every code that has no likely meaning.
    pub(super) fn unmapped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.feeds.iter().flat_map(|feed| {
            let codes = feed.table.iter().flat_map(|table| &table.codes);
            codes
                .filter(|(_, meaning)| meaning.is_none())
                .map(|(code, _)| (feed.name.as_str(), code.as_str()))
        })
    }
}

/// Looks at a folder, its files and the folders right below it.
pub(super) fn folder(folder: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    if is_oneroster_folder(folder) {
        found.add(folder, None);
        return Ok(found);
    }
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let ends = |ext: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ext));
        if path.is_dir() && is_oneroster_folder(&path) {
            found.add(&path, None);
        } else if ends("zip") {
            match is_oneroster_zip(&path) {
                Ok(true) => found.add(&path, None),
                Ok(false) => {}
                Err(error) => found.not_used.push((file_name(&path), format!("cannot be read: {error}"))),
            }
        } else if ends("csv") {
            match table::look(&path) {
                Ok(table) => found.add(&path, Some(table)),
                Err(why) => found.not_used.push((file_name(&path), why)),
            }
        }
    }
    found.feeds.sort_by_key(|feed| feed.table.as_ref().map(|table| table.kind as u8 + 1));
    Ok(found)
}

impl Found {
    /// Files of one name but for their date are drops of one feed.
    fn add(&mut self, path: &Path, table: Option<Table>) {
        let path = pattern(path);
        if self.feeds.iter().any(|feed| feed.path == path) {
            return;
        }
        let wanted = name(&path);
        let taken = |name: &str| self.feeds.iter().any(|feed| feed.name == name);
        let mut name = wanted.clone();
        let mut number = 1;
        while taken(&name) {
            number += 1;
            name = format!("{wanted}-{number}");
        }
        self.feeds.push(Feed { name, path, table });
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `att_1019.csv` was followed by others: `att_*.csv`.
fn pattern(path: &Path) -> PathBuf {
    let (Some(stem), Some(ext)) =
        (path.file_stem().and_then(|s| s.to_str()), path.extension().and_then(|e| e.to_str()))
    else {
        return path.with_file_name(literal(&file_name(path)));
    };
    let head = stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_'));
    if head.is_empty() || !stem[head.len()..].contains(|c: char| c.is_ascii_digit()) {
        return path.with_file_name(literal(&file_name(path)));
    }
    let separator: String = stem[head.len()..].chars().take(1).filter(|c| !c.is_ascii_digit()).collect();
    path.with_file_name(format!("{}{separator}*.{}", literal(head), literal(ext)))
}

/// The name as a pattern that finds it alone.
fn literal(name: &str) -> String {
    let part = |c: char| if matches!(c, '[' | ']' | '*' | '?') { format!("[{c}]") } else { c.to_string() };
    name.chars().map(part).collect()
}

/// A feed's name from a file's.
fn name(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let hyphened: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = hyphened.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if name.is_empty() { "feed".to_owned() } else { name }
}

fn is_oneroster_folder(folder: &Path) -> bool {
    ["users.csv", "enrollments.csv", "orgs.csv"].iter().all(|name| folder.join(name).is_file())
}

/// The names of a zip's files stand in clear at its end.
fn is_oneroster_zip(path: &Path) -> io::Result<bool> {
    const DIRECTORY_BYTES: u64 = 64 * 1024;
    let mut file = regular_file::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(DIRECTORY_BYTES)))?;
    let mut end = Vec::new();
    file.take(DIRECTORY_BYTES).read_to_end(&mut end)?;
    let holds = |name: &[u8]| end.windows(name.len()).any(|window| window == name);
    Ok(holds(b"users.csv") && holds(b"enrollments.csv"))
}
