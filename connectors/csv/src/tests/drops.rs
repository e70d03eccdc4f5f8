//! The drop folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use signalbox_connector::jiff::Timestamp;
use signalbox_connector::serde_json::json;
use signalbox_connector::testing::{self, MemoryLand};
use signalbox_connector::{Cursor, FetchCx, Land, Landed, Page, RejectCode};
use tempfile::TempDir;

use super::{attendance, with};
use crate::CONNECTOR;

/// The second at which the tests' first file is written.
const START: u64 = 1_700_000_000;

struct Folder {
    base: TempDir,
    land: MemoryLand,
    still_for: Option<Duration>,
    now: u64,
    max_bytes: u64,
}

impl Folder {
    fn new() -> Self {
        let base = tempfile::tempdir().expect("a folder for the test");
        Self { base, land: MemoryLand::default(), still_for: None, now: START, max_bytes: 1000 }
    }

    fn path(&self) -> &Path {
        self.base.path()
    }

    fn write(&self, name: &str, text: &str, at: u64) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(&path, text).expect("the file can be written");
        let time: SystemTime = UNIX_EPOCH + Duration::from_secs(at);
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(time))
            .expect("it takes a time");
    }

    fn fetch(&self, cursor: &Cursor) -> Page {
        self.fetch_into(&self.land, cursor)
    }

    fn fetch_into(&self, land: &dyn Land, cursor: &Cursor) -> Page {
        let section = with(attendance(), "/path", json!("drop/attendance*.csv"));
        let source = testing::parse_at(&CONNECTOR, &section, self.path()).expect("the section is right");
        let now = Timestamp::from_second(self.now as i64).expect("a time");
        let cx = FetchCx { now, still_for: self.still_for, max_bytes: self.max_bytes, land };
        testing::finish(source.fetch(&cx, cursor)).expect("the folder can be read")
    }

    /// The names of all that is new, and the cursor behind it.
    fn drain(&self, mut cursor: Cursor) -> (Vec<String>, Cursor) {
        let mut all = Vec::new();
        loop {
            let page = self.fetch(&cursor);
            all.extend(names(&page));
            cursor = behind(&page, cursor);
            if !page.more {
                return (all, cursor);
            }
        }
    }
}

fn names(page: &Page) -> Vec<String> {
    page.payloads.iter().map(|payload| payload.name.clone()).collect()
}

/// The cursor once all of the page is worked through.
fn behind(page: &Page, mut cursor: Cursor) -> Cursor {
    for mark in page.payloads.iter().flat_map(|payload| payload.marks.clone()) {
        match mark.value {
            Some(value) => cursor.0.insert(mark.name, value),
            None => cursor.0.remove(&mark.name),
        };
    }
    cursor
}

fn new() -> Cursor {
    Cursor::default()
}

#[test]
fn files_come_oldest_first_then_by_name_each_once() {
    let folder = Folder::new();
    folder.write("drop/attendance-b.csv", "b", START);
    folder.write("drop/attendance-c.csv", "c", START);
    folder.write("drop/attendance-d.csv", "d", START - 10);
    folder.write("drop/attendance-a.csv", "a", START + 10);
    folder.write("drop/other.csv", "x", START);
    folder.write("drop/.attendance.csv", "x", START);
    folder.write("drop/attendance-dir.csv/x", "x", START);
    let (names, cursor) = folder.drain(new());
    assert_eq!(names, ["attendance-d.csv", "attendance-b.csv", "attendance-c.csv", "attendance-a.csv"]);
    assert_eq!(folder.land.payloads(), [b"d", b"b", b"c", b"a"]);
    assert_eq!(folder.drain(cursor).0, [""; 0], "a file that stands unchanged is not read again");
    assert!(folder.path().join("drop/attendance-a.csv").exists(), "files stay where they are");
}

#[test]
fn a_new_time_or_size_is_a_new_drop_even_with_the_same_bytes() {
    let folder = Folder::new();
    folder.write("drop/attendance.csv", "same", START);
    let (_, cursor) = folder.drain(new());
    folder.write("drop/attendance.csv", "same", START + 1);
    let (names, cursor) = folder.drain(cursor);
    assert_eq!(names, ["attendance.csv"]);
    folder.write("drop/attendance.csv", "longer", START + 1);
    assert_eq!(folder.drain(cursor).0, ["attendance.csv"]);
    assert_eq!(folder.land.payloads().len(), 2);
}

