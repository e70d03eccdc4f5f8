//! Derived identifiers.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// The name space of every UUIDv5 that Signalbox derives (itself the UUIDv5 of `signalbox.org` under the DNS space).
const NAMESPACE: Uuid = Uuid::from_bytes([
    0x8f, 0x2b, 0x1c, 0x5e, 0x40, 0x9d, 0x5b, 0x63, 0x9a, 0x77, 0x31, 0xd4, 0x0e, 0x6c, 0x52, 0xab,
]);

/// A student's pseudonym inside the district's own topics and stores.
///
/// HMAC-SHA256 of the student's first id under the district's secret, as a UUIDv8: the same on every replay,
/// not guessable without the secret. `Debug` hides it, so that it cannot slip into a log line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StudentKey(Uuid);

impl StudentKey {
    /// Derives the key from the district's secret, the name of the id system and the id inside it.
    pub fn derive(secret: &[u8], id_system: &str, id: &str) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(id_system.as_bytes());
        mac.update(&[0]);
        mac.update(id.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Debug for StudentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("student(…)")
    }
}

impl fmt::Display for StudentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for StudentKey {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// A UUIDv5 over `parts`; each part is length-prefixed, so that no two lists of parts collide.
pub fn derived(parts: &[&[u8]]) -> Uuid {
    let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part);
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

/// The id of an event about one row of a feed: the same record read again is the same event.
pub fn event_id(
    district: &str,
    feed: &str,
    entity: &str,
    natural_key: &str,
    revision: u64,
    content_hash: &[u8],
) -> Uuid {
    derived(&[
        b"event",
        district.as_bytes(),
        feed.as_bytes(),
        entity.as_bytes(),
        natural_key.as_bytes(),
        &revision.to_be_bytes(),
        content_hash,
    ])
}

/// The id of a flag: one per (student, school year, rule, episode number).
pub fn flag_id(district: &str, student: StudentKey, school_year: u16, rule: &str, episode: u32) -> Uuid {
    derived(&[
        b"flag",
        district.as_bytes(),
        student.0.as_bytes(),
        &school_year.to_be_bytes(),
        rule.as_bytes(),
        &episode.to_be_bytes(),
    ])
}

/// The id of one alert: a flag, what happened to it (`raised`, `cleared`, …) and who is told.
pub fn alert_id(flag: Uuid, kind: &str, recipient: &str) -> Uuid {
    derived(&[b"alert", flag.as_bytes(), kind.as_bytes(), recipient.as_bytes()])
}
