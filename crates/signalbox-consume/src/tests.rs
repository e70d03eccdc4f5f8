//! A member of the group of a consumer that knows little, on a hub without feeds.

mod acts;

use std::time::Duration;

use jiff::ToSpan;
use signalbox_event::Domain;
use signalbox_hub::consumer::Consuming;
use signalbox_store::StateStore;
use signalbox_store::memory::MemoryState;
use signalbox_store::outbox::{EntryState, NewEntry, TO_LOG};
use signalbox_store::state::{Batch, StateRow};
use uuid::Uuid;

use self::acts::{Acts, a_calendar, acts, hub, now, student, told};
use super::folder::{Folder, Who};
use super::kept::Kept;
use super::relay::{self, Body};
use super::{Member, SUBJECTS, listed};

/// Deciding against no calendar would take back all that was said by one.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_never_had_a_quiet_moment_knows_the_calendars() {
    let hub = hub();
    a_calendar(&hub).await;
    acts(&hub, student(1)).await;

    let mut member = Member::<Acts>::join(hub.clone()).await.expect("joins");
    while !member.was_assigned || !member.at_work.is_empty() || member.behind().await.expect("looks") > 0 {
        member.turn(Duration::from_hours(1), &now).await.expect("a turn");
    }
    assert_eq!(told(&hub).await, ["acted, calendars: 1"]);
}

/// Who waits is known in memory only; the store knows that somebody does.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_shard_over_decides_on_those_who_waited() {
    let hub = hub();
    acts(&hub, student(1)).await;

    let mut first = Member::<Acts>::join(hub.clone()).await.expect("joins");
    while !first.was_assigned || first.behind().await.expect("looks") > 0 {
        first.step(Duration::from_secs(1), now()).await.expect("folds");
        first.begin_all(now()).await.expect("folds");
        first.finish().await.expect("has folded");
    }
    drop(first);
    assert_eq!(told(&hub).await, [""; 0], "folded, not decided");

    let mut second = Member::<Acts>::join(hub.clone()).await.expect("joins");
    second.drain(now()).await.expect("drains");
    assert_eq!(told(&hub).await, ["acted, calendars: 0"]);
}

/// Of two members one has nothing left to do. It hears all the same that shards are to be given up, and that they are its
/// own again: `up --once` waited for itself for ever where those who had them were killed.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_nothing_left_hears_what_the_group_decides() {
    let hub = hub();
    let mut first = Member::<Acts>::join(hub.clone()).await.expect("joins");
    first.drain(now()).await.expect("drains");
    let all = first.shards.len();
    assert_eq!(all, hub.settings.topics.shards as usize, "alone it has all");
    let group = listed::<Acts>().group(&hub.settings.topics);
    let other = hub.log.join(&group, &first.topics).await.expect("joins");
    first.drain(now()).await.expect("drains");
    assert!(first.shards.len() < all, "the other has its share of {all}");
    drop(other);
    first.drain(now()).await.expect("drains");
    assert_eq!(first.shards.len(), all);
}

/// What happens while a shard is decided on is not known to who decides.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_at_work_is_decided_on_again_after_what_came_meanwhile() {
    let hub = hub();
    let mut member = Member::<Acts>::join(hub.clone()).await.expect("joins");
    member.drain(now()).await.expect("drains");
    member.news.clone_from(&member.taken);
    member.ask_ends().await.expect("asks");
    member.settle(now()).await.expect("begins");
    assert!(!member.at_work.is_empty());
    a_calendar(&hub).await;
    assert!(member.refresh().await.expect("reads"));
    member.news.extend(&member.taken);
    member.finish().await.expect("has decided");
    assert_eq!(member.news, member.taken, "who was at work did not know of it");
    member.drain(now()).await.expect("drains");
    let calendars: Vec<u64> = member.shards.values().map(|in_hand| in_hand.state.calendars).collect();
    assert_eq!(calendars, [1, 1, 1]);
}

/// What falls due for many on one day was decided for the first two thousand of a shard.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_whose_date_has_come_is_decided_on() {
    let hub = hub();
    let students = 4 * SUBJECTS;
    for n in 0..students {
        acts(&hub, student(n as u128)).await;
    }
    let mut member = Member::<Acts>::join(hub.clone()).await.expect("joins");
    member.drain(now()).await.expect("drains");
    member.drain(now() + 10.minutes()).await.expect("drains");
    assert_eq!(told(&hub).await, vec!["acted, calendars: 0"; students]);
    member.drain(now() + 6.hours()).await.expect("drains");
    assert_eq!(told(&hub).await[students..], vec!["a day later"; students]);
}

/// It may run beside this one, and knows what it wrote.
#[tokio::test]
async fn what_another_version_wrote_for_the_log_is_left_to_it() {
    let hub = hub();
    let topic = hub.settings.topics.name(Domain::Ops);
    let own = Body::DeadLetter { topic: &topic, shard: 0, key: None, headers: Vec::new(), value: b"own" };
    let entry = |n: u128, lane: &str, body: Vec<u8>| NewEntry {
        id: Uuid::from_u128(n),
        target: TO_LOG.to_owned(),
        lane: lane.to_owned(),
        kind: "dead letter".to_owned(),
        flag_id: None,
        body,
        created_ms: now().as_millisecond(),
        withheld: None,
        part: false,
        end_of: None,
    };
    let outbox = vec![entry(1, "a", vec![255]), entry(2, "a", own.encode()), entry(3, "b", own.encode())];
    let lease = hub.states.acquire(Acts::KEPT_AS, 0).await.expect("acquires");
    hub.states.commit(&lease, &Batch { outbox, ..Batch::default() }).await.expect("writes");
    for at in [now(), now() + 10.minutes()] {
        assert_eq!(relay::drain(&hub, at).await.expect("goes on"), usize::from(at == now()));
    }
    let stand: Vec<_> =
        hub.outbox.entries(0, 9).await.expect("reads").into_iter().map(|one| one.state).collect();
    assert_eq!(stand, [EntryState::Pending, EntryState::Pending, EntryState::Delivered]);
}

#[tokio::test]
async fn a_kept_state_is_the_last_that_was_committed() {
    let row = |n: u8, content: u8| StateRow {
        subject: student(n.into()).subject(),
        state: vec![content].into(),
        due_ms: None,
    };
    let store = MemoryState::default();
    let lease = store.acquire(Acts::KEPT_AS, 0).await.unwrap();
    let write =
        async |row| store.commit(&lease, &Batch { states: vec![row], ..Batch::default() }).await.unwrap();
    write(row(1, 1)).await;

    let mut kept = Kept::one_of(12);
    let asked = [student(1), student(2)];
    let mut load = async || kept.load(&store, &lease, &asked).await.unwrap();
    assert_eq!(load().await, [Some(row(1, 1)), None]);
    write(row(2, 1)).await;
    assert_eq!(load().await, [Some(row(1, 1)), Some(row(2, 1))], "that there was none is not kept");
    write(row(1, 2)).await;
    kept.keep(&[row(1, 2)]);
    assert_eq!(kept.load(&store, &lease, &asked).await.unwrap()[0], Some(row(1, 2)));
}
