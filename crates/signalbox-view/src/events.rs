//! Events on the log.

use signalbox_consume::admit::Admission;
use signalbox_consume::folder::Folder;
use signalbox_event::{Domain, Event, Kind, StudentKey};
use signalbox_hub::shard::Place;
use signalbox_hub::{Hub, HubError};
use signalbox_log::Offset;
use signalbox_scoring::Scoring;
use signalbox_scoring::student::StudentYear;

use super::{shard_of, student_domains};

const PAGE: usize = 2_000;

/// Which events to look at.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub domain: Option<Domain>,
    pub kind: Option<Kind>,
    pub student: Option<StudentKey>,
}

impl Filter {
    fn takes(&self, event: &Event) -> bool {
        self.kind.is_none_or(|kind| event.kind() == kind)
            && self.student.is_none_or(|student| event.subject == Some(student))
    }
}

/// Calls `each` with every event that the filter takes, topic by topic, shard by shard, in log order; stops when it
/// answers `false`. Records that are no events of this hub's are passed over.
pub async fn events(hub: &Hub, filter: &Filter, mut each: impl FnMut(Event) -> bool) -> Result<(), HubError> {
    for domain in Domain::ALL {
        if filter.domain.is_some_and(|wanted| wanted != domain) {
            continue;
        }
        let topic = hub.settings.topics.name(domain);
        let shards = if domain.is_sharded() { hub.settings.topics.shards } else { 1 };
        for shard in 0..shards {
            if filter.student.is_some_and(|student| domain.is_sharded() && shard_of(hub, student) != shard) {
                continue;
            }
            let each = |event| !filter.takes(&event) || each(event);
            if !of_shard(hub, &topic, shard, Offset::MAX, each).await? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A student's events of one school year.
pub(crate) async fn events_of(hub: &Hub, who: StudentYear) -> Result<Vec<Event>, HubError> {
    let mut found = Vec::new();
    let shard = shard_of(hub, who.student);
    for domain in student_domains() {
        let topic = hub.settings.topics.name(domain);
        of_shard(hub, &topic, shard, Offset::MAX, |event| {
            if event.subject == Some(who.student) && event.school_year == Some(who.school_year) {
                found.push(event);
            }
            true
        })
        .await?;
    }
    Ok(found)
}

/// Calls `each` with every event that a shard of scoring's topics had before `place`.
pub(crate) async fn before(
    hub: &Hub,
    shard: u32,
    place: &Place,
    mut each: impl FnMut(Event),
) -> Result<(), HubError> {
    for (domain, until) in Scoring::DOMAINS.iter().zip(&place.next) {
        let topic = hub.settings.topics.name(*domain);
        of_shard(hub, &topic, shard, *until, |event| {
            each(event);
            true
        })
        .await?;
    }
    Ok(())
}

/// Up to `until`. `false`: `each` asked to stop.
async fn of_shard(
    hub: &Hub,
    topic: &str,
    shard: u32,
    until: Offset,
    mut each: impl FnMut(Event) -> bool,
) -> Result<bool, HubError> {
    let mut admission = Admission::default();
    let mut from = hub.log.bounds(topic, shard).await?.start;
    loop {
        let records = hub.log.read(topic, shard, from, PAGE).await?;
        let Some(last) = records.last() else { return Ok(true) };
        from = last.offset + 1;
        let is_last = from >= until;
        admission.next_batch();
        for record in records.iter().filter(|record| record.offset < until) {
            let admitted = admission.admit(hub, record).await?;
            if admitted.is_ok_and(|event| !each(event)) {
                return Ok(false);
            }
        }
        if is_last {
            return Ok(true);
        }
    }
}
