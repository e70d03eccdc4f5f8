//! What would happen: tried on a scratch copy of the hub, of which nothing stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::anyhow;
use serde::Serialize;
use signalbox_consume::relay;
use signalbox_event::Data;
use signalbox_hub::Hub;
use signalbox_store::outbox::{Entry, EntryState, TO_LOG};
use uuid::Uuid;

use super::load;
use super::roles::{Stopped, until_signal};
use crate::cli::Global;
use crate::exit::{Failure, Kind};
use crate::open;

const PAGE: usize = 2_000;

/// Flags that would change, whatever the mode, and who would hear of them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Changes {
    raise: u64,
    withdraw: u64,
    clear: u64,
    to: Vec<Recipient>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Recipient {
    name: String,
    raise: u64,
    /// Of the new ones, those that it is not told of as feeds are not live.
    #[serde(skip_serializing_if = "is_none")]
    raise_untold: u64,
    withdraw: u64,
    #[serde(skip_serializing_if = "is_none")]
    clear: u64,
    /// Flags that were open before and that it is told of as a list, as a feed turns live.
    #[serde(skip_serializing_if = "is_none")]
    standing: u64,
    /// Alerts of before that were held back after they had been tried, and are sent.
    #[serde(skip_serializing_if = "is_none")]
    resume: u64,
    /// Alerts of before that wait and are held back.
    #[serde(skip_serializing_if = "is_none")]
    withhold: u64,
}

impl Recipient {
    fn told(&mut self, kind: &str, is_part: bool) {
        match kind {
            "risk.flags.standing" if is_part => self.standing += 1,
            "risk.flag.withdrawn" => self.withdraw += 1,
            "risk.flag.cleared" => self.clear += 1,
            _ => {}
        }
    }

