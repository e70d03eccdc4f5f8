//! What is forgotten, and when.

use jiff::{SignedDuration, Timestamp};
use signalbox_hub::{Hub, HubError};
use signalbox_store::StoreError;
use signalbox_store::feed::FeedLease;

/// Payloads, and the runs that worked them through, are kept for this many days, and longer while they are needed.
const PAYLOADS_DAYS: i64 = 30;
/// What was sent is kept for this many days: a school year and its summer. What was given up stays until a person decides.
const SENT_DAYS: i64 = 400;

/// Forgets what is over, of these feeds and of what was sent. `false`: a payload is being landed, and none was removed.
pub(crate) async fn forget<'a>(
    hub: &Hub,
    leases: impl Iterator<Item = &'a FeedLease>,
    now: Timestamp,
) -> Result<bool, HubError> {
    let days_ago = |days: i64| (now - SignedDuration::from_hours(24 * days)).as_millisecond();
    for lease in leases {
        match hub.feeds.prune(lease, days_ago(PAYLOADS_DAYS)).await {
            // Whoever has the feed by now does it.
            Ok(()) | Err(StoreError::Fenced) => {}
            Err(error) => return Err(error.into()),
        }
    }
    hub.outbox.prune(days_ago(SENT_DAYS)).await?;
    let Some(alone) = hub.landing.alone()? else { return Ok(false) };
    let needed = hub.feeds.payloads().await?;
    tokio::task::block_in_place(|| hub.landing.prune(&alone, &needed))?;
    Ok(true)
}
