//! How a command ends.

use std::process::ExitCode;

use signalbox_hub::HubError;
use signalbox_log::LogError;
use signalbox_store::StoreError;

use crate::config::Problems;

/// Mends for both kinds of hub: errors do not know on which they stand.
const STORE_AWAY: &str = "embedded: see that data_dir is there, has room and is yours; on servers: see that PostgreSQL \
     runs and is reached from here. A running hub waits and goes on by itself";
const LOG_AWAY: &str = "embedded: see that data_dir is there, has room and is yours; on servers: see that Kafka runs and \
     is reached from here. A running hub waits and goes on by itself";
const LOG_REPLACED: &str = "put log and store back from backups of one moment, or begin anew: embedded with an empty \
     data_dir, on servers with another log.kafka.prefix and another schema. The files are read again";
const OVERTAKEN: &str = "begin anew: embedded with an empty data_dir, on servers with another log.kafka.prefix and another \
     schema. The files are read again, and open flags are told again, with the same secret under the ids that they had";

/// How a command ended that could do its work, or was asked a yes-or-no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Ok,
    /// `check` found errors.
    Invalid,
    /// `status` said what it could: a server does not answer.
    Away,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration has errors.
    Config(Problems),
    /// Any other: which exit code, why, and the mend.
    Other { kind: Kind, error: anyhow::Error, help: String },
}

/// The exit codes above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Runtime = 1,
    Input = 2,
    Environment = 3,
}

impl Failure {
    pub(crate) fn runtime(error: impl Into<anyhow::Error>, help: impl Into<String>) -> Self {
        Self::Other { kind: Kind::Runtime, error: error.into(), help: help.into() }
    }

    pub(crate) fn input(error: impl Into<anyhow::Error>, help: impl Into<String>) -> Self {
        Self::Other { kind: Kind::Input, error: error.into(), help: help.into() }
    }

    pub(crate) fn environment(error: impl Into<anyhow::Error>, help: impl Into<String>) -> Self {
        Self::Other { kind: Kind::Environment, error: error.into(), help: help.into() }
    }

    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(Kind::Input as u8),
            Self::Other { kind, .. } => ExitCode::from(*kind as u8),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::environment(error, STORE_AWAY),
            _ => Self::Other { kind: Kind::Runtime, error: error.into(), help: String::new() },
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let help = match &error {
            LogError::Unavailable(_) => LOG_AWAY,
            LogError::Replaced { .. } => LOG_REPLACED,
            LogError::Overtaken { .. } => OVERTAKEN,
            LogError::NoSuchShard { .. } | LogError::Unfit(_) | LogError::Failed(_) => "",
        };
        let kind = if matches!(error, LogError::Unfit(_) | LogError::Failed(_)) {
            Kind::Runtime
        } else {
            Kind::Environment
        };
        Self::Other { kind, error: error.into(), help: help.to_owned() }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Store(error) => error.into(),
            HubError::Log(error) => error.into(),
            HubError::Fetch { ref help, .. } => {
                let help = help.clone();
                Self::Other { kind: Kind::Environment, error: error.into(), help }
            }
            HubError::Failing { .. } => Self::Other {
                kind: Kind::Runtime,
                error: error.into(),
                help: "it is tried again, and set aside when it fails too often; the next file goes on"
                    .to_owned(),
            },
            HubError::FeedsLost { .. } => Self::environment(
                error,
                "put feeds.db back from the same backup as state.db, or begin with an empty data_dir: the files are read again, and open \
                 flags are told again, with the same secret under the ids that they had",
            ),
            HubError::LogReplaced { .. } => Self::environment(error, LOG_REPLACED),
            HubError::Stored(_) => {
                Self::Other { kind: Kind::Runtime, error: error.into(), help: OVERTAKEN.to_owned() }
            }
            HubError::NotLanded => Self::runtime(error, "drop the file once more"),
            HubError::Io(_) if error.heals() => Self::environment(error, STORE_AWAY),
            HubError::Io(_) => Self::Other { kind: Kind::Runtime, error: error.into(), help: String::new() },
        }
    }
}

impl From<std::io::Error> for Failure {
    /// Writing to stdout failed.
    fn from(error: std::io::Error) -> Self {
        Self::Other { kind: Kind::Runtime, error: error.into(), help: String::new() }
    }
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Ok => Self::SUCCESS,
            Done::Invalid => Self::from(Kind::Input as u8),
            Done::Away => Self::from(Kind::Environment as u8),
        }
    }
}
