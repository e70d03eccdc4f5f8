//! The whole hub at a glance.

use serde::Serialize;
use sha2::{Digest, Sha256};
use signalbox_risk::FlagState;
use signalbox_store::feed::HoldState;
use signalbox_store::outbox::{EntryState, TO_LOG};

use super::{PAGE, students};
use crate::consume::{self, CONSUMER, DOMAINS, behind_of, ends_of};
use crate::dead_letters;
use crate::hub::{Feed, Hub, HubError};
use crate::ingest::{FeedSettings, RunReport};
use crate::land::hex;

/// `signalbox status`
#[derive(Debug, Serialize)]
pub struct Status {
    pub feeds: Vec<FeedStatus>,
    pub consumers: Vec<ConsumerStatus>,
    pub flags: FlagCounts,
    pub outbox: OutboxCounts,
    /// Payloads that wait for a decision.
    pub holds: u64,
    /// Rows that could not be used, of each feed's last payload.
    pub rejects: u64,
    /// Rows whose student is not found yet.
    pub unmatched: u64,
    /// Records on the log that this version cannot read.
    pub dead_letters: u64,
    /// A hash of what is known and announced: equal hashes, equal states.
    pub state_hash: String,
}

#[derive(Debug, Serialize)]
pub struct FeedStatus {
    pub feed: String,
    pub mode: &'static str,
    /// Roster feeds have no mode that matters.
    #[serde(skip)]
    pub is_attendance: bool,
    /// `never_read`, `ok`, `attention` (rows could not be used or matched), `waiting` (for a decision) or `refused`.
    pub state: &'static str,
    /// The earliest day, over the schools, through which attendance is known.
    pub covered_through: Option<String>,
    pub last_run: Option<RunReport>,
    /// What to do, in plain words; `None` when nothing is.
    pub next_step: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ConsumerStatus {
    pub consumer: &'static str,
    pub shard: u32,
    pub behind: u64,
}

#[derive(Debug, Default, Serialize)]
pub struct FlagCounts {
    pub open: u64,
    pub dismissed: u64,
    pub cleared: u64,
    pub withdrawn: u64,
}

#[derive(Debug, Default, Serialize)]
pub struct OutboxCounts {
    pub pending: u64,
    pub delivered: u64,
    pub dead: u64,
    pub withheld: u64,
    pub superseded: u64,
}

/// Looks at everything.
pub async fn status(hub: &Hub) -> Result<Status, HubError> {
    let waiting: Vec<String> = hub
        .feeds
        .holds()
        .await?
        .into_iter()
        .filter(|hold| hold.state == HoldState::Waiting)
        .map(|hold| hold.feed)
        .collect();
    let mut feeds = Vec::new();
    let mut unmatched = 0;
    for feed in &hub.settings.feeds {
        let not_found = hub.feeds.ledger_counts(&feed.name).await?.unmatched;
        unmatched += not_found;
        feeds.push(feed_status(hub, feed, waiting.contains(&feed.name), not_found).await?);
    }
    let (flags, state_hash) = flags_and_hash(hub).await?;
    Ok(Status {
        feeds,
        consumers: consumers(hub).await?,
        flags,
        outbox: outbox(hub).await?,
        holds: waiting.len() as u64,
        rejects: hub.feeds.reject_groups().await?.iter().map(|group| group.count).sum(),
        unmatched,
        dead_letters: dead_letters::waiting(hub).await?,
        state_hash,
    })
}

async fn feed_status(
    hub: &Hub,
    feed: &Feed,
    is_waiting: bool,
    not_found: u64,
) -> Result<FeedStatus, HubError> {
    let settings = FeedSettings::load(hub, &feed.name).await?;
    let covered = settings.covered.values().map(signalbox_risk::DateRanges::end).min().flatten();
    let (state, next_step) = state(feed, settings.last.as_ref(), is_waiting, not_found);
    Ok(FeedStatus {
        feed: feed.name.clone(),
        mode: feed.mode.as_str(),
        is_attendance: feed.is_attendance(),
        state,
        covered_through: covered.map(|date| date.to_string()),
        last_run: settings.last,
        next_step,
    })
}

fn state(
    feed: &Feed,
    last: Option<&RunReport>,
    is_waiting: bool,
    not_found: u64,
) -> (&'static str, Option<String>) {
    let Some(last) = last else {
        return ("never_read", Some("Drop the feed's first file where the configuration says.".to_owned()));
    };
    if is_waiting {
        let step = "A payload waits for your decision: signalbox holds list, then holds show ID.";
        return ("waiting", Some(step.to_owned()));
    }
    if let Some(why) = &last.refused {
        return ("refused", Some(format!("{} was not used: {why}", last.payload)));
    }
    if last.counts.reject > 0 {
        return (
            "attention",
            Some(format!(
                "{} rows could not be used: signalbox rejects list --group says why and what to mend.",
                last.counts.reject
            )),
        );
    }
    if not_found > 0 {
        let zeros = last.warnings.iter().find(|warning| warning.code == "leading_zeros");
        let hint = zeros.map_or_else(
            || "they are used by themselves once the roster brings them.".to_owned(),
            |warning| format!("{}: {}.", warning.count, warning.message),
        );
        return ("attention", Some(format!("{not_found} rows name students not found yet: {hint}")));
    }
    let mode = match feed.mode {
        signalbox_event::data::Mode::Test if feed.is_attendance() => {
            Some("In test: look at signalbox alerts list, then set mode: live.".to_owned())
        }
        _ => None,
    };
    ("ok", mode)
}

/// How far each shard's consumer is behind the log.
pub(crate) async fn consumers(hub: &Hub) -> Result<Vec<ConsumerStatus>, HubError> {
    let topics: Vec<String> = DOMAINS.into_iter().map(|domain| hub.settings.topics.name(domain)).collect();
    let mut consumers = Vec::new();
    for shard in 0..hub.settings.topics.shards {
        let positions = hub.states.positions(CONSUMER, shard).await?;
        let ends = ends_of(&*hub.log, &topics, shard).await?;
        let behind = behind_of(&*hub.log, &topics, shard, &positions, &ends).await?;
        consumers.push(ConsumerStatus { consumer: consume::NAME, shard, behind });
    }
    Ok(consumers)
}

async fn flags_and_hash(hub: &Hub) -> Result<(FlagCounts, String), HubError> {
    let mut counts = FlagCounts::default();
    let mut digests = Vec::new();
    for shard in 0..hub.settings.topics.shards {
        students(hub, shard, |who, state| {
            for flag in state.announced.flags() {
                match flag.state {
                    FlagState::Open => counts.open += 1,
                    FlagState::Dismissed => counts.dismissed += 1,
                    FlagState::Cleared => counts.cleared += 1,
                    FlagState::Withdrawn => counts.withdrawn += 1,
                }
            }
            let mut hasher = Sha256::new();
            state.registers.digest_into(&mut |bytes| hasher.update(bytes));
            hasher.update(b"|");
            state.announced.digest_into(&mut |bytes| hasher.update(bytes));
            digests.push((who, hasher.finalize()));
        })
        .await?;
    }
    digests.sort_by_key(|(who, _)| *who);
    let mut hasher = Sha256::new();
    for (who, digest) in digests {
        hasher.update(who.school_year.to_be_bytes());
        hasher.update(who.student.as_uuid().as_bytes());
        hasher.update(digest);
    }
    Ok((counts, hex(&hasher.finalize())))
}

async fn outbox(hub: &Hub) -> Result<OutboxCounts, HubError> {
    let mut counts = OutboxCounts::default();
    let mut after = 0;
    loop {
        let entries = hub.outbox.entries(after, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(counts) };
        after = last.seq;
        for entry in entries.iter().filter(|entry| entry.target != TO_LOG) {
            match entry.state {
                EntryState::Pending => counts.pending += 1,
                EntryState::Delivered => counts.delivered += 1,
                EntryState::Dead => counts.dead += 1,
                EntryState::Withheld => counts.withheld += 1,
                EntryState::Superseded => counts.superseded += 1,
                EntryState::Bundled => {}
            }
        }
    }
}
