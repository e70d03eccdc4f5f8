//! Which records are this hub's own. Whoever may write to a topic may write anything to it, and by mistake a whole other
//! district; what does not fit what the stores know is passed as a dead letter, with the reason.

use std::collections::{HashMap, HashSet};

use signalbox_event::codec::{DecodeError, from_record};
use signalbox_event::data::{FeedMode, FeedRetired};
use signalbox_event::{Data, Entity, Event, StudentKey, topic};

use signalbox_hub::names::Names;
use signalbox_hub::{Hub, HubError};
use signalbox_log::Record;
use signalbox_store::FeedStore;

/// Announcements beyond the last that is known of: processes that announce at once, and have not noted it yet.
const ANNOUNCED_AT_ONCE: u64 = 16;

/// Why a record is passed. Never carries the record's data.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    #[error("a text in it has a line break, or a character that cannot be printed")]
    Control,
    #[error("it is not of this district")]
    District,
    #[error("its key is not that of whom it is about, or it stands on another's partition")]
    Key,
    #[error("a feed's run says such a thing, and this record names none")]
    NoRun,
    #[error("this hub never opened the run that it names")]
    Run,
    #[error("this hub never gave so high a number")]
    Number,
    #[error("this hub never read the feed that it names")]
    Feed,
}

impl Unfit {
    /// The kind of fault, for scripts.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(DecodeError::UnknownKind(_) | DecodeError::SpecVersion) => "unknown_version",
            Self::Unreadable(_) | Self::Control => "malformed",
            Self::District => "another_district",
            Self::Key => "wrong_key",
            Self::NoRun => "no_run",
            Self::Run => "unknown_run",
            Self::Number => "unknown_revision",
            Self::Feed => "unknown_feed",
        }
    }
}

/// What the stores know of each feed; asked only when a record goes beyond it, and once for all records of a batch: what a
/// record names was in the store before the record was on the log.
#[derive(Debug, Default)]
pub struct Admission {
    feeds: HashMap<String, Limits>,
    /// The highest number under which a configuration was announced.
    announced: u64,
    /// What was asked about since the batch was read.
    asked: HashSet<String>,
}

/// No feed's name.
const POLICIES: &str = "";

/// How far a feed has gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Limits {
    run: u64,
    revision: u64,
}

impl Admission {
    /// To be called when more records were read.
    pub fn next_batch(&mut self) {
        self.asked.clear();
    }

    /// The event of a record, if it is this hub's own.
    pub async fn admit(&mut self, hub: &Hub, record: &Record) -> Result<Result<Event, Unfit>, HubError> {
        let event = match from_record(record.headers.named_in_bytes(), &record.value) {
            Ok(event) => event,
            Err(error) => return Ok(Err(error.into())),
        };
        if has_control(&record.value) {
            return Ok(Err(Unfit::Control));
        }
        if let Some(unfit) = misplaced(hub, record, &event) {
            return Ok(Err(unfit));
        }
        Ok(self.exceeds(hub, &event).await?.map_or(Ok(event), Err))
    }

    async fn exceeds(&mut self, hub: &Hub, event: &Event) -> Result<Option<Unfit>, HubError> {
        if let Data::OpsPolicyChanged(policy) = &event.data {
            let is_known = self.is_announced(hub, policy.number).await?;
            return Ok((!is_known).then_some(Unfit::Number));
        }
        if let Data::OpsFeedMode(FeedMode { feed, .. }) | Data::OpsFeedRetired(FeedRetired { feed }) =
            &event.data
        {
            return Ok((!is_remembered(hub, feed).await?).then_some(Unfit::Feed));
        }
        let Some(feed) = event.feed() else {
            let is_row = Entity::ALL
                .iter()
                .any(|entity| entity.kind() == event.kind() && entity.domain().is_sharded());
            let is_said_by_feeds = is_row || matches!(event.data, Data::OpsRunEnded(_));
            return Ok(is_said_by_feeds.then_some(Unfit::NoRun));
        };
        let Some(run) = event.run else { return Ok(Some(Unfit::NoRun)) };
        if let Data::OpsRunEnded(ended) = &event.data
            && (ended.feed != feed || ended.run != run)
        {
            return Ok(Some(Unfit::Run));
        }
        let mut limits = self.feeds.get(feed).copied().unwrap_or_default();
        if !limits.has(run, event.revision) && self.asked.insert(feed.to_owned()) {
            limits = Limits::ask(hub, feed).await?;
            self.feeds.insert(feed.to_owned(), limits);
        }
        Ok(if run > limits.run {
            Some(Unfit::Run)
        } else if limits.has(run, event.revision) {
            None
        } else {
            Some(Unfit::Number)
        })
    }