#[test]
fn the_cursor_forgets_files_that_are_gone_but_not_an_empty_folder() {
    let folder = Folder::new();
    folder.write("drop/attendance-1.csv", "1", START);
    folder.write("drop/attendance-2.csv", "2", START);
    let (_, both) = folder.drain(new());
    fs::remove_file(folder.path().join("drop/attendance-1.csv")).expect("it was there");
    assert_eq!(folder.drain(both.clone()), (vec![], both.clone()), "with the next payload");
    folder.write("drop/attendance-3.csv", "3", START);
    let (_, two) = folder.drain(both);
    assert_eq!(two.0.into_keys().collect::<Vec<_>>(), ["drop/attendance-2.csv", "drop/attendance-3.csv"]);
    let (_, two) = folder.drain(new());
    fs::remove_dir_all(folder.path().join("drop")).expect("it was there");
    assert_eq!(folder.drain(two.clone()), (vec![], two));
}

#[test]
fn waits_until_a_file_is_still() {
    let mut folder = Folder::new();
    folder.still_for = Some(Duration::from_secs(2));
    folder.write("drop/attendance.csv", "1", START);
    for (now, taken) in [(START + 1, false), (START + 2, true), (START - 60, false), (START - 7200, true)] {
        folder.now = now;
        assert_eq!(!folder.fetch(&new()).payloads.is_empty(), taken, "{now}");
    }
    folder.still_for = None;
    folder.now = START - 60;
    assert!(!folder.fetch(&new()).payloads.is_empty(), "up --once takes it as it stands");
}

#[test]
fn many_files_come_in_pages_each_once() {
    let folder = Folder::new();
    for n in 0..600 {
        folder.write(&format!("drop/attendance-{n:03}.csv"), &n.to_string(), START);
    }
    let (names, cursor) = folder.drain(new());
    assert_eq!(names.len(), 600);
    assert!(names.is_sorted());
    assert!(folder.fetch(&new()).payloads.len() < 600, "they are not all landed at once");
    assert_eq!(folder.drain(cursor).0, [""; 0]);
}

/// A disk that is full after one payload.
struct FullAfterOne<'l>(&'l MemoryLand);

impl Land for FullAfterOne<'_> {
    fn land(&self, bytes: &mut dyn Read) -> io::Result<Landed> {
        if self.0.payloads().is_empty() { self.0.land(bytes) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn take_back(&self, landed: &Landed) {
        self.0.take_back(landed);
    }

    fn scratch(&self) -> io::Result<File> {
        self.0.scratch()
    }
}

#[test]
fn what_landed_before_the_disk_was_full_goes_on() {
    let folder = Folder::new();
    folder.write("drop/attendance-1.csv", "1", START);
    folder.write("drop/attendance-2.csv", "2", START + 1);
    let page = folder.fetch_into(&FullAfterOne(&folder.land), &new());
    assert_eq!((names(&page), page.more), (vec!["attendance-1.csv".to_owned()], true));
}

/// Lands bytes of a file that its tool goes on writing to.
struct WhileWriting<'f>(&'f Folder, AtomicU32);

impl Land for WhileWriting<'_> {
    fn land(&self, bytes: &mut dyn Read) -> io::Result<Landed> {
        self.0.write("drop/attendance-1.csv", "longer", START);
        self.0.land.land(bytes)
    }

    fn take_back(&self, _: &Landed) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }

    fn scratch(&self) -> io::Result<File> {
        self.0.land.scratch()
    }
}

#[test]
fn a_file_that_changes_while_it_is_copied_is_left_for_the_next_pass() {
    let folder = Folder::new();
    folder.write("drop/attendance-1.csv", "1", START);
    folder.write("drop/attendance-2.csv", "2", START + 1);
    let land = WhileWriting(&folder, AtomicU32::default());
    let page = folder.fetch_into(&land, &new());
    assert_eq!(names(&page), ["attendance-2.csv"]);
    assert_eq!(folder.drain(behind(&page, new())).0, ["attendance-1.csv"]);
}

#[test]
fn a_file_that_is_too_large_is_refused_once() {
    let mut folder = Folder::new();
    folder.max_bytes = 3;
    folder.write("drop/attendance.csv", "1234", START);
    let page = folder.fetch(&new());
    let refusal = page.payloads[0].landed.clone().expect_err("it is too large");
    assert_eq!((refusal.code, refusal.file.as_deref()), (RejectCode::TooLarge, Some("attendance.csv")));
    assert!(folder.fetch(&behind(&page, new())).payloads.is_empty());
    assert!(folder.land.payloads().is_empty());
}

#[test]
fn the_folder_of_the_configuration_may_have_any_name() {
    let mut folder = Folder::new();
    folder.base = tempfile::Builder::new().prefix("a[b]*").tempdir().expect("a folder for the test");
    folder.write("drop/attendance.csv", "1", START);
    assert_eq!(folder.drain(new()).0, ["attendance.csv"]);
}
