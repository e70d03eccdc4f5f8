//! What a run and a pass came to.

use serde::{Deserialize, Serialize};
use signalbox_hub::HubError;

use super::gate::Counts;

/// What one run did; the JSON of `plan` and `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    pub feed: String,
    /// The payload's name: a file name.
    pub payload: String,
    #[serde(flatten)]
    pub counts: Counts,
    pub hold: Option<HoldReport>,
    /// Why the payload was not used at all.
    #[serde(default)]
    pub refused: Option<String>,
    /// What is worth saying though no row is lost by it.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// A payload that waits, as reports show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReport {
    pub reason: String,
    pub would_end: u64,
}

/// Something a person should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub code: String,
    pub count: u64,
    pub message: String,
}

/// What a pass did.
#[derive(Debug, Default)]
pub struct PassReport {
    pub runs: Vec<RunReport>,
    /// Feeds that could not be read, with the reason.
    pub failed: Vec<(String, HubError)>,
    /// A run was cut short; the next pass finishes it.
    pub again: bool,
}
