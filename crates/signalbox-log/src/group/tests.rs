use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;

use super::{Groups, LocalLog, LocalSubscription, Membership};
use crate::{
    Delivery, EventLog, Headers, LogError, MemoryLog, Message, Record, Shard, StartAt, Subscription,
};

const SHARDS: u32 = 12;

#[test]
fn shares_are_ranges_in_joining_order() {
    let groups = Groups::default();
    let mut members: Vec<Membership> = (0..5).map(|_| join(&groups)).collect();
    let assigned: Vec<_> = members.iter_mut().map(Membership::change).collect();
    let expected = [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7], vec![8, 9], vec![10, 11]];
    assert_eq!(assigned, expected.map(|shards| Some(Delivery::Assigned(shards))));
}

#[test]
fn a_shard_is_assigned_only_once_its_holder_knows() {
    let groups = Groups::default();
    let (mut first, mut second) = (join(&groups), None);
    assert_eq!(first.change(), Some(Delivery::Assigned((0..12).collect())));
    let second = second.insert(join(&groups));
    assert_eq!(second.change(), None, "the first member was not told yet");
    assert_eq!(first.change(), Some(Delivery::Revoked((6..12).collect())));
    assert_eq!(second.change(), Some(Delivery::Assigned((6..12).collect())));
    assert!(first.holds(5) && second.holds(6) && !first.holds(6));
}

#[test]
fn more_members_than_shards_leave_some_waiting() {
    let groups = Groups::default();
    let topics = ["a".to_owned()];
    let join = || groups.join("g", &topics, 1).expect("the topics are the same");
    let (mut first, mut second) = (join(), join());
    assert_eq!(first.change(), Some(Delivery::Assigned(vec![0])));
    assert_eq!(second.change(), None);
    drop(first);
    assert_eq!(second.change(), Some(Delivery::Assigned(vec![0])));
}

#[test]
fn a_group_reads_one_list_of_topics() {
    let groups = Groups::default();
    let [a, b] = ["a".to_owned(), "b".to_owned()];
    let member = groups.join("g", &[a.clone(), b.clone()], 1).expect("the group is new");
    assert!(groups.join("g", &[b.clone(), a.clone()], 1).is_err());
    assert!(groups.join("h", &[b.clone(), a.clone()], 1).is_ok());
    drop(member);
    assert!(groups.join("g", &[b, a], 1).is_ok(), "an empty group is forgotten");
}

#[derive(Debug, Clone)]
enum Step {
    Join,
    Leave(prop::sample::Index),
    Ask(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![2 => Just(Step::Join), 1 => index().prop_map(Step::Leave), 6 => index().prop_map(Step::Ask)];
    prop::collection::vec(step, 1..80)
}

proptest! {
    /// Whatever the order of joining, leaving and asking: going by what they were told, no two members have a shard
    /// at the same time, and once everybody asked, every shard has a member.
    #[test]
    fn every_shard_has_one_holder(steps in steps()) {
        let groups = Groups::default();
        let mut members = vec![Told::join(&groups)];
        for step in steps {
            match step {
                Step::Join => members.push(Told::join(&groups)),
                Step::Leave(which) if members.len() > 1 => drop(members.swap_remove(which.index(members.len()))),
                Step::Leave(_) => {}
                Step::Ask(which) => {
                    let which = which.index(members.len());
                    members[which].ask();
                }
            }
            let told: Vec<Shard> = members.iter().flat_map(|member| member.shards.clone()).collect();
            let distinct: BTreeSet<Shard> = told.iter().copied().collect();
            prop_assert_eq!(told.len(), distinct.len());
        }
        while members.iter_mut().any(Told::ask) {}
        let sizes: Vec<usize> = members.iter().map(|member| member.shards.len()).collect();
        prop_assert_eq!(sizes.iter().sum::<usize>(), SHARDS as usize);
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?}", sizes);
    }
}

/// A member and the shards it has, going by what it was told.
struct Told {
    membership: Membership,
    shards: BTreeSet<Shard>,
}

impl Told {
    fn join(groups: &Groups) -> Self {
        Self { membership: join(groups), shards: BTreeSet::new() }
    }

    /// Whether there was something to be told.
    fn ask(&mut self) -> bool {
        let change = self.membership.change();
        match &change {
            Some(Delivery::Assigned(shards)) => self.shards.extend(shards),
            Some(Delivery::Revoked(shards)) => self.shards.retain(|shard| !shards.contains(shard)),
            _ => {}
        }
        change.is_some()
    }
}

fn join(groups: &Groups) -> Membership {
    groups.join("g", &["a".to_owned()], SHARDS).expect("the topics are the same")
}

