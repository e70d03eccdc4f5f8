//! A sample as the bytes that the feed's source would read.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use signalbox_connector::{
    Cursor, FetchCx, FetchError, Land, Landed, ReadSeek, Refusal, RejectCode, regular_file,
};

use crate::config::Loaded;
use crate::config::parts::Feed;
use crate::connectors;

/// Where the payloads of a folder land: files without a name, which go with the process, however it ends.
pub(in crate::commands::check) struct Nameless {
    /// That of the hub's own files; before its first start the system's.
    folder: PathBuf,
    files: Mutex<Vec<File>>,
}

impl Nameless {
    pub(in crate::commands::check) fn of(loaded: &Loaded) -> Self {
        let data_dir = &loaded.config.data_dir;
        let folder = if data_dir.is_dir() { data_dir.clone() } else { std::env::temp_dir() };
        Self { folder, files: Mutex::default() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Land for Nameless {
    fn land(&self, bytes: &mut dyn Read) -> io::Result<Landed> {
        let mut file = self.scratch()?;
        let size_bytes = io::copy(bytes, &mut file)?;
        let mut files = self.files.lock().expect("no call panics under the lock");
        files.push(file);
        Ok(Landed { address: (files.len() - 1).to_string(), size_bytes })
    }

    fn take_back(&self, _: &Landed) {}

    fn scratch(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.folder)
    }
}

/// Opens a file as it stands. A folder is packed as the source packs it when it fetches one.
pub(super) fn open(
    sample: &Path,
    feed: &Feed,
    loaded: &Loaded,
    now: Timestamp,
) -> Result<Box<dyn ReadSeek>, Refusal> {
    if sample.is_dir() {
        return folder(sample, feed, loaded, now);
    }
    let file = regular_file::open(sample).map_err(|error| unreadable(&error))?;
    Ok(Box::new(file))
}

fn folder(sample: &Path, feed: &Feed, loaded: &Loaded, now: Timestamp) -> Result<Box<dyn ReadSeek>, Refusal> {
    /// The same as that of the hub: 8 GiB.
    const MOST_BYTES: u64 = 8 << 30;
    let path = sample.canonicalize().map_err(|error| unreadable(&error))?;
    let not_for_it = |message: String, help: String| Refusal {
        code: RejectCode::UnreadableFile,
        file: None,
        column: None,
        message,
        help,
    };
    let source = feed
        .source_at(&path, &loaded.config.district.zone, &loaded.tree, connectors::ALL)
        .map_err(|fault| not_for_it(fault.message, fault.help))?;
    let landed = Nameless::of(loaded);
    let cx = FetchCx { now, still_for: None, max_bytes: MOST_BYTES, land: &landed };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let page = runtime.map_err(|error| unreadable(&error))?.block_on(source.fetch(&cx, &Cursor::default()));
    let page = page.map_err(|FetchError { message, help, .. }| not_for_it(message, help))?;
    let Some(payload) = page.payloads.into_iter().next() else {
        let message = "the folder holds nothing that this feed reads".to_owned();
        return Err(not_for_it(message, "name the file itself".to_owned()));
    };
    payload.landed?;
    let files = landed.files.into_inner().expect("no call panics under the lock");
    let mut first = files.into_iter().next().expect("what is landed has a file");
    first.rewind().map_err(|error| unreadable(&error))?;
    Ok(Box::new(first))
}

pub(super) fn unreadable(error: &io::Error) -> Refusal {
    Refusal {
        code: RejectCode::UnreadableFile,
        file: None,
        column: None,
        message: format!("the file cannot be read: {error}"),
        help: "mind the path and its permissions".to_owned(),
    }
}
