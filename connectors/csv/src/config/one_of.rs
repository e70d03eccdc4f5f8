//! A key that is one of some names.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

/// Reads one of the names. Any other is a fault of its own place, not of the map in which it stands.
pub(super) struct OneOf {
    pub(super) names: &'static [&'static str],
    /// What the names are, for people.
    pub(super) what: &'static str,
}

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<&'static str, E> {
        let known = self.names.iter().copied().find(|name| *name == text);
        known.ok_or_else(|| E::unknown_field(text, self.names))
    }
}
