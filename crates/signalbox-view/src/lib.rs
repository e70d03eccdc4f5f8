//! What people and scripts look at: read-only views over log and stores, as the JSON of the contract.
//!
//! # Layout
//! - this file: students as people name them, and times as they read them
//! - `status`: the whole hub at a glance; `feeds`: all feeds; `student`: one student; `flags`: flags and alerts
//! - `events`: what is on the log; `listed`: flags that a standing list told of
//! - `explain`: why a flag stands; `verify`: the same computed again; `repair`: rejects and holds
//!
//! **Architecture invariant:** a view changes nothing, and names neither a database, nor Kafka, nor a vendor. No clock and no
//! randomness: `now` is an argument.

pub mod events;
pub mod explain;
pub mod feeds;
pub mod flags;
mod listed;
pub mod repair;
pub mod status;
pub mod student;
mod verify;

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Serialize, Serializer};
use signalbox_consume::folder::{Folder, Who, of_row};
use signalbox_event::{Domain, Entity, StudentKey, topic};
use signalbox_hub::{Hub, HubError};
use signalbox_ingest::identity::{Resolver, is_the_hubs_own};
use signalbox_log::Shard;
use signalbox_scoring::student::{StudentInHand, StudentState, StudentYear};
use signalbox_scoring::{ScoredShard, Scoring};
use signalbox_store::feed::Named;
use signalbox_store::state::{StateRow, Subject};

const PAGE: usize = 2_000;

/// The shard that a student's events and state are on.
pub(crate) fn shard_of(hub: &Hub, student: StudentKey) -> Shard {
    let key = topic::student_key(&hub.settings.district.id, &student);
    topic::shard_of(key.as_bytes(), hub.settings.topics.shards)
}

/// The states of one student, a school year each, the latest last: a row for each year that the shard has.
pub(crate) async fn states_of(
    hub: &Hub,
    student: StudentKey,
) -> Result<Vec<(StudentYear, StudentState)>, HubError> {
    let shard = shard_of(hub, student);
    let (mut states, mut after) = (Vec::new(), None);
    loop {
        // The first row behind says which year comes next.
        let next = hub.states.scan(Scoring::KEPT_AS, shard, after.as_ref(), 1).await?.pop();
        let Some(next) = next else { return Ok(states) };
        let Some(first) = StudentYear::of_subject(&next.subject) else {
            after = Some(next.subject);
            continue;
        };
        let who = StudentYear { student, ..first };
        let rows = hub.states.scan(Scoring::KEPT_AS, shard, Some(&before(who)), 1).await?;
        for row in rows.iter().filter(|row| row.subject == who.subject()) {
            states.push((who, whole(row)?));
        }
        after = Some(StudentYear { student: LAST_STUDENT, ..first }.subject());
    }
}

/// The state of one student in one school year, if the shard has one.
pub(crate) async fn state_of(hub: &Hub, who: StudentYear) -> Result<Option<StudentState>, HubError> {
    let shard = shard_of(hub, who.student);
    let rows = hub.states.scan(Scoring::KEPT_AS, shard, Some(&before(who)), 1).await?;
    rows.iter().find(|row| row.subject == who.subject()).map(whole).transpose()
}

fn whole(row: &StateRow) -> Result<StudentState, HubError> {
    of_row::<StudentInHand>(row)?.into_whole()
}

/// No key of a student's comes after it.
const LAST_STUDENT: StudentKey = StudentKey::from_uuid(uuid::Uuid::max());

/// A subject that comes right before that of the student's: nothing lies between.
fn before(who: StudentYear) -> Subject {
    let mut subject = who.subject();
    while let Some(last) = subject.pop() {
        if last > 0 {
            subject.extend([last - 1, u8::MAX]);
            return subject;
        }
    }
    subject
}

/// A shard as scoring knows it.
pub(crate) async fn shard_state(hub: &Hub, shard: Shard) -> Result<ScoredShard, HubError> {
    Ok(ScoredShard::stored(hub, Scoring::KEPT_AS, shard).await?.0)
}

/// The students that a text names: by an id of a tool's, else by how their key begins.
pub async fn find_student(hub: &Hub, named: &str) -> Result<Vec<StudentKey>, HubError> {
    let found = with_id(hub, named).await?;
    if found.is_empty() { whose_key_begins(hub, named).await } else { Ok(found) }
}

/// The students with this id in a tool.
pub(crate) async fn with_id(hub: &Hub, id: &str) -> Result<Vec<StudentKey>, HubError> {
    let rows = hub.feeds.find_id(Named::Student, id).await?;
    let named = rows.iter().filter(|row| !is_the_hubs_own(&row.id_type));
    Ok(each_once(named.filter_map(|row| row.target.parse().ok()).collect()))
}

/// The id of the roster's that this would be but for how it is written: zeros, spaces, case.
pub async fn similar_id(hub: &Hub, id: &str) -> Result<Option<String>, HubError> {
    let mut resolver = Resolver::load(&*hub.feeds).await?;
    let key = resolver.by_shape(id);
    Ok(key.and_then(|key| resolver.first_id(key)).map(str::to_owned))
}

/// Shorter ones may be an id that nobody has, and yet how some student's key begins.
const SHORTEST_PREFIX: usize = 8;

/// The students whose key begins so; none of a beginning that is too short.
pub(crate) async fn whose_key_begins(hub: &Hub, prefix: &str) -> Result<Vec<StudentKey>, HubError> {
    let (mut found, mut after) = (Vec::new(), None);
    if prefix.len() < SHORTEST_PREFIX {
        return Ok(found);
    }
    let prefix = prefix.to_ascii_lowercase();
    loop {
        let rows = hub.feeds.crosswalk(after.as_ref(), 20_000).await?;
        let Some(last) = rows.last() else { return Ok(each_once(found)) };
        let of_students = rows.iter().filter(|row| row.what == Named::Student);
        let begin = of_students.filter(|row| row.target.starts_with(&prefix));
        found.extend(begin.filter_map(|row| row.target.parse::<StudentKey>().ok()));
        after = Some(last.clone());
    }
}

fn each_once(mut found: Vec<StudentKey>) -> Vec<StudentKey> {
    found.sort();
    found.dedup();
    found
}

/// A time as people see it, to the second: RFC 3339 in the district's zone, with its offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTime(Zoned);

impl LocalTime {
    pub fn new(at: Timestamp, zone: &TimeZone) -> Self {
        let at_ms = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        Self(at_ms.to_zoned(zone.clone()))
    }

    pub fn timestamp(&self) -> Timestamp {
        self.0.timestamp()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S%:z"))
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(crate) fn local(hub: &Hub, at_ms: i64) -> String {
    local_time(hub, at_ms).to_string()
}

pub(crate) fn local_time(hub: &Hub, at_ms: i64) -> LocalTime {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    LocalTime::new(at, &hub.settings.district.zone)
}

/// The topics that hold events about students.
pub(crate) fn student_domains() -> impl Iterator<Item = Domain> {
    Entity::feed_domains().into_iter().chain([Domain::Intervention, Domain::Risk])
}
