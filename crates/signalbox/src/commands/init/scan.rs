//! What stands in a folder of exports.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use signalbox_connector::{Entity, regular_file};

use super::table::{self, Table};

/// How the names of tables end.
const TABLES: [&str; 3] = ["csv", "txt", "tsv"];

/// What was found, in the order in which feeds are written.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) feeds: Vec<Feed>,
    /// Those that lack something.
    pub(super) incomplete: Vec<Feed>,
    /// (file, why)
    pub(super) not_used: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Feed {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The name of the file that was looked at.
    pub(super) file: String,
    /// `None`: a OneRoster package.
    pub(super) table: Option<Table>,
}

impl Feed {
    pub(super) fn entity(&self) -> Option<Entity> {
        self.table.as_ref().map(|table| table.entity)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.table.as_ref().is_none_or(Table::is_complete)
    }
}

impl Found {
    pub(super) fn feed_names(&self) -> Vec<&str> {
        self.feeds.iter().map(|feed| feed.name.as_str()).collect()
    }

    /// The tables of the feeds.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Table> + Clone {
        self.feeds.iter().filter_map(|feed| feed.table.as_ref())
    }

    /// Feeds that lack something, with what they seem to be.
    pub(super) fn lacking(&self) -> impl Iterator<Item = (&Feed, &Table)> {
        self.incomplete.iter().filter_map(|feed| Some((feed, feed.table.as_ref()?)))
    }

    /// Feeds, and the columns of their files that are not used.
    pub(super) fn unused(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let tables = self.feeds.iter().filter_map(|feed| Some((feed, feed.table.as_ref()?)));
        let feeds = tables.map(|(feed, table)| (feed.name.as_str(), table.unused()));
        feeds.filter(|(_, columns)| !columns.is_empty())
    }

    /// (feed, code) of every code that has no likely meaning.
    pub(super) fn unmapped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.feeds.iter().flat_map(|feed| {
            let columns = feed.table.iter().flat_map(|table| &table.columns);
            let codes = columns.flat_map(|column| &column.codes).filter(|code| code.word.is_none());
            codes.map(|code| (feed.name.as_str(), code.text.as_str()))
        })
    }
}

/// Looks at a folder, its files and the folders right below it.
pub(super) fn folder(folder: &Path) -> io::Result<Found> {
    let mut looked = Looked::default();
    if is_oneroster_folder(folder) {
        looked.seen.push((folder.to_owned(), None));
        return Ok(looked.found());
    }
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        looked.at(path);
    }
    Ok(looked.found())
}

/// What was looked at.
#[derive(Default)]
struct Looked {
    seen: Vec<(PathBuf, Option<Table>)>,
    not_used: Vec<(String, String)>,
}

impl Looked {
    fn at(&mut self, path: PathBuf) {
        let name = file_name(&path);
        let ends = |ext: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ext));
        if path.is_dir() && is_oneroster_folder(&path) {
            self.seen.push((path, None));
        } else if ends("zip") {
            match is_oneroster_zip(&path) {
                Ok(true) => self.seen.push((path, None)),
                Ok(false) => self.not_used.push((name, "no OneRoster package; unpack it".to_owned())),
                Err(error) => self.not_used.push((name, format!("cannot be read: {error}"))),
            }
        } else if TABLES.into_iter().any(ends) {
            match table::look(&path, &name) {
                Ok(table) => self.seen.push((path, Some(table))),
                Err(why) => self.not_used.push((name, why)),
            }
        }
    }

    fn found(self) -> Found {
        let Self { seen, not_used } = self;
        let entity = |table: &Option<Table>| table.as_ref().map(|table| table.entity);
        let drops: Vec<_> = seen.iter().map(|(path, table)| (pattern(path), entity(table))).collect();
        let mut found = Found { not_used, ..Found::default() };
        // Whole tables go first: of drops of one feed, the first that is.
        let (whole, lacking): (Vec<_>, Vec<_>) =
            seen.into_iter().partition(|(_, table)| table.as_ref().is_none_or(Table::is_complete));
        for (path, table) in whole.into_iter().chain(lacking) {
            let (pattern, entity) = (pattern(&path), entity(&table));
            let is_shared = drops.iter().any(|(other, of)| *other == pattern && *of != entity);
            let literal = path.with_file_name(literal(&file_name(&path)));
            found.add(&path, if is_shared { literal } else { pattern }, table);
        }
        found.feeds.sort_by_key(Feed::entity);
        found
    }
}

impl Found {
    /// Files of one name but for their date are drops of one feed.
    fn add(&mut self, file: &Path, path: PathBuf, table: Option<Table>) {
        let all = || self.feeds.iter().chain(&self.incomplete);
        if all().any(|feed| feed.path == path) {
            return;
        }
        let wanted = name(&path);
        let taken = |name: &str| all().any(|feed| feed.name == name);
        let mut name = wanted.clone();
        let mut number = 1;
        while taken(&name) {
            number += 1;
            name = format!("{wanted}-{number}");
        }
        let feed = Feed { name, path, file: file_name(file), table };
        if feed.is_complete() { self.feeds.push(feed) } else { self.incomplete.push(feed) }
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
