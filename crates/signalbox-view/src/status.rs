//! The whole hub at a glance. `outbox`: what waits to be sent, and where it does not arrive; `beside`: feeds that are no
//! longer configured, and warnings.

mod beside;
mod not_used;
mod outbox;
mod scopes;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use sha2::{Digest, Sha256};
use signalbox_connector::words::{counted, plural};
use signalbox_consume::dead_letters;
use signalbox_consume::folder::Folder;
use signalbox_consume::{behind_of, ends_of};
use signalbox_event::data::Mode;
use signalbox_hub::land::hex;
use signalbox_hub::shard::{self, ShardState};
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_ingest::{FeedSettings, RunReport, Trouble};
use signalbox_scoring::Scoring;
use signalbox_scoring::cards::FLAG;
use signalbox_store::feed::HoldState;

pub use self::beside::{Note, called, untold};
pub use self::not_used::NotUsed;
pub use self::outbox::{DestinationStatus, OutboxCounts};
use super::{LocalTime, local, repair};

/// `signalbox status`
#[derive(Debug, Serialize)]
pub struct Status {
    /// The roles that run, in this process or another.
    pub running: Vec<RoleStatus>,
    pub feeds: Vec<FeedStatus>,
    pub consumers: Vec<ConsumerStatus>,
    pub flags: FlagCounts,
    pub outbox: OutboxCounts,
    pub destinations: Vec<DestinationStatus>,
    /// Payloads that wait for a decision.
    pub holds: u64,
    /// Rows that could not be used, of each feed's last payload.
    pub rejects: u64,
    /// Rows whose student is not found yet.
    pub unmatched: u64,
    /// Records on the log that this version cannot read; `None`: unknown, as the log does not answer.
    pub dead_letters: Option<u64>,
    /// What is not as one would think.
    pub warnings: Vec<Note>,
    /// A hash of what is judged and announced, not of names: equal hashes, equal facts and flags.
    pub state_hash: String,
}

#[derive(Debug, Serialize)]
pub struct FeedStatus {
    pub feed: String,
    /// `None`: a roster feed, which has none.
    pub mode: Option<&'static str>,
    /// `never_read`, `ok`, `attention` (rows could not be used or matched), `waiting` (for a decision), `refused`,
    /// `reading` (decisions wait for its open run), `unreadable` (its source does not let it be read) or `not_configured`.
    pub state: &'static str,
    /// The earliest day, over the schools, through which attendance is known.
    pub covered_through: Option<String>,
    pub last_run: Option<RunReport>,
    /// Files of the last seven days that were not used, and of whose name none was used since; without the last file.
    pub not_used: Vec<NotUsed>,
    /// Rows that its last file did not have and that stand on: it may have ended before them, or have them in a row that
    /// could not be used.
    pub doubtful: u64,
    /// When its next file is due; `None`: nobody said.
    pub expected_by: Option<String>,
    /// What to do, in plain words; `None` when nothing is.
    pub next_step: Option<String>,
    /// Since when a run of it is open: nobody is judged until it ends.
    pub open_run_since: Option<String>,
}

/// A role that runs.
#[derive(Debug, Clone, Serialize)]
pub struct RoleStatus {
    pub role: &'static str,
    /// When it began.
    pub since: LocalTime,
    /// When it was through with what there was, to within some seconds.
    pub last_pass: LocalTime,
}

