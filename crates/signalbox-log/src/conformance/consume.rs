//! One member of a group.

use std::time::Duration;

use super::Fixture;
use super::append::{assert_same, undecodable};
use super::driver::{Member, append, at, numbered, offsets, texts, values};
use crate::{Delivery, LogError, Offset, Shard};

pub async fn a_lone_member_is_assigned_every_shard(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    // The group shares out as many shards as its largest topic has.
    let fixture = fresh(&[("a", 3), ("b", 1)]).await;
    let mut member = Member::join(&*fixture.log, "g", &["b", "a"]).await;
    let Delivery::Assigned(mut shards) = member.next(10).await else {
        panic!("the first delivery is the assignment")
    };
    shards.sort_unstable();
    assert_eq!(shards, [0, 1, 2]);
    for shard in shards {
        member.start(shard, &[]).await.expect("an assigned shard can be started");
    }
    append(&*fixture.log, &numbered("a", 2, [7])).await;
    assert_eq!(values(&member.read(1, 10).await), texts([7]));
}

pub async fn nothing_is_delivered_before_start(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 2)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..3)).await;
    append(&*fixture.log, &numbered("a", 1, 5..8)).await;
    let mut member = Member::join(&*fixture.log, "g", &["a"]).await;
    assert!(matches!(member.next(10).await, Delivery::Assigned(_)));
    member.stays_quiet().await;
    member.start(1, &[]).await.expect("an assigned shard can be started");
    assert_eq!(values(&member.read(3, 10).await), texts(5..8));
    member.stays_quiet().await;
}

pub async fn start_is_exact(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..10)).await;
    let offset = offsets(&*fixture.log, "a", 0).await[6];
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[at("a", offset)]).await;
    let records = member.read(4, 10).await;
    assert_eq!(values(&records), texts(6..10));
    assert_eq!(records[0].offset, offset);
}

pub async fn start_at_the_end_brings_what_comes_after(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..5)).await;
    let end = fixture.log.bounds("a", 0).await.expect("the shard is there").end;
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[at("a", end)]).await;
    member.stays_quiet().await;
    append(&*fixture.log, &numbered("a", 0, 5..7)).await;
    assert_eq!(values(&member.read(2, 10).await), texts(5..7));
}

/// A position above the end belongs to another log. Never reset.
pub async fn start_beyond_the_end_is_replaced(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1), ("b", 1)]).await;
    append(&*fixture.log, &numbered("b", 0, 0..5)).await;
    let end = fixture.log.bounds("b", 0).await.expect("the shard is there").end;
    let mut member = Member::join(&*fixture.log, "g", &["a", "b"]).await;
    assert_eq!(member.next(10).await, Delivery::Assigned(vec![0]));
    let started = member.start(0, &[at("b", end + 1)]).await;
    let Err(LogError::Replaced { topic, shard: 0, wanted, end: found }) = started else {
        panic!("the position lies beyond the end: {started:?}")
    };
    assert_eq!((topic.as_str(), wanted, found), ("b", end + 1, end));
    member.stays_quiet().await;
    member.start(0, &[at("b", end - 1)]).await.expect("a second answer may be right");
    assert_eq!(values(&member.read(1, 10).await), texts([4]));
}

/// For logs that can be trimmed; `trim` drops the records of a shard below an offset.
pub async fn overtaken(fixture: Fixture, trim: impl AsyncFn(&str, Shard, Offset)) {
    append(&*fixture.log, &numbered("a", 0, 0..10)).await;
    let offsets = offsets(&*fixture.log, "a", 0).await;
    trim("a", 0, offsets[4]).await;
    let mut member = Member::join(&*fixture.log, "g", &["a"]).await;
    assert_eq!(member.next(10).await, Delivery::Assigned(vec![0]));
    let started = member.start(0, &[at("a", offsets[3])]).await;
    let Err(LogError::Overtaken { shard: 0, wanted, begin, .. }) = started else {
        panic!("the position lies below the beginning: {started:?}")
    };
    assert_eq!((wanted, begin), (offsets[3], offsets[4]));
    member.start(0, &[]).await.expect("the beginning is where the log begins now");
    assert_eq!(values(&member.read(6, 10).await), texts(4..10));
}

