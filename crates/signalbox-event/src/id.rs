//! Derived identifiers: the same facts give the same id on every machine and at every replay, so whoever reads may
//! drop what it has seen.
//!
//! | id | from | made by |
//! |---|---|---|
//! | student key | id system, student's first id (HMAC under the district's secret) | [`StudentKey::derive`] |
//! | event about a row of a feed | district, feed, entity, natural key, revision, content hash | [`event_id`] |
//! | any other event | its type or a word for it, what names it among its like | [`derived`] |
//! | flag | district, student key, school year, rule, episode number | [`flag_id`] |
//! | alert | flag, what happened to it, recipient | [`alert_id`] |
//!
//! Every list of parts given to [`derived`] begins with a word that no other kind of id begins with.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// The name space of every UUIDv5 that Signalbox derives: a number of its own. Another would change every id.
const NAMESPACE: Uuid = Uuid::from_bytes([
    0x8f, 0x2b, 0x1c, 0x5e, 0x40, 0x9d, 0x5b, 0x63, 0x9a, 0x77, 0x31, 0xd4, 0x0e, 0x6c, 0x52, 0xab,
]);

/// A student's pseudonym inside the district's own topics and stores.
///
/// The first 16 bytes of HMAC-SHA256(district's secret, id system, zero byte, student's first id), as a UUIDv8: the
/// same on every replay, not guessable without the secret. `Debug` hides it, so that it cannot slip into a log line.
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
///
/// `natural_key` names the row in its feed and entity, `revision` counts the contents it has had, and `content_hash`
/// tells two contents apart that were given one revision (a ledger restored from a backup).
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

/// The id of a flag: one per (student, school year, rule, episode number). Episodes count the flags of that student,
/// year and rule in the order of their announcement.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code. A change here is a change of every id that a district has handed out.
    #[test]
    fn ids_stay_what_they_were() {
        let student = StudentKey::derive(b"secret", "sis", "1001");
        let event =
            event_id("grand-bend", "attendance", "attendance.daily", "2022|1001|100|2021-09-07", 1, b"hash");
        let flag = flag_id("grand-bend", student, 2022, "chronic-absence", 1);
        let alert = alert_id(flag, "raised", "counselor");
        assert_eq!(student.to_string(), "4168cb2b-d843-8c99-87cf-b1da55c1429a");
        assert_eq!(event.to_string(), "b34c5dec-32c8-5878-be1c-ce2fe871de04");
        assert_eq!(flag.to_string(), "02a8231e-0f33-5572-8974-70ec52e776e8");
        assert_eq!(alert.to_string(), "5cce4467-6d7e-5d14-b624-ae22fefcaa94");
        assert_eq!((student.as_uuid().get_version_num(), event.get_version_num()), (8, 5));
    }

    #[test]
    fn parts_are_told_apart_by_their_lengths() {
        assert_ne!(derived(&[b"ab", b"c"]), derived(&[b"a", b"bc"]));
        assert_ne!(derived(&[b"a", b""]), derived(&[b"a"]));
    }

    #[test]
    fn a_student_key_is_hidden_from_debug_and_read_back_from_display() {
        let student = StudentKey::derive(b"secret", "sis", "1001");
        assert_eq!(format!("{student:?}"), "student(…)");
        assert_eq!(student.to_string().parse::<StudentKey>().expect("reads back"), student);
    }
}