#[derive(Debug, Serialize)]
pub struct ConsumerStatus {
    pub consumer: &'static str,
    pub shard: u32,
    /// Events that are still to be folded; `None`: unknown, as the log does not answer.
    pub behind: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
pub struct FlagCounts {
    pub open: u64,
    pub dismissed: u64,
    pub cleared: u64,
    pub withdrawn: u64,
    /// Of school years that are over.
    pub ended: u64,
}

/// Looks at everything.
pub async fn status(hub: &Hub, now: Timestamp) -> Result<Status, HubError> {
    // The log first: an answer that does not come is not to cost the rest.
    let (consumers, dead_letters) = (consumers(hub).await?, dead_letters::waiting(hub).await?);
    Ok(Status { consumers, dead_letters: Some(dead_letters), ..status_without_log(hub, now).await? })
}

/// As [`status`], asking the stores only: what the log knows is unknown.
pub async fn status_without_log(hub: &Hub, now: Timestamp) -> Result<Status, HubError> {
    let running = beside::running(hub, now).await?;
    let mut feeds = feeds(hub, !running.is_empty()).await?;
    for (status, feed) in feeds.iter_mut().zip(&hub.settings.feeds) {
        status.not_used = not_used::not_used(hub, &feed.name, now).await?;
    }
    let mut unmatched = 0;
    for feed in &hub.settings.feeds {
        unmatched += hub.feeds.ledger_counts(&feed.name).await?.unmatched;
    }
    let (flags, state_hash) = (flag_counts(hub).await?, state_hash(hub).await?);
    let (outbox, destinations) = outbox::look(hub).await?;
    let topics = &hub.settings.topics;
    let unknown = topics.consumers.iter().flat_map(|consumer| {
        (0..topics.shards).map(|shard| ConsumerStatus { consumer: consumer.name, shard, behind: None })
    });
    Ok(Status {
        running,
        warnings: [beside::warnings(hub, &feeds, now).await?, for_nobody(hub).await?].concat(),
        feeds,
        consumers: unknown.collect(),
        flags,
        outbox,
        destinations,
        holds: repair::waiting(hub).await?.len() as u64,
        rejects: repair::reject_groups(hub).await?.iter().map(|group| group.count).sum(),
        unmatched,
        dead_letters: None,
        state_hash,
    })
}

/// Rules that are for nobody whom the rosters have.
///
/// # Errors
/// The store does not answer, or another version wrote what is in it.
pub async fn for_nobody(hub: &Hub) -> Result<Vec<Note>, HubError> {
    Ok(scopes::warnings(&super::flags::scopes(hub).await?, &hub.settings.rules))
}

/// The feeds that are configured, and those that were. `is_running`: what was announced at the hub's start holds, whatever the
/// file says by now.
pub(crate) async fn feeds(hub: &Hub, is_running: bool) -> Result<Vec<FeedStatus>, HubError> {
    let shard = if is_running { shard::stored(hub, 0).await? } else { ShardState::default() };
    let holds = hub.feeds.holds(&[HoldState::Waiting, HoldState::Approved]).await?;
    let mut feeds = Vec::new();
    for feed in &hub.settings.feeds {
        let not_found = hub.feeds.ledger_counts(&feed.name).await?.unmatched;
        let of_feed = holds.iter().filter(|hold| hold.feed == feed.name).map(|hold| hold.state);
        let mode = shard.feeds.get(&feed.name).map_or(feed.mode, |in_force| in_force.mode);
        let mode = (!feed.is_roster()).then_some(mode);
        feeds.push(feed_status(hub, feed, mode, &of_feed.collect::<Vec<_>>(), not_found).await?);
    }
    feeds.extend(beside::not_configured(hub).await?);
    Ok(feeds)
}

async fn feed_status(
    hub: &Hub,
    feed: &Feed,
    mode: Option<Mode>,
    holds: &[HoldState],
    not_found: u64,
) -> Result<FeedStatus, HubError> {
    let settings = FeedSettings::load(hub, &feed.name).await?;
    let covered = settings.covered.values().map(signalbox_risk::DateRanges::end).min().flatten();
    let open_run_since = beside::open_since(hub, &feed.name).await?;
    let trouble = Trouble::of(&*hub.feeds, &feed.name).await?;
    let (state, next_step) = match (&open_run_since, trouble) {
        (Some(since), trouble) => beside::reading(since, trouble),
        (None, Some(trouble)) => ("unreadable", Some(beside::since(hub, &trouble))),
        (None, None) => match state(hub, mode, settings.last.as_ref(), holds, not_found) {
            ("ok", step) => match doubtful_silence(hub, &settings) {
                Some(doubt) => {
                    let steps: Vec<String> = [doubt].into_iter().chain(step).collect();
                    ("attention", Some(steps.join(" ")))
                }
                None => ("ok", step),
            },
            other => other,
        },
    };
    Ok(FeedStatus {
        feed: hub.settings.names.called(&feed.name).to_owned(),
        mode: mode.map(Mode::as_str),
        state,
        covered_through: covered.map(|date| date.to_string()),
        doubtful: settings.last.as_ref().map_or(0, |last| last.counts.doubtful),
        expected_by: None,
        last_run: settings.last.map(|last| called(hub, last)),
        not_used: Vec::new(),
        next_step,
        open_run_since,
    })
}

/// Days of which the last file did not say enough to believe its silence.
fn doubtful_silence(hub: &Hub, settings: &FeedSettings) -> Option<String> {
    let calendars = &hub.settings.calendars;
    let newest = settings.covered.values().filter_map(signalbox_risk::DateRanges::end).max()?;
    // Of years that are over nothing is judged.
    let counts = |day: &Date| calendars.school_year(*day) == calendars.school_year(newest);
    let days =
        settings.doubtful.iter().filter_map(|(school, days)| Some((school, days.days().find(counts)?)));
    let schools: Vec<&str> = days.clone().map(|(school, _)| school.as_str()).collect();
    let first = days.map(|(_, day)| day).min()?;
    let at = match schools[..] {
        [only] => format!("school {only}"),
        _ => format!("{} schools", schools.len()),
    };
    Some(format!(
        "Who is not named on {first} or later days at {at} is unknown, not present: a file was in doubt there, or waits, or \
         was refused. The next whole file settles it."
    ))
}

/// How a feed stands, and what a person can do. Of one in test also how it turns live.
fn state(
    hub: &Hub,
    mode: Option<Mode>,
    last: Option<&RunReport>,
    holds: &[HoldState],
    not_found: u64,
) -> (&'static str, Option<String>) {
    let (state, step) = stands(last, holds, not_found);
    let is_in_test = mode == Some(Mode::Test) && matches!(state, "ok" | "attention");
    let in_test = if hub.settings.routes.is_empty() {
        "In test, and no route says who would be told: signalbox flags list shows whom it is about."
    } else {
        "In test: look at signalbox alerts list, then set mode: live."
    };
    let steps: Vec<String> = step.into_iter().chain(is_in_test.then(|| in_test.to_owned())).collect();
    (state, (!steps.is_empty()).then(|| steps.join(" ")))
}

fn stands(last: Option<&RunReport>, holds: &[HoldState], not_found: u64) -> (&'static str, Option<String>) {
    let Some(last) = last else {
        return ("never_read", Some("Drop the feed's first file where the configuration says.".to_owned()));
    };
    if holds.contains(&HoldState::Waiting) {
        let step = "A payload waits for your decision: signalbox holds list, then holds show ID.";
        return ("waiting", Some(step.to_owned()));
    }
    // Of a school that waits by itself the rest of the file went in.
    let is_refused = last.hold.as_ref().is_some_and(|hold| hold.reason != "school");
    if is_refused && !holds.contains(&HoldState::Approved) {
        return (
            "refused",
            Some("A person refused the last file: nothing of it was used. Drop a good one.".to_owned()),
        );
    }
    if let Some(why) = &last.refused {
        return ("refused", Some(format!("{} was not used: {why}", last.payload)));
    }
    if last.counts.reject > 0 {
        let rows = plural(last.counts.reject, "row");
        let step =
            format!("{rows} could not be used: signalbox rejects list --group says why and what to mend.");
        return ("attention", Some(step));
    }
    if not_found > 0 {
        let rows = counted(not_found, "row names a student", "rows name students");
        let are_used = if not_found == 1 {
            "it is used by itself once the roster brings the student."
        } else {
            "they are used by themselves once the roster brings them."
        };
        let why = last
            .warnings
            .iter()
            .find(|warning| warning.code.starts_with("id_") || warning.code == "leading_zeros");
        let hint = why.map_or_else(|| are_used.to_owned(), |warning| format!("{}.", warning.message));
        let step = format!("{rows} not found yet: {hint} signalbox unmatched list shows each id.");
        return ("attention", Some(step));
    }
    if last.counts.doubtful > 0 {
        let rows = plural(last.counts.doubtful, "row");
        let step = format!(
            "{rows} of earlier files stand on though the last file does not have them: it may be cut short. The next whole file settles it."
        );
        return ("attention", Some(step));
    }
    ("ok", None)
}

/// How far each consumer is behind the log, by shard.
pub async fn consumers(hub: &Hub) -> Result<Vec<ConsumerStatus>, HubError> {
    let mut status = Vec::new();
    for consumer in hub.settings.topics.consumers {
        let topics = consumer.topics(&hub.settings.topics);
        for shard in 0..hub.settings.topics.shards {
            let positions = hub.states.positions(consumer.kept_as, shard).await?;
            let ends = ends_of(&*hub.log, &topics, shard).await?;
            let behind = Some(behind_of(&*hub.log, &topics, shard, &positions, &ends).await?);
            status.push(ConsumerStatus { consumer: consumer.name, shard, behind });
        }
    }
    Ok(status)
}

async fn flag_counts(hub: &Hub) -> Result<FlagCounts, HubError> {
    let mut counts = FlagCounts::default();
    for (state, count) in hub.states.count_cards(Scoring::KEPT_AS, FLAG).await? {
        match state.as_str() {
            "open" => counts.open = count,
            "dismissed" => counts.dismissed = count,
            "cleared" => counts.cleared = count,
            "withdrawn" => counts.withdrawn = count,
            "ended" => counts.ended = count,
            _ => return Err(HubError::Stored("card")),
        }
    }
    Ok(counts)
}

/// A hash of the states of all consumers, however many shards they are on.
async fn state_hash(hub: &Hub) -> Result<String, HubError> {
    let mut hasher = Sha256::new();
    for consumer in hub.settings.topics.consumers {
        let mut sum = 0_u128;
        for shard in 0..hub.settings.topics.shards {
            let (state, _) = ShardState::<()>::stored(hub, consumer.kept_as, shard).await?;
            sum = sum.wrapping_add(state.digest);
        }
        hasher.update(consumer.kept_as);
        hasher.update(sum.to_be_bytes());
    }
    Ok(hex(&hasher.finalize()))
}
