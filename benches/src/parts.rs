//! Work that this binary does in a process of its own: the rules, and the ceilings.

mod append;
mod events;
mod parse;
mod risk;

use std::path::PathBuf;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use self::events::{LogAt, What};

#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Apply each observation and evaluate its student
    Risk { students: u32 },
    /// Apply only
    RiskApply { students: u32 },
    /// Append the records of a hub's attendance topic to an empty log
    LogAppend { data_dir: PathBuf, folder: PathBuf },
    /// Append the same records to a table, a row each
    TableAppend { data_dir: PathBuf, folder: PathBuf },
    /// Parse a CSV file, hash it and each row
    Parse { file: PathBuf },
    /// Append the roster or the attendance of the consuming cases to a log
    Fill {
        #[command(flatten)]
        at: LogAt,
        /// The stores of a hub on servers; without it they are in the data folder
        #[arg(long)]
        database: Option<String>,
        #[arg(long)]
        students: u32,
        #[arg(long)]
        days: u32,
        what: What,
    },
    /// Consume a log's attendance topic, parsing each event
    Consume {
        #[command(flatten)]
        at: LogAt,
    },
    /// Append the records of a log's attendance topic to that of another prefix
    Copy {
        #[command(flatten)]
        at: LogAt,
        to_prefix: String,
    },
}

/// What a part did.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) items: u64,
    /// Wall time; what one core spent, where that is what is asked for.
    pub(crate) seconds: f64,
}

impl Done {
    pub(crate) fn per_s(&self) -> f64 {
        self.items as f64 / self.seconds
    }
}

impl Part {
    pub(crate) fn run(self) -> anyhow::Result<Done> {
        match self {
            Self::Risk { students } => risk::run(students, true),
            Self::RiskApply { students } => risk::run(students, false),
            Self::LogAppend { data_dir, folder } => append::to_log(&data_dir, &folder),
            Self::TableAppend { data_dir, folder } => append::to_table(&data_dir, &folder),
            Self::Parse { file } => parse::run(&file),
            Self::Fill { at, database, students, days, what } => {
                events::fill(&at, database.as_deref(), what, students, days)
            }
            Self::Consume { at } => events::consume(&at),
            Self::Copy { at, to_prefix } => events::copy(&at, &to_prefix),
        }
    }
}