pub async fn start_again_reads_again(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..10)).await;
    let offsets = offsets(&*fixture.log, "a", 0).await;
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[]).await;
    assert_eq!(values(&member.read(4, 4).await), texts(0..4));
    member.start(0, &[at("a", offsets[2])]).await.expect("a shard in hand can be started again");
    assert_eq!(values(&member.read(8, 4).await), texts(2..10));
    member.start(0, &[at("a", offsets[9])]).await.expect("a shard in hand can be started again");
    assert_eq!(values(&member.read(1, 4).await), texts([9]));
}

pub async fn an_unnamed_topic_is_read_from_its_beginning(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1), ("b", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..3)).await;
    append(&*fixture.log, &numbered("b", 0, 10..13)).await;
    let end = fixture.log.bounds("a", 0).await.expect("the shard is there").end;
    let mut member = Member::started(&*fixture.log, "g", &["a", "b"], &[at("a", end)]).await;
    assert_eq!(values(&member.read(3, 10).await), texts(10..13));
    member.stays_quiet().await;
}

/// In the order of the subscription, not of arrival: what is read of a shard in one delivery has the earlier topic
/// first, and a later delivery has it before the rest of the later topic.
pub async fn an_earlier_topic_comes_first(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1), ("z", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 10..16)).await;
    append(&*fixture.log, &numbered("z", 0, 0..6)).await;
    let mut member = Member::started(&*fixture.log, "g", &["z", "a"], &[]).await;
    assert_eq!(values(&member.read(12, 8).await), texts((0..6).chain(10..16)));
    append(&*fixture.log, &numbered("a", 0, 16..19)).await;
    append(&*fixture.log, &numbered("z", 0, 6..9)).await;
    assert_eq!(values(&member.read(6, 2).await), texts((6..9).chain(16..19)));
}

pub async fn a_waiting_member_is_woken(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[]).await;
    let later = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        append(&*fixture.log, &numbered("a", 0, [1])).await;
    };
    let (records, ()) = tokio::join!(member.read(1, 10), later);
    assert_eq!(values(&records), texts([1]));
}

/// `next` is dropped at many points of its work; every record comes once, in order.
pub async fn a_cancelled_next_loses_nothing(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    for part in 0..20 {
        append(&*fixture.log, &numbered("a", 0, part * 20..part * 20 + 20)).await;
    }
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[]).await;
    let mut read = Vec::new();
    for micros in (0..1_000).step_by(5) {
        if let Some(next) = member.next_within(1, Duration::from_micros(micros)).await {
            let Delivery::Records { records, .. } = next else { panic!("records were to come: {next:?}") };
            read.extend(values(&records));
        }
    }
    read.extend(values(&member.read(400 - read.len(), 7).await));
    assert_eq!(read, texts(0..400));
}

pub async fn next_brings_at_most_max(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1), ("b", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..5)).await;
    append(&*fixture.log, &numbered("b", 0, 5..10)).await;
    let mut member = Member::started(&*fixture.log, "g", &["a", "b"], &[]).await;
    let mut read = Vec::new();
    while read.len() < 10 {
        let Delivery::Records { shard: 0, records } = member.next(3).await else { panic!("no records") };
        assert!((1..=3).contains(&records.len()), "{} records of at most 3", records.len());
        read.extend(values(&records));
    }
    assert_eq!(read, texts(0..10));
}

pub async fn undecodable_records_are_delivered(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &undecodable("a")).await;
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[]).await;
    assert_same(&member.read(4, 10).await, &undecodable("a"));
}

/// Positions are the store's; a report is for people.
pub async fn report_is_never_read_back(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &numbered("a", 0, 0..6)).await;
    let offsets = offsets(&*fixture.log, "a", 0).await;
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[]).await;
    assert_eq!(values(&member.read(6, 10).await), texts(0..6));
    member.report(0, &[at("a", offsets[4])]).await;
    drop(member);
    let mut member = Member::started(&*fixture.log, "g", &["a"], &[]).await;
    assert_eq!(values(&member.read(6, 10).await), texts(0..6));
    member.start(0, &[at("a", offsets[1])]).await.expect("a shard in hand can be started again");
    assert_eq!(values(&member.read(5, 10).await), texts(1..6));
}

pub async fn join_refuses_an_unknown_topic(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    let topics = ["a".to_owned(), "unknown".to_owned()];
    let refused = fixture.log.join("g", &topics).await.err();
    assert!(
        matches!(&refused, Some(LogError::NoSuchShard { topic, .. }) if topic == "unknown"),
        "{refused:?}"
    );
}
