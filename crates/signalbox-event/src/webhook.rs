//! What a tool is told by webhook: the body of a message (Standard Webhooks 1.0.0), by its type.
//!
//! `schemas/webhooks/` holds the schema of each, and a sample.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::data::FlagChanged;

/// One flag: raised, cleared or withdrawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagAlert {
    /// The same on every attempt; `webhook-id` carries it too.
    pub alert_id: Uuid,
    #[serde(flatten)]
    pub flag: FlagChanged,
    /// Whom the hub tells, and why.
    pub owner: Owner,
}

/// Whom the hub tells, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// The destination's name in the configuration.
    pub name: String,
    /// What led there: `route`.
    pub because: String,
}

/// The flags that were open when a feed turned live and of which the receiver was not told before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StandingList {
    /// The same on every attempt; `webhook-id` carries it too.
    pub alert_id: Uuid,
    /// Which message of the list this is, from 1.
    #[schemars(range(min = 1))]
    pub part: u32,
    /// In how many messages the list comes: each has at most 200 flags and 256 KiB.
    #[schemars(range(min = 1))]
    pub parts: u32,
    /// The latest day that any of the flags was judged by.
    pub as_of: Option<Date>,
    /// Whom the hub tells, and why.
    pub owner: Owner,
    /// In the order of the students' ids.
    #[schemars(length(min = 1, max = 200))]
    pub flags: Vec<FlagAlert>,
}

/// What `signalbox send test` sends: about nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestMessage {
    /// `webhook-id` carries it too.
    pub alert_id: Uuid,
    /// What it is, in words.
    pub text: String,
}

/// The types of messages.
pub const TYPES: [&str; 5] =
    ["risk.flag.raised", "risk.flag.cleared", "risk.flag.withdrawn", "risk.flags.standing", "signalbox.test"];

/// The type of a standing list, and the kind of its parts.
pub const STANDING: &str = TYPES[3];

/// The type of a test message.
pub const TEST: &str = TYPES[4];

/// The JSON Schema (2020-12) of a whole body. `None`: there is no such type.
pub fn schema(kind: &str) -> Option<Value> {
    let (data, about) = match kind {
        "risk.flag.raised" => {
            (data::<FlagAlert>(), "A student crossed a line that the district's rules draw.")
        }
        "risk.flag.cleared" => (data::<FlagAlert>(), "A flag came off: the student is back behind the line."),
        "risk.flag.withdrawn" => {
            (data::<FlagAlert>(), "A flag was wrong: forget it, and what was done because of it.")
        }
        "risk.flags.standing" => {
            (data::<StandingList>(), "What was open when a feed turned live, as one list.")
        }
        "signalbox.test" => (data::<TestMessage>(), "A test of the way to the receiver: about nobody."),
        _ => return None,
    };
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("{}webhooks/{kind}.json", crate::schema::BASE_URL),
        "title": kind,
        "description": about,
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": kind, "description": "What the message says."},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it was decided; UTC, whole seconds."},
            "data": data,
        },
    }))
}

fn data<T: JsonSchema>() -> Value {
    let mut schema = crate::schema::inlined::<T>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        object.remove("title");
    }
    schema
}
