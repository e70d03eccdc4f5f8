//! What lies in the drop folder, and a folder as one zip.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use signalbox_connector::drop_folder::{self, Dropped, NotOpened};
use signalbox_connector::{FetchError, Land, regular_file};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::package::FileName;

/// The drops at a path: zips, and folders of bare CSV files. A folder may hold zips, too; each is a drop.
pub(crate) fn drops(base: &Path, pattern: &str) -> Result<Vec<Dropped>, FetchError> {
    let mut drops = Vec::new();
    let is_pattern = pattern.contains(['*', '?', '[']);
    let found = drop_folder::matching(base, pattern)?;
    for path in found.paths {
        if path.is_dir() {
            // One that cannot be listed is told of.
            drops.extend(inside(&path).unwrap_or_else(|_| vec![Dropped::alone(path)]));
        } else if !is_pattern || is_zip(&path) {
            drops.push(Dropped::alone(path));
        }
    }
    drops.extend(found.shut.into_iter().map(Dropped::alone));
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
            drops.push(Dropped::alone(path));
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
pub(crate) fn open(dropped: &Dropped, root: &Path, land: &dyn Land) -> Result<File, NotOpened> {
    if dropped.is_alone() {
        return Ok(regular_file::open_within(&dropped.path, root)?);
    }
    let opened = dropped.files.iter().map(|path| Ok((path, regular_file::open_within(path, root)?)));
    let files = opened.collect::<io::Result<Vec<_>>>()?;
    let packed = ZipWriter::new(land.scratch().map_err(NotOpened::Scratch)?);
    pack(packed.set_auto_large_file(), files)
}

/// The files in one stored zip: the same files give the same bytes, whenever they were written.
fn pack(mut zip: ZipWriter<File>, files: Vec<(&PathBuf, File)>) -> Result<File, NotOpened> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    let not_written = |error: io::Error| NotOpened::Scratch(error);
    for (path, file) in files {
        zip.start_file(name(path).unwrap_or_default(), options).map_err(|error| not_written(error.into()))?;
        let size_bytes = file.metadata()?.len();
        copy(&mut file.take(size_bytes), &mut zip)?;
    }
    let mut packed = zip.finish().map_err(|error| not_written(error.into()))?;
    packed.rewind().map_err(not_written)?;
    Ok(packed)
}

/// Copies to the end; whose fault it is where that fails.
fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<(), NotOpened> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => to.write_all(&buffer[..read]).map_err(NotOpened::Scratch)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
