//! The drop folder.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use signalbox_connector::jiff::Timestamp;
use signalbox_connector::serde_json::json;
use signalbox_connector::testing::{self, MemoryLand};
use signalbox_connector::{Cursor, FetchCx, Page};

use super::zipped;
use crate::CONNECTOR;

/// The second at which the tests' first file is written.
const START: u64 = 1_700_000_000;

fn write(path: &Path, bytes: &[u8], at: u64) {
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
    fs::write(path, bytes).expect("the file can be written");
    let time = UNIX_EPOCH + Duration::from_secs(at);
    File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("it takes a time");
}

fn fetch(base: &Path, path: &str, land: &MemoryLand, cursor: &Cursor) -> Page {
    let source = testing::parse_at(&CONNECTOR, &json!({"path": path}), base).expect("the section is right");
    let now = Timestamp::from_second(START as i64).expect("a time");
    let cx = FetchCx { now, still_for: None, max_bytes: 1 << 20, land };
    testing::finish(source.fetch(&cx, cursor)).expect("the folder can be read")
}

#[test]
fn a_folder_is_one_drop_that_changes_with_any_of_its_files() {
    let base = tempfile::tempdir().expect("a folder for the test");
    let land = MemoryLand::default();
    let sis = base.path().join("drop/sis");
    write(&sis.join("users.csv"), b"u", START);
    write(&sis.join("orgs.csv"), b"o", START + 5);
    write(&sis.join("demographics.csv"), b"protected", START);
    write(&sis.join("notes.txt"), b"x", START);
    let page = fetch(base.path(), "drop/sis", &land, &Cursor::default());
    let payload = page.payloads[0].clone();
    assert_eq!((payload.name.as_str(), page.more), ("sis", false));
    assert_eq!(payload.modified.as_second(), (START + 5) as i64);
    let landed = &land.payloads()[0];
    assert!(!landed.windows(9).any(|window| window == b"protected"), "demographics do not land");
    let marks = payload.marks.into_iter();
    let behind = Cursor(marks.filter_map(|mark| Some((mark.name, mark.value?))).collect());
    assert!(fetch(base.path(), "drop/sis", &land, &behind).payloads.is_empty());

    write(&sis.join("users.csv"), b"u", START + 9);
    let again = fetch(base.path(), "drop/sis", &land, &behind);
    assert_eq!(again.payloads[0].landed, payload.landed, "a new time is a new drop of the same bytes");
    assert_eq!(land.payloads().len(), 1);
}

#[test]
fn zips_come_one_by_one_from_a_pattern_or_a_folder() {
    let base = tempfile::tempdir().expect("a folder for the test");
    let late = zipped(&[("users.csv", b"late")]);
    let early = zipped(&[("users.csv", b"early")]);
    write(&base.path().join("drop/a.zip"), &late, START + 1);
    write(&base.path().join("drop/b.ZIP"), &early, START);
    write(&base.path().join("drop/c.csv.part"), b"x", START);
    for path in ["drop", "drop/*"] {
        let land = MemoryLand::default();
        let page = fetch(base.path(), path, &land, &Cursor::default());
        let names: Vec<_> = page.payloads.iter().map(|payload| payload.name.as_str()).collect();
        assert_eq!((names, page.more), (vec!["b.ZIP", "a.zip"], false), "{path}");
        assert_eq!(land.payloads(), [early.clone(), late.clone()], "{path}");
    }
}

#[test]
fn an_empty_or_missing_folder_has_nothing_new() {
    let base = tempfile::tempdir().expect("a folder for the test");
    fs::create_dir(base.path().join("drop")).expect("it can be made");
    for path in ["drop", "elsewhere", "drop/*.zip"] {
        assert!(
            fetch(base.path(), path, &MemoryLand::default(), &Cursor::default()).payloads.is_empty(),
            "{path}"
        );
    }
}
