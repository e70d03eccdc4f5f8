//! What waits in the outbox, and which destinations do not take it.

use std::collections::BTreeMap;

use serde::Serialize;
use signalbox_connector::words::counted;
use signalbox_deliver::Outage;
use signalbox_hub::{Hub, HubError};
use signalbox_store::outbox::{Entry, EntryState, Front, TO_LOG, Tally};

use crate::{LocalTime, PAGE, local_time};

/// Alerts, by where they stand.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxCounts {
    pub pending: u64,
    pub delivered: u64,
    pub dead: u64,
    pub withheld: u64,
    pub superseded: u64,
}

/// A destination of the configuration, or one that alerts still wait for.
#[derive(Debug, Serialize)]
pub struct DestinationStatus {
    pub destination: String,
    /// Alerts that wait to be sent.
    pub pending: u64,
    /// The first of the failures in a row; `None`: the last alert that it was told was taken, or it was told none.
    pub failing_since: Option<LocalTime>,
    /// Why the last one failed. Names the host at most.
    pub last_error: Option<String>,
    /// When a waiting alert is due; in the past, it is waited for a running hub only. `None`: none waits.
    pub next_try: Option<LocalTime>,
    /// Alerts that were given up.
    pub dead: u64,
    /// What only a person can do about it.
    pub next_step: Option<String>,
}

/// Of a receiver that wants nothing more, e.g. by answering 410 Gone.
const OVER: &str = "Alerts to it are given up: take the destination out, or correct where it leads. Said until it takes one.";

/// What waits for one destination.
#[derive(Debug, Default)]
struct Waiting {
    entries: u64,
    dead: u64,
    front: Front,
    next_try_ms: Option<i64>,
}

/// Counts alerts, and looks at those that wait.
pub(super) async fn look(hub: &Hub) -> Result<(OutboxCounts, Vec<DestinationStatus>), HubError> {
    let mut counts = OutboxCounts::default();
    let mut waiting: BTreeMap<String, Waiting> =
        hub.settings.targets.iter().map(|target| (target.name.clone(), Waiting::default())).collect();
    for Tally { target, state, count } in hub.outbox.tallies().await? {
        if target == TO_LOG {
            continue;
        }
        counts.add(state, count);
        match state {
            EntryState::Pending => waiting.entry(target.clone()).or_default().fill(hub, &target).await?,
            EntryState::Dead => waiting.entry(target).or_default().dead += count,
            _ => {}
        }
    }
    let mut destinations = Vec::new();
    for (name, waiting) in waiting {
        destinations.push(destination(hub, name, &waiting).await?);
    }
    Ok((counts, destinations))
}

async fn destination(hub: &Hub, name: String, waiting: &Waiting) -> Result<DestinationStatus, HubError> {
    let outage = Outage::of(&*hub.feeds, &name).await?;
    let is_over = outage.as_ref().is_some_and(|outage| outage.is_for_good);
    let (failing_since, last_error) = outage.map(|outage| (outage.since, outage.error)).unzip();
    let given_up = (waiting.dead > 0).then(|| given_up(&name, waiting.dead));
    let steps: Vec<String> = is_over.then(|| OVER.to_owned()).into_iter().chain(given_up).collect();
    Ok(DestinationStatus {
        destination: name,
        dead: waiting.dead,
        pending: waiting.entries,
        failing_since: failing_since.map(|at| local_time(hub, at.as_millisecond())),
        last_error,
        next_try: waiting.next_try_ms.map(|at_ms| local_time(hub, at_ms)),
        next_step: (!steps.is_empty()).then(|| steps.join(" ")),
    })
}

fn given_up(destination: &str, alerts: u64) -> String {
    let them = if alerts == 1 { "it" } else { "them" };
    let alerts = counted(alerts, "alert was", "alerts were");
    format!(
        "{alerts} given up: signalbox alerts resend --to {destination} --by NAME --reason TEXT sends {them} again, once it takes alerts."
    )
}

impl OutboxCounts {
    fn add(&mut self, state: EntryState, count: u64) {
        match state {
            EntryState::Pending => self.pending += count,
            EntryState::Delivered => self.delivered += count,
            EntryState::Dead => self.dead += count,
            EntryState::Withheld => self.withheld += count,
            EntryState::Superseded => self.superseded += count,
            EntryState::Bundled => {}
        }
    }
}

impl Waiting {
    async fn fill(&mut self, hub: &Hub, target: &str) -> Result<(), HubError> {
        let mut after = 0;
        loop {
            let page = hub.outbox.waiting(target, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            for entry in &page {
                self.add(entry);
            }
        }
    }

    fn add(&mut self, entry: &Entry) {
        self.entries += 1;
        // A part waits for the others of its list, not for a try of its own.
        if entry.stands_in_lane() && self.front.admits(&entry.lane, &entry.target) {
            self.next_try_ms = self.next_try_ms.into_iter().chain(entry.next_try_ms).min();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn entry(lane: &str, next_try_ms: i64) -> Entry {
        Entry {
            seq: 1,
            id: Uuid::nil(),
            target: "counselor".to_owned(),
            lane: lane.to_owned(),
            kind: "risk.flag.raised".to_owned(),
            flag_id: None,
            body: Vec::new(),
            created_ms: 0,
            part: false,
            state: EntryState::Pending,
            attempts: 1,
            next_try_ms: Some(next_try_ms),
            last_error: None,
            tried_before: 0,
        }
    }

    fn seen(entries: &[Entry]) -> (u64, Option<i64>) {
        let mut waiting = Waiting::default();
        for entry in entries {
            waiting.add(entry);
        }
        (waiting.entries, waiting.next_try_ms)
    }

    #[test]
    fn the_next_try_is_that_of_what_holds_others_up() {
        assert_eq!(seen(&[]), (0, None));
        assert_eq!(seen(&[entry("a", 900), entry("a", 100), entry("b", 700)]), (3, Some(700)));
        assert_eq!(seen(&[entry("counselor", 900), entry("b", 100)]), (2, Some(900)));
        assert_eq!(seen(&[Entry { part: true, ..entry("a", 100) }]), (1, None));
    }
}
