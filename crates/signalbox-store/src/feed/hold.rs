//! What waits for a person.

/// A payload that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub id: String,
    pub feed: String,
    pub run: u64,
    /// `file`, `school`, `students`, `ids_changed` or `unusable`.
    pub reason: String,
    pub would_end: u64,
    /// Rows that would end per school, as JSON.
    pub schools: String,
    pub since_ms: i64,
    pub state: HoldState,
    /// Who decided, and why.
    pub decided_by: Option<String>,
    pub decided_reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    Waiting,
    Approved,
    Refused,
    /// A later good payload went through.
    Superseded,
    /// Approved, and its run is done.
    Done,
}

impl HoldState {
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Approved, Self::Refused, Self::Superseded, Self::Done];
}

/// Which of the feed's holds, that wait or are approved and not this run's, closing a run turns to superseded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Superseded {
    #[default]
    None,
    All,
    /// By their ids.
    These(Vec<String>),
}
