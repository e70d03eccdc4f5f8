//! What the consumers must know besides rows: calendars, modes and rules. Told as events when they change, so that
//! every process turns at the same place.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use signalbox_event::data::{Calendar, FeedMode};
use signalbox_event::id::derived;
use signalbox_event::{Data, Domain, Event, Status};
use signalbox_hub::calendar::Calendars;
use signalbox_hub::in_force::{Announced, InForce, POLICY};
use signalbox_hub::land::hex;
use signalbox_hub::publish::{broadcast, hub_source, rfc3339, to_message};
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::feed::FeedLease;

use super::settings::FeedSettings;

/// Publishes the calendars of the configuration if others are in force on the log.
pub(crate) async fn calendars(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    let mut calendars: Vec<Calendar> = hub.settings.calendars.iter().map(calendar).collect();
    let mut in_force = ReferenceView::default();
    in_force.refresh(hub).await?;
    if in_force.has_just(&calendars) {
        return Ok(());
    }
    let keys: BTreeSet<_> = calendars.iter().map(|c| (c.school.clone(), c.school_year)).collect();
    calendars.extend(in_force.in_force().filter(|key| !keys.contains(key)).map(gone));
    let revision = in_force.revision() + 1;
    let messages: Vec<_> =
        calendars.into_iter().map(|calendar| calendar_message(hub, calendar, revision, now)).collect();
    Ok(hub.log.append(&messages).await?)
}

/// Names what the calendars say.
pub(super) fn hash_of(calendars: &Calendars) -> String {
    let calendars: Vec<Calendar> = calendars.iter().map(calendar).collect();
    let json = serde_json::to_vec(&calendars).expect("calendars always serialise");
    hex(&Sha256::digest(json))
}

fn calendar((school, year): (Option<&str>, &signalbox_hub::calendar::SchoolYear)) -> Calendar {
    Calendar {
        school: school.map(str::to_owned),
        school_year: year.school_year,
        first: year.first,
        last: year.last,
        days: year.days.clone(),
        status: Status::Active,
    }
}

fn gone((school, school_year): &(Option<String>, u16)) -> Calendar {
    let nothing = jiff::civil::Date::ZERO;
    Calendar {
        school: school.clone(),
        school_year: *school_year,
        first: nothing,
        last: nothing,
        days: Vec::new(),
        status: Status::ToBeDeleted,
    }
}

fn calendar_message(hub: &Hub, calendar: Calendar, revision: u64, now: Timestamp) -> signalbox_log::Message {
    let district = &hub.settings.district;
    let key = format!("{}/{}", calendar.school.as_deref().unwrap_or("*"), calendar.school_year);
    // Two processes that announce at once say different things under one revision; the first holds.
    let says = serde_json::to_vec(&calendar).expect("a calendar always serialises");
    let revised = revision.to_be_bytes();
    let event = Event {
        id: derived(&[b"calendar", district.id.as_bytes(), key.as_bytes(), &revised, &says]),
        source: hub_source(hub, "configuration"),
        subject: None,
        time: rfc3339(now.as_millisecond(), &district.zone),
        partition_key: format!("{}/calendar/{key}", district.id),
        school_year: Some(calendar.school_year),
        revision,
        run: None,
        traceparent: None,
        data: Data::ReferenceCalendar(calendar),
    };
    to_message(hub, &event)
}

/// Tells every shard what this process' configuration lays down, if something else is in force.
pub(crate) async fn policy(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    let (ours, before) = (InForce::of_settings(&hub.settings), latest(hub).await?);
    let hash = ours.hash();
    if hash == before.hash {
        return Ok(());
    }
    let number = before.revision + 1;
    let source = hub_source(hub, "configuration");
    // Two that announce at once have the same number, and are two announcements.
    let name = format!("{number}/{hash}");
    let data = Data::OpsPolicyChanged(ours.to_event(number));
    broadcast(hub, Domain::Ops, &source, &name, now.as_millisecond(), None, data).await?;
    Announced { revision: number, hash }.save(hub, POLICY).await
}

/// Whether this process' configuration lays down something else than what is in force.
pub async fn differs(hub: &Hub) -> Result<bool, HubError> {
    let latest = latest(hub).await?;
    Ok(latest.revision > 0 && latest.hash != InForce::of_settings(&hub.settings).hash())
}

/// What was announced last, by this process or another: as a shard folded it, or as the one who announced it noted.
async fn latest(hub: &Hub) -> Result<Announced, HubError> {
    let noted = Announced::load(hub, POLICY).await?;
    match shard::stored(hub, 0).await?.in_force {
        Some(folded) if folded.number >= noted.revision => {
            Ok(Announced { revision: folded.number, hash: folded.hash() })
        }
        _ => Ok(noted),
    }
}

/// Tells every shard that a feed's mode changed.
pub(crate) async fn mode(hub: &Hub, feed: &Feed, lease: &FeedLease, now: Timestamp) -> Result<(), HubError> {
    let mut settings = FeedSettings::load(hub, &feed.name).await?;
    if settings.mode == Some(feed.mode) || feed.is_roster() {
        return Ok(());
    }
    settings.mode = Some(feed.mode);
    settings.mode_changes += 1;
    let source = hub_source(hub, "configuration");
    let name = format!("{}/{}", feed.name, settings.mode_changes);
    let data = Data::OpsFeedMode(FeedMode { feed: feed.name.clone(), mode: feed.mode });
    broadcast(hub, Domain::Ops, &source, &name, now.as_millisecond(), None, data).await?;
    settings.save(hub, lease).await
}
