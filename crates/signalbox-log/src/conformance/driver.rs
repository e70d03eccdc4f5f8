//! What the tests of the suite have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::{Delivery, EventLog, Headers, LogError, Message, Record, Shard, StartAt, Subscription};

/// Longer than any log needs: a broker may take seconds to share out shards.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long nothing has to come to say that nothing comes.
const QUIET: Duration = Duration::from_millis(400);

/// A turn of a member while others get theirs.
const TURN: Duration = Duration::from_millis(20);

/// A message without headers or key.
pub(super) fn message(topic: &str, shard: Shard, value: impl Into<Bytes>) -> Message {
    let (topic, value) = (topic.to_owned(), value.into());
    Message { topic, shard, key: None, headers: Headers::default(), value }
}

/// Messages of one shard whose values are the numbers as text.
pub(super) fn numbered(topic: &str, shard: Shard, numbers: impl IntoIterator<Item = usize>) -> Vec<Message> {
    numbers.into_iter().map(|number| message(topic, shard, number.to_string())).collect()
}

pub(super) async fn append(log: &dyn EventLog, messages: &[Message]) {
    log.append(messages).await.expect("the log takes the records");
}

pub(super) fn values(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.value).into_owned()).collect()
}

pub(super) fn texts(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| number.to_string()).collect()
}

pub(super) fn at(topic: &str, offset: u64) -> StartAt {
    StartAt { topic: topic.to_owned(), offset }
}

/// The offset of every record of a shard: a log may leave gaps, so tests do not count, they look.
pub(super) async fn offsets(log: &dyn EventLog, topic: &str, shard: Shard) -> Vec<u64> {
    let records = log.read(topic, shard, 0, 10_000).await.expect("the shard is there");
    records.iter().map(|record| record.offset).collect()
}

/// A member of a group that starts what it is assigned, and keeps what it reads.
pub(super) struct Member {
    subscription: Box<dyn Subscription>,
    pub(super) owned: BTreeSet<Shard>,
    pub(super) records: Vec<Record>,
}

impl Member {
    /// Joins `group` and starts nothing yet.
    pub(super) async fn join(log: &dyn EventLog, group: &str, topics: &[&str]) -> Self {
        let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let subscription = log.join(group, &topics).await.expect("the group can be joined");
        Self { subscription, owned: BTreeSet::new(), records: Vec::new() }
    }

    /// A lone member that has shard 0 of one-shard topics in hand, and started it there.
    pub(super) async fn started(
        log: &dyn EventLog,
        group: &str,
        topics: &[&str],
        positions: &[StartAt],
    ) -> Self {
        let mut member = Self::join(log, group, topics).await;
        assert_eq!(member.next(10).await, Delivery::Assigned(vec![0]));
        member.start(0, positions).await.expect("the positions are inside the log");
        member
    }

    pub(super) async fn start(&mut self, shard: Shard, positions: &[StartAt]) -> Result<(), LogError> {
        self.subscription.start(shard, positions).await
    }

    pub(super) async fn report(&mut self, shard: Shard, positions: &[StartAt]) {
        self.subscription.report(shard, positions).await.expect("a report is taken");
    }

    /// The next delivery.
    pub(super) async fn next(&mut self, max: usize) -> Delivery {
        let next = self.next_within(max, PATIENCE).await;
        next.expect("a delivery comes in time")
    }

    /// The next delivery, if it comes within `limit`; otherwise `next` is dropped while it waits.
    pub(super) async fn next_within(&mut self, max: usize, limit: Duration) -> Option<Delivery> {
        let next = tokio::time::timeout(limit, self.subscription.next(max)).await.ok()?;
        Some(next.expect("the log delivers"))
    }

    /// Nothing comes for a while.
    pub(super) async fn stays_quiet(&mut self) {
        let next = self.next_within(10, QUIET).await;
        assert_eq!(next, None, "nothing is to be delivered");
    }

    /// Reads until it has `count` records, `max` at a time, in the order of delivery.
    pub(super) async fn read(&mut self, count: usize, max: usize) -> Vec<Record> {
        let mut records = Vec::new();
        while records.len() < count {
            match self.next(max).await {
                Delivery::Records { records: more, .. } => records.extend(more),
                other => panic!("records were to come, not {other:?}"),
            }
        }
        records
    }

    /// One turn: takes what comes, and starts assigned shards at `positions` or at the beginning.
    async fn turn(&mut self, positions: &BTreeMap<Shard, Vec<StartAt>>) {
        match self.next_within(10, TURN).await {
            None => {}
            Some(Delivery::Revoked(shards)) => self.owned.retain(|shard| !shards.contains(shard)),
            Some(Delivery::Records { shard, records }) => {
                assert!(self.owned.contains(&shard), "records of a shard that is not this member's");
                self.records.extend(records);
            }
            Some(Delivery::Assigned(shards)) => {
                for shard in shards {
                    let positions = positions.get(&shard).map_or(&[][..], Vec::as_slice);
                    self.start(shard, positions).await.expect("an assigned shard can be started");
                    self.owned.insert(shard);
                }
            }
        }
    }
}

/// Gives the members their turns until `done`.
pub(super) async fn run_until(
    members: &mut [&mut Member],
    positions: &BTreeMap<Shard, Vec<StartAt>>,
    done: impl Fn(&[&mut Member]) -> bool,
) {
    let turns = async {
        while !done(members) {
            for member in members.iter_mut() {
                member.turn(positions).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, turns).await.expect("the members settle in time");
}

/// Whether each of the shards `0..shards` has exactly one owner, and each member a shard.
pub(super) fn shared_out(members: &[&mut Member], shards: u32) -> bool {
    let owned: Vec<Shard> = members.iter().flat_map(|member| member.owned.iter().copied()).collect();
    let all: BTreeSet<Shard> = owned.iter().copied().collect();
    let nobody_idle = members.iter().all(|member| !member.owned.is_empty());
    nobody_idle && owned.len() == all.len() && all == (0..shards).collect()
}