    /// Of an alert of before.
    fn amended(&mut self, before: EntryState, now: &Entry) {
        use EntryState::{Bundled, Pending, Withheld};
        match (before, now.state) {
            (Withheld, Pending) if now.part => self.standing += 1,
            (Withheld, Pending) => self.resume += 1,
            (Pending | Bundled, Withheld) => self.withhold += 1,
            _ => {}
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Tries something on a copy; however it ends, the copy goes.
pub(super) async fn on_a_copy<T>(
    global: &Global,
    attempt: impl AsyncFnOnce(&Arc<Hub>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut stopped = until_signal()?;
    let opened = unless(&mut stopped, Box::pin(open::open_copy(load(global)?))).await?;
    let seen = unless(&mut stopped, Box::pin(attempt(&opened.hub))).await;
    let closed = opened.close().await;
    if let (Err(_), Err(Failure::Other { error, help, .. })) = (&seen, &closed) {
        tracing::warn!(error = format!("{error:#}"), help, "besides, what it was tried on stays");
    }
    closed.and(seen)
}

/// The copy is of students: who asks the command to end does not leave it behind.
async fn unless<T>(
    stopped: &mut Stopped,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        Ok(_) = stopped.wait_for(|stop| *stop) => Err(Failure::Other {
            kind: Kind::Runtime,
            error: anyhow!("it was asked to stop before it knew"),
            help: "nothing was written; start it again for an answer".to_owned(),
        }),
    }
}

/// What was decided before.
pub(super) struct Before {
    /// The latest entry of the outbox.
    last: u64,
    /// How alerts stand that may come to stand otherwise.
    alerts: HashMap<Uuid, EntryState>,
}

impl Before {
    pub(super) async fn of(hub: &Hub) -> Result<Self, Failure> {
        use EntryState::{Bundled, Pending, Withheld};
        let mut before = Self { last: 0, alerts: HashMap::new() };
        loop {
            let entries = hub.outbox.entries(before.last, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(before) };
            before.last = last.seq;
            let may_change = |entry: &&Entry| {
                entry.target != TO_LOG && matches!(entry.state, Pending | Withheld | Bundled)
            };
            before.alerts.extend(entries.iter().filter(may_change).map(|entry| (entry.id, entry.state)));
        }
    }
}

impl Changes {
    /// Counts the flag events that were decided since, and who would be told by the routes, were it live: nobody of a
    /// student who has left, and of the end of a flag whoever was told of it. And what becomes of alerts of before.
    pub(super) async fn since(hub: &Hub, before: &Before) -> Result<Self, Failure> {
        let mut changes = Self::default();
        let mut to: BTreeMap<String, Recipient> = BTreeMap::new();
        let mut raised: BTreeMap<Uuid, String> = BTreeMap::new();
        let mut left: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
        let mut told: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
        let mut after = 0;
        loop {
            let entries = hub.outbox.entries(after, PAGE).await?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            for entry in entries {
                if entry.seq <= before.last {
                    if let Some(stood) = before.alerts.get(&entry.id).filter(|stood| **stood != entry.state) {
                        to.entry(entry.target.clone()).or_default().amended(*stood, &entry);
                    }
                    continue;
                }
                let is_raise = entry.kind == "risk.flag.raised";
                if entry.target == TO_LOG {
                    changes.event(&entry.kind);
                    if is_raise {
                        raised.extend(entry.flag_id.zip(raised_by(&entry)));
                    }
                } else if entry.has_left() && is_raise {
                    left.entry(entry.target).or_default().extend(entry.flag_id);
                } else if is_raise && entry.state != EntryState::Withheld {
                    told.entry(entry.target).or_default().extend(entry.flag_id);
                } else if entry.state != EntryState::Superseded {
                    to.entry(entry.target).or_default().told(&entry.kind, entry.part);
                }
            }
        }
        // What is decided while nothing leaves the hub is told later: it counts too.
        for route in &hub.settings.routes {
            let has = |of: &BTreeMap<String, BTreeSet<Uuid>>, flag: &Uuid| {
                of.get(&route.to).is_some_and(|flags| flags.contains(flag))
            };
            let of_rule = raised.iter().filter(|(_, rule)| **rule == route.rule).map(|(flag, _)| flag);
            let new: Vec<&Uuid> = of_rule.filter(|flag| !has(&left, flag)).collect();
            let recipient = to.entry(route.to.clone()).or_default();
            recipient.raise += new.len() as u64;
            recipient.raise_untold += new.iter().filter(|flag| !has(&told, flag)).count() as u64;
        }
        changes.to = to.into_iter().map(|(name, told)| Recipient { name, ..told }).collect();
        Ok(changes)
    }

    fn event(&mut self, kind: &str) {
        match kind {
            "risk.flag.raised" => self.raise += 1,
            "risk.flag.withdrawn" => self.withdraw += 1,
            "risk.flag.cleared" => self.clear += 1,
            _ => {}
        }
    }

    /// A line for each recipient.
    pub(super) fn print_recipients(&self, out: &mut dyn Write) -> io::Result<()> {
        for to in &self.to {
            let untold = match to.raise_untold {
                0 => String::new(),
                all if all == to.raise => " (none is sent)".to_owned(),
                some => format!(" ({some} of them are not sent)"),
            };
            write!(
                out,
                "  to {}: {} new{untold}, {} taken back, {} cleared",
                to.name, to.raise, to.withdraw, to.clear
            )?;
            if to.standing > 0 {
                write!(out, ", and a list of {} that were open before", to.standing)?;
            }
            if to.resume > 0 {
                write!(out, "; {} that had been held back go out", to.resume)?;
            }
            if to.withhold > 0 {
                write!(out, "; {} that wait are held back", to.withhold)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// The rule of the flag whose raising the entry tells the log.
fn raised_by(entry: &Entry) -> Option<String> {
    match relay::event_of(entry)?.data {
        Data::RiskFlagRaised(flag) => Some(flag.rule),
        _ => None,
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new, {} taken back, {} cleared", self.raise, self.withdraw, self.clear)
    }
}
