//! What people do to the hub, as events: an act counts where it stands on the log, for every process alike.

use jiff::Timestamp;
use signalbox_event::data::{Acknowledged, Action};
use signalbox_event::envelope::role_source;
use signalbox_event::id::derived;
use signalbox_event::{Data, Event, StudentKey, topic};
use uuid::Uuid;

use crate::publish::{rfc3339, to_message};
use crate::{Hub, HubError};

/// Somebody takes a flag on.
///
/// # Errors
/// The log refused the event.
pub async fn acknowledge(
    hub: &Hub,
    school_year: u16,
    student: StudentKey,
    act: Acknowledged,
    now: Timestamp,
) -> Result<(), HubError> {
    let reason = act.reason.as_deref().unwrap_or_default();
    let id = derived(&[
        b"acknowledged",
        act.flag_id.as_bytes(),
        act.by.as_bytes(),
        reason.as_bytes(),
        &now.as_millisecond().to_be_bytes(),
    ]);
    let event = Event {
        subject: Some(student),
        partition_key: topic::student_key(&hub.settings.district.id, &student),
        school_year: Some(school_year),
        ..event(hub, id, Data::InterventionAcknowledged(act), now)
    };
    append(hub, &event).await
}

/// Somebody changes how the hub goes on: the record of who, what and why.
///
/// # Errors
/// The log refused the event.
pub async fn operate(hub: &Hub, action: Action, now: Timestamp) -> Result<(), HubError> {
    let at = now.as_millisecond().to_be_bytes();
    let id = derived(&[action.action.as_bytes(), action.target.as_bytes(), &at]);
    append(hub, &event(hub, id, Data::OpsAction(action), now)).await
}

fn event(hub: &Hub, id: Uuid, data: Data, now: Timestamp) -> Event {
    let district = &hub.settings.district;
    Event {
        id,
        source: role_source(&district.id, "people"),
        subject: None,
        time: rfc3339(now.as_millisecond(), &district.zone),
        partition_key: district.id.clone(),
        school_year: None,
        revision: 1,
        run: None,
        traceparent: None,
        data,
    }
}

/// Appends what somebody did.
///
/// # Errors
/// The log refused the event.
pub async fn append(hub: &Hub, event: &Event) -> Result<(), HubError> {
    hub.log.append(&[to_message(hub, event)]).await?;
    Ok(())
}
