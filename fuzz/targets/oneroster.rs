//! OneRoster packages: files inside a zip, and the zip itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::sync::LazyLock;

use bolero::TypeGenerator;
use connector_oneroster::CONNECTOR;
use signalbox_connector::event::Body;
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::testing::{self, Reading};
use signalbox_connector::{AbsentRows, Claims, Extent, Item, RejectCode, Source};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use signalbox_fuzz::Edited;

use crate::lines::Lines;
use crate::memory;

type File = (&'static str, &'static [u8]);

macro_rules! package {
    ($folder:literal: $($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../../connectors/oneroster/fixtures/", $folder, "/", $name)))),*]
    };
}

const PACKAGES: [&[File]; 4] = [
    package!("v1.1-bulk-quirks": "academicSessions.csv", "classes.csv", "enrollments.csv", "manifest.csv", "orgs.csv", "users.csv"),
    package!("v1.2-bulk": "academicSessions.csv", "classes.csv", "enrollments.csv", "manifest.csv", "orgs.csv", "roles.csv", "users.csv"),
    package!("delta": "enrollments.csv", "manifest.csv", "orgs.csv", "users.csv"),
    package!("bare-1.1": "Users.csv", "academicSessions.csv", "classes.csv", "enrollments.csv", "orgs.csv"),
];

static SOURCE: LazyLock<Box<dyn Source>> = LazyLock::new(|| {
    testing::parse(&CONNECTOR, &serde_json::json!({"path": "drop/sis"})).expect("the section is right")
});

/// A package of which some files are edited.
#[derive(Debug, Clone, TypeGenerator)]
struct Input {
    package: u8,
    edits: [(u8, Edited); 2],
    /// Some are left out.
    without: Option<u8>,
}

impl Input {
    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let package = PACKAGES[usize::from(self.package) % PACKAGES.len()];
        let mut files: Vec<_> = package.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect();
        for (file, edited) in &self.edits {
            let at = usize::from(*file) % files.len();
            files[at].1 = edited.bytes(&[&files[at].1]);
        }
        if let Some(without) = self.without.filter(|without| without % 4 == 0) {
            files.remove(usize::from(without / 4) % files.len());
        }
        files
    }
}

fn zipped<'f>(files: impl IntoIterator<Item = &'f (&'static str, Vec<u8>)>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(*name, options).expect("the zip takes a file");
        zip.write_all(bytes).expect("the zip takes bytes");
    }
    zip.finish().expect("the zip can be closed").into_inner()
}

fn read(zip: &[u8]) -> Reading {
    testing::read(SOURCE.as_ref(), zip)
}

/// The file and the line of an item.
fn place(item: &Item<'_>) -> (&'static str, u64) {
    let (file, row) = match item {
        Item::Draft(draft) => (draft.file, Some(draft.row)),
        Item::Reject(reject) => (reject.file, reject.row),
    };
    (file.expect("a package's items name their file"), row.expect("a row's line"))
}

/// Files come one after the other, rows in their order, and each line exists.
fn is_in_order(files: &[(&'static str, Vec<u8>)], reading: &Reading) {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for places in reading.items.chunk_by(|a, b| place(a).0 == place(b).0) {
        let (file, first) = place(&places[0]);
        assert!(last.insert(file, first).is_none(), "{file} is read twice");
        assert!(places.is_sorted_by_key(|item| place(item).1), "rows of {file} go back");
        let (_, bytes) = files
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(file))
            .expect("items are about files of the package");
        let lines = Lines::of(bytes);
        // In other encodings a line is not found by its bytes.
        for item in places.iter().filter(|_| bytes.is_ascii()) {
            assert!(!lines.line(place(item).1).is_empty(), "a row of {file} begins with a blank line");
        }
    }
}

/// Enrolments that stand point to what the package has told of, where it is whole.
fn points_to_what_is_there(reading: &Reading) {
    let is_whole = |extent: &&Extent| extent.absent_rows == AbsentRows::End;
    let whole =
        reading.outcome.as_ref().is_ok_and(|contents| contents.extents.iter().filter(is_whole).count() == 3);
    let (mut schools, mut students) = (BTreeSet::new(), BTreeSet::new());
    for item in &reading.items {
        let Item::Draft(draft) = item else { continue };
        let Claims { student, school, .. } = &draft.claims;
        match &draft.body {
            Body::School(row) => drop(schools.insert(&*row.id)),
            Body::Student(row) => drop(students.insert(&*row.id)),
            Body::Enrollment(row) => {
                let exit = row.exit.map(Date::from);
                let first_day_out = exit.map(|exit| exit.tomorrow().expect("years are those of people"));
                assert!(first_day_out.is_none_or(|out| out >= row.entry.into()), "ends before it begins");
                let is_there = student.as_deref().is_some_and(|id| students.contains(id))
                    && school.as_deref().is_some_and(|id| schools.contains(id));
                assert!(!whole || !draft.status.is_active() || is_there);
            }
            Body::Attendance(_) | Body::CourseGrade(_) | Body::Incident(_) => {
                unreachable!("a package has a roster only")
            }
        }
    }
}

#[test]
fn oneroster_files() {
    bolero::check!().with_iterations(400).with_type::<Input>().for_each(|input| {
        let files = input.files();
        let zip = zipped(&files);
        let reading = read(&zip);
        assert_eq!(reading, read(&zip), "the same bytes, the same items");
        assert_eq!(
            reading,
            read(&zipped(files.iter().rev())),
            "where a file stands in the zip means nothing"
        );
        let more = [&files[..], &[("readme.txt", b"x".to_vec())]].concat();
        assert_eq!(reading, read(&zipped(&more)), "files that are not read mean nothing");
        is_in_order(&files, &reading);
        points_to_what_is_there(&reading);
    });
}

/// A small zip may unpack to 10 MiB before anybody asks how it is packed; of that, what rows point to is remembered.
const MAX_BYTES: u64 = 32 << 20;

#[test]
fn oneroster_zip() {
    let zips: Vec<Vec<u8>> = PACKAGES
        .iter()
        .map(|files| files.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect::<Vec<_>>())
        .map(|files| zipped(&files))
        .collect();
    bolero::check!().with_iterations(800).with_type::<Edited>().for_each(|input| {
        let zip = input.bytes(&zips);
        let outcome = memory::at_most(MAX_BYTES, || {
            SOURCE.normalize(&mut Cursor::new(&zip), &mut |_| ControlFlow::Continue(()))
        });
        let reading = read(&zip);
        assert_eq!(reading.outcome, outcome, "the same bytes, the same outcome");
        if let Err(refusal) = outcome {
            let of_the_zip = refusal.file.is_none() && refusal.code != RejectCode::MissingFile;
            assert!(!of_the_zip || reading.items.is_empty(), "nothing is said of a zip that is refused");
            assert!(!refusal.help.is_empty() && !refusal.message.is_empty());
        }
    });
}
