//! Why the hub could not do something.

use signalbox_log::LogError;
use signalbox_store::StoreError;

/// Why a step of the hub failed. Never carries student data.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("feed \"{feed}\": {message}")]
    Fetch { feed: String, message: String, help: String },
    /// Working a payload through failed, and will be tried again.
    #[error("feed \"{feed}\": {payload} could not be worked through: {why}")]
    Failing { feed: String, payload: String, why: String },
    /// The bytes of a payload that a run names are gone.
    #[error("its landed bytes are gone: data_dir was put back from a backup, or somebody removed them")]
    NotLanded,
    #[error("the landed payload or a scratch file cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// A row of a store does not read as what this version writes.
    #[error("a stored {0} cannot be read; it was written by another version or damaged")]
    Stored(&'static str),
    /// The feed store is older than the states that rest on it.
    #[error(
        "what was remembered of feed \"{feed}\" is older than what was decided with it: feeds.db was lost or put back alone"
    )]
    FeedsLost { feed: String },
    /// The log is not the one this consumer folded.
    #[error(
        "the log was replaced: the record before {topic} shard {shard} offset {offset} is not the one that was folded"
    )]
    LogReplaced { topic: String, shard: u32, offset: u64 },
}

impl HubError {
    /// Whether it may be over by itself, and nothing that is worked on is at fault: a server that is away, another process, a
    /// disk without room.
    pub fn heals(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match self {
            Self::Log(LogError::Unavailable(_)) => true,
            Self::Store(error) => {
                matches!(error, StoreError::Unavailable(_) | StoreError::Unknown | StoreError::Fenced)
            }
            Self::Io(error) => matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem),
            _ => false,
        }
    }
}