    async fn is_announced(&mut self, hub: &Hub, number: u64) -> Result<bool, HubError> {
        if number > self.announced && self.asked.insert(POLICIES.to_owned()) {
            self.announced = signalbox_hub::in_force::announced_policies(hub).await? + ANNOUNCED_AT_ONCE;
        }
        Ok(number <= self.announced)
    }
}

impl Limits {
    /// A run gives a row one revision, as a rule.
    const fn has(self, run: u64, revision: u64) -> bool {
        run <= self.run && (revision <= run || revision <= self.revision)
    }

    async fn ask(hub: &Hub, feed: &str) -> Result<Self, HubError> {
        let feeds = &*hub.feeds;
        // Of a feed that a person retired nothing is remembered, and nothing that it said counts.
        if Names::load(feeds).await?.is_retired(feed) {
            return Ok(Self { run: u64::MAX, revision: u64::MAX });
        }
        let revision = u64::from(feeds.ledger_counts(feed).await?.highest_revision);
        Ok(Self { run: last_run(feeds, feed).await?, revision })
    }
}

/// Whether something is known of the feed: it is, from before its first word.
async fn is_remembered(hub: &Hub, feed: &str) -> Result<bool, HubError> {
    let feeds = &*hub.feeds;
    Ok(feeds.feed(feed).await?.is_some() || Names::load(feeds).await?.is_retired(feed))
}

/// The last run, open or closed.
async fn last_run(feeds: &dyn FeedStore, feed: &str) -> Result<u64, HubError> {
    let closed = feeds.feed(feed).await?.and_then(|row| row.last_run).map_or(0, |run| run.number);
    let open = feeds.run(feed, closed + 1).await?;
    Ok(open.map_or(closed, |run| run.number))
}

/// Whether a text of the JSON has a character that the hub's own never have. Such a one stands in it with a backslash.
fn has_control(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        match &rest[at + 1..] {
            [b'n' | b'r' | b't' | b'b' | b'f', ..]
            | [b'u', b'0', b'0', b'0' | b'1' | b'8' | b'9', ..]
            | [b'u', b'0', b'0', b'7', b'f' | b'F', ..] => return true,
            after => rest = after.get(1..).unwrap_or_default(),
        }
    }
    false
}

/// Whether source, key or partition are not those of the event.
fn misplaced(hub: &Hub, record: &Record, event: &Event) -> Option<Unfit> {
    if !hub.settings.district.owns(event) {
        return Some(Unfit::District);
    }
    if record.key.as_deref() != Some(event.partition_key.as_bytes()) {
        return Some(Unfit::Key);
    }
    let Some(student) = event.subject else {
        return event.kind().domain().is_about_students().then_some(Unfit::Key);
    };
    let named =
        event.partition_key[hub.settings.district.id.len()..].trim_start_matches('/').parse::<StudentKey>();
    let shard = topic::shard_of(event.partition_key.as_bytes(), hub.settings.topics.shards);
    (named.ok() != Some(student) || shard != record.shard).then_some(Unfit::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_found_however_they_are_written() {
        for (json, expected) in [
            (r#"{"a":"b"}"#, false),
            (r#"{"a":"\"b\" \\n é \u00e9"}"#, false),
            (r#"{"a":"b\nc"}"#, true),
            (r#"{"a":"\\\n"}"#, true),
            (r#"{"a":"\u0000"}"#, true),
            (r#"{"a":"\u001B[2J"}"#, true),
            (r#"{"a":"\u009b"}"#, true),
            (r#"{"a":"\u007F"}"#, true),
            ("\\", false),
        ] {
            assert_eq!(has_control(json.as_bytes()), expected, "{json}");
        }
    }
}
