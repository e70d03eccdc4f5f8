//! Rows whose student is not found, id by id, as a person looks at them.

use std::collections::BTreeMap;

use serde::Serialize;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::feed::LedgerStatus;

use super::FeedSettings;
use super::identity::{Found, Resolver};
use super::row::Waiting;
use super::settings::waiting_scopes;

const PAGE: usize = 20_000;
/// How many ids are told apart; `status` counts every row.
const IDS: usize = 10_000;

/// A line of `signalbox unmatched list`: an id, and the rows under it.
#[derive(Debug, Clone, Serialize)]
pub struct UnmatchedLine {
    pub feed: String,
    /// As the feed writes it.
    pub id: String,
    /// The type of id that the feed names students by; `None`: any.
    pub id_system: Option<String>,
    pub rows: u64,
    pub first: UnmatchedPlace,
    /// What may be wrong, and the mend; `None`: the roster does not have the student.
    pub hint: Option<String>,
}

/// Where the first row under an id stands.
#[derive(Debug, Clone, Serialize)]
pub struct UnmatchedPlace {
    /// The feed's last payload.
    pub file: String,
    pub row: u32,
}

/// Every id that is not found, by feed and id.
pub async fn unmatched(hub: &Hub) -> Result<Vec<UnmatchedLine>, HubError> {
    let mut lines = Vec::new();
    let mut resolver = None;
    for feed in &hub.settings.feeds {
        let ids = ids_of(hub, feed).await?;
        if ids.is_empty() {
            continue;
        }
        let resolver = match &mut resolver {
            Some(known) => known,
            None => resolver.insert(Resolver::load(&*hub.feeds).await?),
        };
        let last = FeedSettings::load(hub, &feed.name).await?.last;
        let file = last.map(|last| last.payload).unwrap_or_default();
        lines.extend(ids.into_iter().map(|(id, (rows, row))| UnmatchedLine {
            feed: hub.settings.names.called(&feed.name).to_owned(),
            id_system: feed.source.student_id_type().map(str::to_owned),
            rows,
            first: UnmatchedPlace { file: file.clone(), row },
            hint: hint(resolver, feed, &id),
            id,
        }));
    }
    Ok(lines)
}

/// Ids that wait: how many rows, and the first of them.
async fn ids_of(hub: &Hub, feed: &Feed) -> Result<BTreeMap<String, (u64, u32)>, HubError> {
    let mut ids: BTreeMap<String, (u64, u32)> = BTreeMap::new();
    for (slot, school_year) in waiting_scopes(&*hub.feeds, &feed.name).await? {
        let mut after = None;
        loop {
            let scope = slot.scope(school_year);
            let rows = hub.feeds.ledger(&feed.name, scope, after.as_ref(), PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key);
            for row in rows.iter().filter(|row| row.status == LedgerStatus::Unmatched) {
                let waiting = Waiting::decode(&row.detail)?;
                if ids.len() < IDS || ids.contains_key(&*waiting.student) {
                    let (rows, first) = ids.entry(waiting.student.into_owned()).or_insert((0, u32::MAX));
                    *rows += 1;
                    *first = waiting.line.min(*first);
                }
            }
        }
    }
    Ok(ids)
}

fn hint(resolver: &mut Resolver, feed: &Feed, id: &str) -> Option<String> {
    if matches!(resolver.student(id, feed.source.student_id_type()), Found::Several(_)) {
        return Some(
            "two students fit: mend the ids in the roster, or set `ids:` to say which id it is".to_owned(),
        );
    }
    if resolver.known_student(id).is_some_and(|key| resolver.is_two_persons(key)) {
        let key = resolver.known_student(id)?;
        let why = match resolver.successor(key) {
            None => "the roster has two persons under this id: mend one of them",
            Some(_) => {
                "the roster has another person under this id than before: if one of a later day says so too, it is another \
                 child's from then on"
            }
        };
        return Some(why.to_owned());
    }
    if let (Found::One(_), Some(kind)) = (resolver.student(id, None), feed.source.student_id_type()) {
        return Some(format!("it is another type of id than {kind}, which `ids:` of this feed asks for"));
    }
    let hint = resolver.hint(id)?;
    Some(hint.mend().trim_start_matches("not found: ").to_owned())
}
