//! The section `webhook: {…}` of a destination.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use signalbox_connector::Secret;
use signalbox_connector::http::Url;
use signalbox_connector::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use signalbox_connector::serde;
use signalbox_connector::serde::de::{
    self, Deserialize, Deserializer, IntoDeserializer, SeqAccess, Unexpected, Visitor,
};

use crate::signing::Key;

/// Alerts as Standard Webhooks 1.0.0.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(crate = "signalbox_connector::serde", deny_unknown_fields)]
#[schemars(crate = "signalbox_connector::schemars", rename = "Webhook")]
pub(crate) struct Section {
    /// Where alerts are posted to.
    pub(crate) url: Address,
    /// `whsec_` and 24 to 64 bytes in base64, as `SECRET[env.NAME]`. While a secret is being replaced, a list of the
    /// new and the old one: each alert is signed with both.
    pub(crate) secret: Secrets,
    /// Allows addresses inside the district's own network, and plain http to those.
    #[serde(default)]
    pub(crate) allow_private: bool,
    /// How long the receiver may take, in seconds. Standard Webhooks advises 15 to 30.
    #[serde(default = "default_timeout_s", deserialize_with = "timeout_s")]
    #[schemars(range(min = 1, max = 60))]
    pub(crate) timeout_s: u64,
}

const fn default_timeout_s() -> u64 {
    15
}

fn timeout_s<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        seconds @ 1..=60 => Ok(seconds),
        other => Err(de::Error::invalid_value(Unexpected::Unsigned(other), &"1 to 60 seconds")),
    }
}

/// An absolute http or https URL. Its path may carry a token, so neither `Debug` nor an error shows more than the host.
pub(crate) struct Address(pub(crate) Url);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Url::parse(&text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Err(de::Error::custom("a URL is no place for a user and a password; take them out"))
            }
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Self(url)),
            _ => Err(de::Error::custom("this is no URL that starts with https:// (or http://) and a host")),
        }
    }
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uri", "pattern": "^https?://" })
    }
}

/// One secret or several; at least one.
#[derive(Debug)]
pub(crate) struct Secrets(pub(crate) Vec<Secret>);

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore)
    }
}

struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Secrets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret or a list of secrets")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secrets, E> {
        Ok(Secrets(vec![checked(Secret::deserialize(text.into_deserializer())?)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Secrets, A::Error> {
        let mut secrets = Vec::new();
        while let Some(secret) = list.next_element()? {
            secrets.push(checked(secret)?);
        }
        if secrets.is_empty() {
            return Err(de::Error::invalid_length(0, &"at least one secret"));
        }
        Ok(Secrets(secrets))
    }
}

/// A secret that stands in the configuration itself can be checked now; the others when they are used.
fn checked<E: de::Error>(secret: Secret) -> Result<Secret, E> {
    if secret.is_literal() {
        Key::resolve(&secret, Path::new("")).map_err(de::Error::custom)?;
    }
    Ok(secret)
}

impl JsonSchema for Secrets {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secrets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Secret>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}
