//! Destinations: where alerts go.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::ErrorKind;

/// Delivers alerts into one tool.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Whether the same alert twice is harmless to the people behind it.
    fn repeats(&self) -> Repeats;

    /// When alerts go out unless a route says otherwise: a tool is told at once, people's channels by digest.
    fn told(&self) -> Told;

    /// Whether alerts can be sent as far as it is known without asking anybody: asked before a process begins.
    fn ready(&self) -> Result<(), DeliverError> {
        Ok(())
    }

    /// Delivers one alert. An alert may come again with the same id.
    async fn deliver(&self, cx: &DeliverCx, alert: &Alert) -> Result<Receipt, DeliverError>;
}

/// What a repetition does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// The receiver knows the alert by its id.
    Harmless,
    /// People see it twice (SMTP, SMS).
    Visible,
}

/// When an alert goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    AtOnce,
    Digest,
}

/// What a delivery may use.
#[derive(Debug, Clone, Copy)]
pub struct DeliverCx {
    pub now: Timestamp,
    /// From 1.
    pub attempt: u32,
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Derived; the same on every attempt.
    pub id: Uuid,
    /// E.g. `risk.flag.raised`.
    pub kind: String,
    /// When it was decided; the same on every attempt.
    pub decided: Timestamp,
    /// The alert's `data`, as JSON.
    pub data: serde_json::Value,
}

/// The receiver took it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The receiver's own id for it, if it gave one.
    pub reference: Option<String>,
}

/// The receiver did not take it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DeliverError {
    pub kind: ErrorKind,
    /// One sentence; no student data, no secret, no URL with credentials.
    pub message: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}