/// A member of a log with topic `a` (two shards) and `b` (one shard), which holds both shards.
async fn subscribed(log: &MemoryLog) -> Box<dyn Subscription> {
    let mut subscription = log.join("g", &["a".to_owned(), "b".to_owned()]).await.expect("both exist");
    let assigned = subscription.next(1).await.expect("memory answers");
    assert_eq!(assigned, Delivery::Assigned(vec![0, 1]));
    subscription
}

fn log() -> MemoryLog {
    MemoryLog::with_topics([("a", 2), ("b", 1), ("other", 1)])
}

fn message(topic: &str, shard: Shard) -> Message {
    Message { topic: topic.to_owned(), shard, key: None, headers: Headers::default(), value: Bytes::new() }
}

fn at(topic: &str, offset: u64) -> StartAt {
    StartAt { topic: topic.to_owned(), offset }
}

#[tokio::test]
async fn a_started_member_is_overtaken_too() {
    let log = log();
    let mut subscription = subscribed(&log).await;
    subscription.start(1, &[]).await.expect("the shard is in hand");
    log.append(&vec![message("a", 1); 5]).await.expect("memory answers");
    log.trim("a", 1, 3).expect("the shard is there");
    let next = subscription.next(10).await;
    assert!(matches!(next, Err(LogError::Overtaken { shard: 1, wanted: 0, begin: 3, .. })), "{next:?}");
}

#[tokio::test]
async fn start_refuses_what_this_member_does_not_read() {
    let log = log();
    let mut subscription = subscribed(&log).await;
    assert!(matches!(subscription.start(2, &[]).await, Err(LogError::Failed(_))), "not assigned");
    let stray = subscription.start(0, &[at("other", 0)]).await;
    assert!(matches!(stray, Err(LogError::NoSuchShard { .. })), "not subscribed: {stray:?}");
    let missing = subscription.start(1, &[at("b", 0)]).await;
    assert!(matches!(missing, Err(LogError::NoSuchShard { shard: 1, .. })), "{missing:?}");
}

#[tokio::test]
async fn a_busy_shard_does_not_starve_the_others() {
    let log = log();
    let mut subscription = subscribed(&log).await;
    for shard in [0, 1] {
        subscription.start(shard, &[]).await.expect("the shard is in hand");
        log.append(&vec![message("a", shard); 4]).await.expect("memory answers");
    }
    let mut served = Vec::new();
    for _ in 0..4 {
        let next = subscription.next(2).await.expect("memory answers");
        let Delivery::Records { shard, .. } = next else { panic!("records were to come: {next:?}") };
        served.push(shard);
    }
    assert_eq!(served, [1, 0, 1, 0]);
}

/// A log that takes longer to read than anybody waits.
#[derive(Debug, Clone)]
struct SlowLog(MemoryLog);

const READ_MS: u64 = 40;
const PATIENCE_MS: u64 = 15;

#[async_trait]
impl EventLog for SlowLog {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        self.0.append(messages).await
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(LocalSubscription::join(self.clone(), group, topics).await?))
    }

    async fn read(&self, topic: &str, shard: Shard, from: u64, max: usize) -> Result<Vec<Record>, LogError> {
        tokio::time::sleep(Duration::from_millis(READ_MS)).await;
        self.0.read(topic, shard, from, max).await
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<u64>, LogError> {
        self.0.bounds(topic, shard).await
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.0.shards(topic).await
    }
}

#[async_trait]
impl LocalLog for SlowLog {
    const LOOK_AGAIN: Option<Duration> = None;

    fn groups(&self) -> &Groups {
        self.0.groups()
    }

    async fn refresh(&self) -> Result<(), LogError> {
        self.0.refresh().await
    }

    fn end(&self, topic: &str, shard: Shard) -> u64 {
        self.0.end(topic, shard)
    }
}

/// Whoever waits gives up before a read ends, again and again, and all of it is read once in the end.
#[tokio::test]
async fn a_read_that_takes_longer_than_patience_ends() {
    let log = SlowLog(MemoryLog::with_topics([("t", 1)]));
    let mut subscription = log.join("g", &["t".to_owned()]).await.expect("joins");
    let patience = Duration::from_millis(PATIENCE_MS);
    let mut values = Vec::new();
    for turn in 0..40_u32 {
        if turn.is_multiple_of(4) && turn < 12 {
            let message = Message {
                topic: "t".to_owned(),
                shard: 0,
                key: None,
                headers: Headers::default(),
                value: Bytes::from(turn.to_string()),
            };
            log.append(&[message]).await.expect("appends");
        }
        match tokio::time::timeout(patience, subscription.next(10)).await {
            Ok(Ok(Delivery::Assigned(_))) => subscription.start(0, &[]).await.expect("starts"),
            Ok(Ok(Delivery::Records { records, .. })) => {
                values.extend(records.into_iter().map(|record| record.value));
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }
    assert_eq!(values, ["0", "4", "8"]);
}
