//! The connector as the runtime sees it.

mod archives;
mod drops;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use signalbox_connector::event::Body;
use signalbox_connector::serde_json::{Value, json};
use signalbox_connector::testing::{self, MemoryLand, Reading, SourceCase};
use signalbox_connector::{Item, RejectCode, Source, drop_folder::Dropped};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{CONNECTOR, folder};

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn section() -> Value {
    json!({"path": "drop/sis"})
}

fn source() -> Box<dyn Source> {
    testing::parse(&CONNECTOR, &section()).expect("the section is right")
}

/// A folder's files as they land.
fn packed(path: &Path) -> Vec<u8> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(path).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let mut bytes = Vec::new();
    let mut packed = folder::open(&Dropped { path: path.to_owned(), files }, path, &MemoryLand::default())
        .expect("the files can be read");
    packed.read_to_end(&mut bytes).expect("the zip can be read");
    bytes
}

/// A zip of these files, in this order.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).expect("the zip takes a file");
        zip.write_all(bytes).expect("the zip takes bytes");
    }
    zip.finish().expect("the zip can be closed").into_inner()
}

#[test]
fn keeps_what_every_source_promises() {
    let [quirks, delta] =
        ["v1.1-bulk-quirks", "delta"].map(|case| packed(&crate_folder().join("fixtures").join(case)));
    testing::check_source(
        &CONNECTOR,
        &SourceCase {
            good: section(),
            required: &["path"],
            bad: vec![
                (json!({"path": " "}), "path"),
                (json!({"path": "drop/users.csv"}), "folder"),
                (json!({"path": "drop/sis", "encoding": "utf-9"}), "utf-9"),
            ],
            payloads: &[&quirks, &delta, b"", b"PK\x03\x04"],
        },
    );
}

#[test]
fn fixtures_give_what_is_expected() {
    let mut cases = 0;
    for entry in fs::read_dir(crate_folder().join("fixtures")).expect("there are fixtures") {
        let path = entry.expect("a fixture can be listed").path();
        if path.is_dir() {
            let expected = path
                .parent()
                .expect("it lies in fixtures")
                .join(format!("{}.out.json", path.file_name().expect("it has a name").to_string_lossy()));
            testing::assert_golden(&testing::read(source().as_ref(), &packed(&path)), &expected);
            cases += 1;
        }
    }
    assert!(cases > 0);
}

#[derive(Deserialize)]
struct Example {
    feeds: Vec<BTreeMap<String, Value>>,
}

#[test]
fn the_example_in_the_readme_is_right() {
    let readme = fs::read_to_string(crate_folder().join("README.md")).expect("there is a README");
    let yaml = readme
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("it has an example");
    let example: Example = serde_saphyr::from_str(yaml).expect("the example is YAML");
    testing::parse(&CONNECTOR, &example.feeds[0]["oneroster"]).expect("the section is right");
}

/// A real sample, from `$SIGNALBOX_SAMPLES` or `shared/data` beside the repository. `None`, said loudly, when it is
/// not there.
fn sample(name: &str) -> Option<Reading> {
    let samples = std::env::var_os("SIGNALBOX_SAMPLES")
        .map_or_else(|| crate_folder().join("../../../shared/data"), PathBuf::from);
    let path = samples.join("oneroster").join(name);
    if !path.is_dir() {
        println!("SKIPPED: no sample at {}; set SIGNALBOX_SAMPLES", path.display());
        return None;
    }
    Some(testing::read(source().as_ref(), &packed(&path)))
}

#[test]
fn reads_a_real_package_of_1_1() {
    let Some(reading) = sample("lms-toolkit-1.1") else { return };
    let mut counts = BTreeMap::new();
    for item in &reading.items {
        match item {
            Item::Draft(draft) => {
                *counts.entry(draft.body.entity().as_str()).or_insert(0) += 1;
                if let Body::Enrollment(row) = &draft.body {
                    assert_eq!((row.grade.as_deref(), row.exit.is_some()), (Some("09"), true));
                }
            }
            // Two teachers' rows have a comma too many, which is no fault.
            Item::Reject(reject) => panic!("{reject:?}"),
        }
    }
    let expected = [("reference.school", 1), ("roster.enrollment", 20), ("roster.student", 8)];
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!(reading.outcome.expect("it is readable").extents.len(), 3);
}

#[test]
fn refuses_real_school_data_sync() {
    let Some(reading) = sample("microsoft-sds-2.1") else { return };
    let refusal = reading.outcome.expect_err("it is no OneRoster");
    assert_eq!(refusal.code, RejectCode::UnreadableFile);
    assert!(refusal.message.contains("School Data Sync"), "{}", refusal.message);
}
