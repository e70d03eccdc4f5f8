//! Several members, and members that come and go.

use std::collections::{BTreeMap, BTreeSet};

use super::Fixture;
use super::driver::{Member, append, at, numbered, run_until, shared_out, texts, values};
use crate::{EventLog, Message, Shard, StartAt};

const SHARDS: u32 = 6;

pub async fn two_members_share_without_overlap(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", SHARDS)]).await;
    let log = &*fixture.log;
    let mut first = Member::join(log, "g", &["a"]).await;
    run_until(&mut [&mut first], &BTreeMap::new(), |members| shared_out(members, SHARDS)).await;
    let mut second = Member::join(log, "g", &["a"]).await;
    run_until(&mut [&mut first, &mut second], &BTreeMap::new(), |members| shared_out(members, SHARDS)).await;

    append(log, &one_for_each_shard("a")).await;
    let complete = |members: &[&mut Member]| members.iter().all(|m| m.records.len() >= m.owned.len());
    run_until(&mut [&mut first, &mut second], &BTreeMap::new(), complete).await;
    first.stays_quiet().await;
    second.stays_quiet().await;
    for member in [&first, &second] {
        let read: BTreeSet<Shard> = member.records.iter().map(|record| record.shard).collect();
        assert_eq!((read.len(), &read), (member.records.len(), &member.owned));
    }
}

pub async fn shards_of_a_leaver_move(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", SHARDS)]).await;
    let log = &*fixture.log;
    let mut first = Member::join(log, "g", &["a"]).await;
    let mut second = Member::join(log, "g", &["a"]).await;
    run_until(&mut [&mut first, &mut second], &BTreeMap::new(), |members| shared_out(members, SHARDS)).await;

    drop(first);
    run_until(&mut [&mut second], &BTreeMap::new(), |members| shared_out(members, SHARDS)).await;
    append(log, &one_for_each_shard("a")).await;
    let all = |members: &[&mut Member]| members[0].records.len() == SHARDS as usize;
    run_until(&mut [&mut second], &BTreeMap::new(), all).await;
    let read: BTreeSet<Shard> = second.records.iter().map(|record| record.shard).collect();
    assert_eq!(read, (0..SHARDS).collect());
}

pub async fn groups_do_not_share(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..5)).await;
    let mut one = Member::started(&*fixture.log, "g", &["a"], &[]).await;
    let mut other = Member::started(&*fixture.log, "h", &["a"], &[]).await;
    assert_eq!(values(&one.read(5, 10).await), texts(0..5));
    assert_eq!(values(&other.read(5, 10).await), texts(0..5));
}

/// The new owner goes on from the store's positions, here the end of what the first member read; the first member
/// reads nothing of a shard that it lost.
pub async fn a_revoked_shard_is_delivered_by_its_new_owner(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", SHARDS)]).await;
    let log = &*fixture.log;
    append(log, &one_for_each_shard("a")).await;
    let mut first = Member::join(log, "g", &["a"]).await;
    let all = |members: &[&mut Member]| members[0].records.len() == SHARDS as usize;
    run_until(&mut [&mut first], &BTreeMap::new(), all).await;

    let stored = ends(log).await;
    let mut second = Member::join(log, "g", &["a"]).await;
    run_until(&mut [&mut first, &mut second], &stored, |members| shared_out(members, SHARDS)).await;
    append(log, &one_for_each_shard("a")).await;
    let twice = 2 * SHARDS as usize;
    let complete = |members: &[&mut Member]| members.iter().map(|m| m.records.len()).sum::<usize>() >= twice;
    run_until(&mut [&mut first, &mut second], &stored, complete).await;
    let moved: BTreeSet<Shard> = second.records.iter().map(|record| record.shard).collect();
    assert_eq!((moved.len(), &moved), (second.records.len(), &second.owned));
    assert_eq!(first.records.len() + second.records.len(), twice);
}

fn one_for_each_shard(topic: &str) -> Vec<Message> {
    (0..SHARDS).flat_map(|shard| numbered(topic, shard, [shard as usize])).collect()
}

async fn ends(log: &dyn EventLog) -> BTreeMap<Shard, Vec<StartAt>> {
    let mut ends = BTreeMap::new();
    for shard in 0..SHARDS {
        let end = log.bounds("a", shard).await.expect("the shard is there").end;
        ends.insert(shard, vec![at("a", end)]);
    }
    ends
}
