//! A sample as the bytes that the feed's source would read.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use signalbox_connector::{FetchCx, FetchError, ReadSeek, Refusal, RejectCode, regular_file};
use signalbox_runtime::land::Landing;
use tempfile::TempDir;

use crate::config::Loaded;
use crate::config::parts::Feed;
use crate::connectors;

/// A sample's bytes.
pub(super) struct Payload {
    bytes: Box<dyn ReadSeek>,
    /// Holds the bytes of a folder until they are read.
    _scratch: Option<TempDir>,
}

impl Payload {
    pub(super) fn bytes(&mut self) -> &mut dyn ReadSeek {
        &mut *self.bytes
    }
}

/// Opens a file as it stands. A folder is packed as the source packs it when it fetches one, into a scratch folder.
pub(super) fn open(sample: &Path, feed: &Feed, loaded: &Loaded, now: Timestamp) -> Result<Payload, Refusal> {
    if sample.is_dir() {
        return folder(sample, feed, loaded, now);
    }
    let file = regular_file::open(sample).map_err(|error| unreadable(&error))?;
    Ok(Payload { bytes: Box::new(file), _scratch: None })
}

fn folder(sample: &Path, feed: &Feed, loaded: &Loaded, now: Timestamp) -> Result<Payload, Refusal> {
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
    let scratch = tempfile::tempdir().map_err(|error| unreadable(&error))?;
    let landing = Landing::open(scratch.path()).map_err(|error| unreadable(&error))?;
    let cx = FetchCx { now, still_for: None, max_bytes: MOST_BYTES, land: &landing };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let page = runtime.map_err(|error| unreadable(&error))?.block_on(source.fetch(&cx, None));
    let page = page.map_err(|FetchError { message, help, .. }| not_for_it(message, help))?;
    let Some(payload) = page.payload else {
        let message = "the folder holds nothing that this feed reads".to_owned();
        return Err(not_for_it(message, "name the file itself".to_owned()));
    };
    let landed = payload.landed?;
    let file = landing.payload(&landed.address).map_err(|error| unreadable(&error))?;
    Ok(Payload { bytes: Box::new(file), _scratch: Some(scratch) })
}

fn unreadable(error: &io::Error) -> Refusal {
    Refusal {
        code: RejectCode::UnreadableFile,
        file: None,
        column: None,
        message: format!("the sample cannot be read: {error}"),
        help: "mind the path and its permissions".to_owned(),
    }
}
