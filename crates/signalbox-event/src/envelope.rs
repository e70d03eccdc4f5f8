//! The CloudEvents envelope. Shapes on the wire: [`crate::codec`].

use uuid::Uuid;

use crate::data::Data;
use crate::id::StudentKey;
use crate::kind::Kind;

/// One normalised event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Derived from district, feed, entity, natural key, revision and content (see [`crate::id::event_id`]).
    pub id: Uuid,
    /// `/districts/<district>/feeds/<feed>`, or `/districts/<district>/<role>` for what the hub itself says.
    pub source: String,
    /// Whom it is about; `None` for reference and ops events.
    pub subject: Option<StudentKey>,
    /// Business time, RFC 3339 with the offset of the district's zone: the start of the day that a dated row speaks
    /// of, else the time at which the hub read or decided it. Kept as it was written.
    pub time: String,
    /// `district/student_key` for student events, whose shard it decides (see [`crate::topic`]); for others the
    /// district, or a name under it.
    pub partition_key: String,
    /// The spring year of the school year, e.g. 2022 for 2021-22.
    pub school_year: Option<u16>,
    /// The hub's own revision of the natural key inside the feed: 1, and one more whenever the content changes (A, B
    /// and A again are 1, 2, 3). The higher one counts, whatever order they are read in.
    pub revision: u64,
    /// The number of the feed's run that read it; absent for events that no run brought.
    pub run: Option<u64>,
    /// W3C trace context of the run that made it.
    pub traceparent: Option<String>,
    /// What is said; it decides the event's type, domain and data class.
    pub data: Data,
}

impl Event {
    /// What the CloudEvents `type` names.
    pub const fn kind(&self) -> Kind {
        self.data.kind()
    }

    /// The feed in `source`, if a feed said it.
    pub fn feed(&self) -> Option<&str> {
        let (_, said_by) = self.source.strip_prefix(DISTRICTS)?.split_once('/')?;
        said_by.strip_prefix("feeds/")
    }
}

const DISTRICTS: &str = "/districts/";

/// The `source` of what a feed says.
pub fn feed_source(district: &str, feed: &str) -> String {
    format!("{DISTRICTS}{district}/feeds/{feed}")
}

/// The `source` of what a part of the hub says, e.g. `risk`.
pub fn role_source(district: &str, role: &str) -> String {
    format!("{DISTRICTS}{district}/{role}")
}
