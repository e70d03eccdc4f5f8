mod crash;

use std::time::Duration;

use signalbox_event::StudentKey;
use signalbox_event::data::Mode;
use signalbox_store::StateStore;
use signalbox_store::card::CardQuery;
use signalbox_store::memory::MemoryState;
use signalbox_store::state::{Batch, StateRow};

use super::folder::{Folder, Who, of_row};
use super::kept::Kept;
use crate::consumer::Consuming;
use crate::hub::Hub;
use crate::ingest::{Holder, Ingest};
use crate::scoring::student::StudentYear;
use crate::scoring::{CONSUMER, Scoring};
use crate::shard::ShardState;
use crate::tests::district::{District, now};

/// What is kept beside states, for those who look, is what the states say.
pub(crate) async fn consistent<F: Folder>(hub: &Hub) {
    let mut cards = Vec::new();
    for shard in 0..hub.settings.topics.shards {
        let (kept, _) = ShardState::<F::Shard>::stored(hub, F::KEPT_AS, shard).await.expect("reads");
        let mut sum = 0_u128;
        for row in hub.states.scan(F::KEPT_AS, shard, None, 1_000).await.expect("reads") {
            let Some(who) = F::Who::of_subject(&row.subject) else { continue };
            let state: F::State = of_row(&row).expect("its own");
            sum = sum.wrapping_add(super::row::digest(&row.subject, &state));
            cards.extend(F::cards(&kept, &hub.settings, who, &state));
        }
        assert_eq!(sum, kept.digest, "the digests of shard {shard} of {}", F::NAME);
    }
    cards.sort_by(|a, b| (&a.sort, a.id).cmp(&(&b.sort, b.id)));
    let kind = cards.first().map(|card| card.kind.clone()).unwrap_or_default();
    let which = CardQuery { kind: &kind, ..CardQuery::default() };
    let stored = hub.states.cards(F::KEPT_AS, &which, None, 1_000).await.expect("reads");
    assert_eq!(stored, cards, "the cards of {}", F::NAME);
}

type Risk = super::Member<Scoring>;

/// Evaluating against no calendar would take every flag back.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_never_had_a_quiet_moment_knows_the_calendars() {
    let district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 10, "absent_excused"), ("1001", 20, "absent_excused")]);
    let mut ingest = Ingest::new(district.hub.clone(), Holder::embedded(), None);
    ingest.pass(now()).await.expect("a pass");

    let mut risk = Risk::join(district.hub.clone()).await.expect("joins");
    while !risk.was_assigned || !risk.at_work.is_empty() || risk.behind().await.expect("looks") > 0 {
        risk.turn(Duration::from_hours(1), &now).await.expect("a turn");
    }
    assert_eq!(district.told().await, ["risk.flag.raised 1001 pending"]);
}

/// Who waits is known in memory only; the store knows that somebody does.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_shard_over_evaluates_those_who_waited() {
    let district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 10, "absent_excused"), ("1001", 20, "absent_excused")]);
    Ingest::new(district.hub.clone(), Holder::embedded(), None).pass(now()).await.expect("a pass");

    let mut first = Risk::join(district.hub.clone()).await.expect("joins");
    while !first.was_assigned || first.behind().await.expect("looks") > 0 {
        first.step(Duration::from_secs(1), now()).await.expect("folds");
        first.begin_all(now()).await.expect("folds");
        first.finish().await.expect("has folded");
    }
    drop(first);
    assert_eq!(district.told().await, [""; 0], "folded, not evaluated");

    let mut second = Risk::join(district.hub.clone()).await.expect("joins");
    second.drain(now()).await.expect("drains");
    assert_eq!(district.told().await, ["risk.flag.raised 1001 pending"]);
}

/// Of two members one has nothing left to do. It hears all the same that shards are to be given up, and that they are its
/// own again: `up --once` waited for itself for ever where those who had them were killed.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_nothing_left_hears_what_the_group_decides() {
    let district = District::new(Mode::Live);
    let hub = &district.hub;
    let mut first = Risk::join(hub.clone()).await.expect("joins");
    first.drain(now()).await.expect("drains");
    let all = first.shards.len();
    let other = hub.log.join(&CONSUMER.group(&hub.settings.topics), &first.topics).await.expect("joins");
    first.drain(now()).await.expect("drains");
    assert!(first.shards.len() < all, "the other has its share of {all}");
    drop(other);
    first.drain(now()).await.expect("drains");
    assert_eq!(first.shards.len(), all);
}

#[tokio::test]
async fn a_kept_state_is_the_last_that_was_committed() {
    let who = |n: u8| StudentYear {
        school_year: 2026,
        student: StudentKey::from_uuid(uuid::Uuid::from_bytes([n; 16])),
    };
    let row = |n: u8, content: u8| StateRow { subject: who(n).subject(), state: vec![content], due_ms: None };
    let store = MemoryState::default();
    let lease = store.acquire("risk@1", 0).await.unwrap();
    let write =
        async |row| store.commit(&lease, &Batch { states: vec![row], ..Batch::default() }).await.unwrap();
    write(row(1, 1)).await;

    let mut kept = Kept::one_of(12);
    let asked = [who(1), who(2)];
    let mut load = async || kept.load(&store, &lease, &asked).await.unwrap();
    assert_eq!(load().await, [Some(row(1, 1)), None]);
    write(row(2, 1)).await;
    assert_eq!(load().await, [Some(row(1, 1)), Some(row(2, 1))], "that there was none is not kept");
    write(row(1, 2)).await;
    kept.keep(&[row(1, 2)]);
    assert_eq!(kept.load(&store, &lease, &asked).await.unwrap()[0], Some(row(1, 2)));
}
