//! What lies in the drop folder, and a folder as one zip.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use signalbox_connector::drop_folder::{self, Dropped};
use signalbox_connector::{FetchError, regular_file};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::package::FileName;

/// The drops at a path: zips, and folders of bare CSV files. A folder may hold zips, too; each is a drop.
pub(crate) fn drops(base: &Path, pattern: &str) -> Result<Vec<Dropped>, FetchError> {
    let mut drops = Vec::new();
    let is_pattern = pattern.contains(['*', '?', '[']);
    for path in drop_folder::matching(base, pattern)? {
        if path.is_dir() {
            drops.extend(inside(&path).map_err(drop_folder::unreadable)?);
        } else if !is_pattern || is_zip(&path) {
            drops.push(Dropped { files: vec![path.clone()], path });
        }
    }
    Ok(drops)
}

fn inside(folder: &Path) -> io::Result<Vec<Dropped>> {
    let mut bare = Vec::new();
    let mut drops = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            continue;
        }
        if is_zip(&path) {
            drops.push(Dropped { files: vec![path.clone()], path });
        } else if name(&path).is_some_and(|name| FileName::of(name).is_some()) {
            bare.push(path);
        }
    }
    if !bare.is_empty() {
        bare.sort();
        drops.push(Dropped { path: folder.to_owned(), files: bare });
    }
    Ok(drops)
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
        && name(path).is_some_and(|name| !name.starts_with('.'))
}

/// The bytes of a drop: a zip as it is, a folder as the zip that its files give.
pub(crate) fn open(dropped: &Dropped, root: &Path) -> io::Result<File> {
    if dropped.files == [dropped.path.clone()] {
        return regular_file::open_within(&dropped.path, root);
    }
    pack(&dropped.files, root)
}

/// The files in one stored zip: the same files give the same bytes, whenever they were written.
fn pack(files: &[PathBuf], root: &Path) -> io::Result<File> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(tempfile::tempfile()?).set_auto_large_file();
    for path in files {
        zip.start_file(name(path).unwrap_or_default(), options)?;
        let file = regular_file::open_within(path, root)?;
        let size_bytes = file.metadata()?.len();
        io::copy(&mut file.take(size_bytes), &mut zip)?;
    }
    let mut packed = zip.finish()?;
    packed.rewind()?;
    Ok(packed)
}
