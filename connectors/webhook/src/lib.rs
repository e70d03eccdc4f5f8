//! Alerts as Standard Webhooks 1.0.0: one signed POST per alert, to a tool of the district or of a vendor.
//!
//! A tool is told at once, on any day. The same alert always carries the same `webhook-id`, so a receiver that keeps
//! the ids it has seen is told once whatever happens on the way. The README shows how a receiver checks a signature.

use std::path::{Path, PathBuf};
use std::time::Duration;

use signalbox_connector::destination::Told;
use signalbox_connector::http::{self, Client, Method, Request, header};
use signalbox_connector::serde::{Serialize, de};
use signalbox_connector::serde_json::{self, Value};
use signalbox_connector::{
    Alert, Connector, DeliverCx, DeliverError, Destination, ErrorKind, ParseCx, Receipt, Repeats,
    async_trait, erased_serde, jiff, schemars,
};

use crate::section::Section;
use crate::signing::Key;

mod section;
mod signing;
#[cfg(test)]
mod tests;

/// The destination `webhook`.
pub const CONNECTOR: Connector = Connector {
    name: "webhook",
    about: "Sends each alert as a signed HTTP POST (Standard Webhooks 1.0.0).",
    config_schema: || schemars::schema_for!(Section),
    source: None,
    destination: Some(parse),
};

fn parse(
    deserializer: &mut dyn erased_serde::Deserializer<'_>,
    cx: &ParseCx<'_>,
) -> Result<Box<dyn Destination>, erased_serde::Error> {
    let section: Section = erased_serde::deserialize(deserializer)?;
    http::check_url(&section.url.0, section.allow_private).map_err(|refused| {
        let (what, mend) = refused.split_once(": ").unwrap_or((&refused, ""));
        <erased_serde::Error as de::Error>::custom(format!("url does not do: {what}; {mend}"))
    })?;
    Ok(Box::new(Webhook::new(section, cx.base)))
}

struct Webhook {
    section: Section,
    /// Secret files are relative to it.
    base: PathBuf,
    client: Client,
}

impl Webhook {
    fn new(section: Section, base: &Path) -> Self {
        let client = http::client(http::Options {
            timeout: Duration::from_secs(section.timeout_s),
            allow_private: section.allow_private,
            ..http::Options::default()
        });
        Self { section, base: base.to_owned(), client }
    }

    /// Looked up for each delivery: a rotated secret is used without a restart.
    fn keys(&self) -> Result<Vec<Key>, DeliverError> {
        self.section
            .secret
            .0
            .iter()
            .map(|secret| Key::resolve(secret, &self.base).map_err(unsigned))
            .collect()
    }

    fn request(&self, cx: &DeliverCx, alert: &Alert, keys: &[Key]) -> Request {
        let (id, timestamp_s, body) = (alert.id.to_string(), cx.now.as_second(), body(alert));
        let signatures: Vec<String> = keys.iter().map(|key| key.sign(&id, timestamp_s, &body)).collect();
        let mut request = Request::new(Method::POST, self.section.url.0.clone());
        let mut set = |name: &'static str, value: String| {
            let value = header::HeaderValue::try_from(value).expect("ids, numbers and base64 are ASCII");
            request.headers_mut().insert(name, value);
        };
        set("content-type", "application/json".to_owned());
        set("webhook-id", id);
        set("webhook-timestamp", timestamp_s.to_string());
        set("webhook-signature", signatures.join(" "));
        *request.body_mut() = Some(body.into());
        request
    }
}

#[async_trait]
impl Destination for Webhook {
    fn repeats(&self) -> Repeats {
        Repeats::Harmless
    }

    fn told(&self) -> Told {
        Told::AtOnce
    }

    fn ready(&self) -> Result<(), DeliverError> {
        self.keys().map(|_| ())
    }

    async fn deliver(&self, cx: &DeliverCx, alert: &Alert) -> Result<Receipt, DeliverError> {
        let keys = self.keys()?;
        self.client.send(self.request(cx, alert, &keys), cx.now).await?;
        Ok(Receipt::default())
    }
}

/// What is sent: nothing in it changes between two attempts.
#[derive(Serialize)]
#[serde(crate = "signalbox_connector::serde")]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    /// RFC 3339, UTC, whole seconds.
    timestamp: String,
    data: &'a Value,
}

fn body(alert: &Alert) -> Vec<u8> {
    let timestamp = jiff::Timestamp::from_second(alert.decided.as_second())
        .expect("the seconds of a timestamp are in range")
        .to_string();
    serde_json::to_vec(&Body { kind: &alert.kind, timestamp, data: &alert.data })
        .expect("a JSON value always serialises")
}

/// Nothing is sent unsigned; what waits is sent once a person has put the secret right.
fn unsigned(error: signing::KeyError) -> DeliverError {
    DeliverError {
        kind: ErrorKind::NotSent,
        message: format!("not sent, as it cannot be signed: {error}"),
        source: Some(Box::new(error)),
    }
}
