//! One try to deliver one entry.

use std::time::Duration;

use jiff::Timestamp;
use signalbox_connector::{Alert, DeliverCx, DeliverError, ErrorKind, Receipt};
use signalbox_hub::Target;
use signalbox_store::outbox::{Claim, Entry, Settled};
use signalbox_store::{Outbox, StoreError};

use super::schedule;

/// The longest that any destination may take; its own timeout should be shorter and say more.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempted {
    Delivered,
    Retried {
        at_ms: i64,
        /// The receiver named the time itself.
        patience: bool,
    },
    /// Dead after the last try.
    GivenUp,
    /// Dead, because the receiver wants nothing more.
    Refused,
    /// Dead without a try.
    Unreadable,
    /// The claim had run out and another process has the entry now.
    TakenOver,
}

impl Attempted {
    /// Whether it speaks of the target rather than of the alert.
    pub(super) const fn target_failed(self) -> bool {
        matches!(self, Self::Retried { .. } | Self::GivenUp)
    }
}

/// What the target answered.
pub(super) type Told = Result<Receipt, Failure>;

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    NotTaken(#[from] DeliverError),
    /// We wrote it wrongly: trying again cannot mend it.
    #[error("the stored alert cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotTaken(error) => error.kind,
            Self::Unreadable(_) => ErrorKind::Permanent,
        }
    }
}

/// Tells the target.
pub(super) async fn tell(target: &Target, entry: &Entry, now: Timestamp) -> Told {
    let alert = alert(entry)?;
    let cx = DeliverCx { now, attempt: entry.attempts };
    let delivery = target.destination.deliver(&cx, &alert);
    let told = tokio::time::timeout(ATTEMPT_TIMEOUT, delivery).await.unwrap_or_else(|elapsed| {
        let message = format!("no answer within {} s", ATTEMPT_TIMEOUT.as_secs());
        Err(DeliverError { kind: ErrorKind::Transient, message, source: Some(Box::new(elapsed)) })
    });
    Ok(told?)
}

/// Settles the claim after its try. Logs a failure; the caller only counts it.
pub(super) async fn settle(
    outbox: &dyn Outbox,
    target: &Target,
    claim: &Claim,
    told: Told,
    now: Timestamp,
) -> Result<Attempted, StoreError> {
    signalbox_hub::failpoint!("attempt");
    let how = match &told {
        Ok(_) => Settled::Delivered,
        Err(error) => schedule::after_failure(&claim.entry, error.kind(), now.as_millisecond()),
    };
    let why = told.as_ref().err().map(ToString::to_string);
    let kept = outbox.settle(claim, how, why.as_deref()).await?;
    signalbox_hub::failpoint!("settle");
    if let Err(error) = &told {
        log(target, &claim.entry, how, error);
    }
    Ok(if kept { attempted(how, &told) } else { Attempted::TakenOver })
}

fn alert(entry: &Entry) -> Result<Alert, Failure> {
    Ok(Alert {
        id: entry.id,
        kind: entry.kind.clone(),
        decided: Timestamp::from_millisecond(entry.created_ms)
            .map_err(|error| Failure::Unreadable(error.into()))?,
        data: serde_json::from_slice(&entry.body).map_err(|error| Failure::Unreadable(error.into()))?,
    })
}

fn attempted(how: Settled, told: &Told) -> Attempted {
    match (how, told) {
        (
            Settled::RetryAt { at_ms } | Settled::NotSent { at_ms } | Settled::Unreached { at_ms },
            Err(error),
        ) => Attempted::Retried { at_ms, patience: matches!(error.kind(), ErrorKind::RateLimited { .. }) },
        (_, Ok(_)) => Attempted::Delivered,
        (_, Err(Failure::Unreadable(_))) => Attempted::Unreadable,
        (_, Err(error)) if error.kind() == ErrorKind::Permanent => Attempted::Refused,
        (_, Err(_)) => Attempted::GivenUp,
    }
}

fn log(target: &Target, entry: &Entry, how: Settled, error: &Failure) {
    let (destination, alert_id, attempt) = (target.name.as_str(), entry.id, entry.attempts);
    if matches!(how, Settled::Dead | Settled::DeadUnreached) {
        tracing::error!(destination, %alert_id, attempt, %error, "alert given up");
    } else {
        tracing::warn!(destination, %alert_id, attempt, %error, "alert not taken, to be tried again");
    }
}
