use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::json;
use signalbox_connector::destination::Told;
use signalbox_connector::{Alert, DeliverCx, DeliverError, Destination, ErrorKind, Receipt, Repeats};
use signalbox_store::StateStore;
use signalbox_store::memory::{MemoryFeeds, MemoryState};
use signalbox_store::outbox::{Entry, EntryState, NewEntry, TO_LOG, WithheldBecause};
use signalbox_store::state::Batch;
use uuid::Uuid;

use super::*;

mod outage;
mod schedule;
mod standing;

/// Answers as scripted, then takes everything. Shared with the test that looks.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Option<ErrorKind>>>,
    always: Option<ErrorKind>,
    seen: Mutex<Vec<(Alert, u32)>>,
    in_flight: AtomicUsize,
    in_flight_max: AtomicUsize,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Option<ErrorKind>>) -> &'static Self {
        Self::leak(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    fn always(kind: ErrorKind) -> &'static Self {
        Self::leak(Self { always: Some(kind), ..Self::default() })
    }

    fn leak(self) -> &'static Self {
        Box::leak(Box::new(self))
    }

    fn target(&'static self, name: &str) -> Target {
        Target { name: name.to_owned(), destination: Arc::new(Scripted(self)) }
    }

    fn seen_ids(&self) -> Vec<u128> {
        self.seen.lock().unwrap().iter().map(|(alert, _)| alert.id.as_u128()).collect()
    }
}

struct Scripted(&'static Script);

#[async_trait]
impl Destination for Scripted {
    fn repeats(&self) -> Repeats {
        Repeats::Harmless
    }

    fn told(&self) -> Told {
        Told::AtOnce
    }

    async fn deliver(&self, cx: &DeliverCx, alert: &Alert) -> Result<Receipt, DeliverError> {
        self.0.seen.lock().unwrap().push((alert.clone(), cx.attempt));
        let scripted = self.0.answers.lock().unwrap().pop_front();
        let now_in_flight = self.0.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.in_flight_max.fetch_max(now_in_flight, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        match scripted.unwrap_or(self.0.always) {
            None => Ok(Receipt::default()),
            Some(kind) => Err(DeliverError { kind, message: "scripted".to_owned(), source: None }),
        }
    }
}

const START_MS: i64 = 1_790_032_205_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn entry(number: u128, lane: &str) -> NewEntry {
    NewEntry {
        id: Uuid::from_u128(number),
        target: "counselor".to_owned(),
        lane: lane.to_owned(),
        kind: "risk.flag.raised".to_owned(),
        flag_id: None,
        body: br#"{"indicator":"chronic-absence"}"#.to_vec(),
        created_ms: START_MS,
        withheld: None,
        part: false,
        end_of: None,
    }
}

fn lanes(count: u128) -> Vec<NewEntry> {
    (1..=count).map(|number| entry(number, &format!("lane-{number}"))).collect()
}

async fn outbox(entries: impl IntoIterator<Item = NewEntry>) -> MemoryState {
    let store = MemoryState::default();
    let lease = store.acquire("risk@1", 0).await.unwrap();
    let batch = Batch { outbox: entries.into_iter().collect(), ..Batch::default() };
    store.commit(&lease, &batch).await.unwrap();
    store
}

async fn run(store: &MemoryState, script: &'static Script, now_ms: i64) -> Delivered {
    let target = script.target("counselor");
    super::standing::make_list(store, &target, "grand-bend", at(now_ms)).await.unwrap();
    step(store, &MemoryFeeds::default(), &[target], at(now_ms)).await.unwrap()
}

async fn all(store: &MemoryState) -> Vec<Entry> {
    store.entries(0, 10_000).await.unwrap()
}

#[tokio::test]
async fn what_is_due_is_delivered() {
    let store = outbox(lanes(20)).await;
    let script = Script::of([]);
    let done = run(&store, script, START_MS).await;
    assert_eq!(done, Delivered { attempted: 20, delivered: 20, ..Delivered::default() });
    assert!(all(&store).await.iter().all(|entry| entry.state == EntryState::Delivered));
    let seen = script.seen.lock().unwrap()[0].clone();
    let expected = Alert {
        id: Uuid::from_u128(1),
        kind: "risk.flag.raised".to_owned(),
        decided: at(START_MS),
        data: json!({"indicator": "chronic-absence"}),
    };
    assert_eq!(seen, (expected, 1));
}

#[tokio::test]
async fn a_second_step_repeats_nothing() {
    let store = outbox(lanes(3)).await;
    let script = Script::of([]);
    run(&store, script, START_MS).await;
    assert_eq!(run(&store, script, START_MS + 1_000).await, Delivered::default());
    assert_eq!(script.seen_ids().len(), 3);
}

#[tokio::test]
async fn a_refusal_for_good_is_final_and_frees_the_lane() {
    let store = outbox([entry(1, "lane"), entry(2, "lane")]).await;
    let script = Script::of([Some(ErrorKind::Permanent)]);
    let done = run(&store, script, START_MS).await;
    assert_eq!(done, Delivered { attempted: 2, delivered: 1, dead: 1, ..Delivered::default() });
    assert_eq!(script.seen_ids(), [1, 2]);
}

#[tokio::test]
async fn a_lane_is_told_in_order() {
    let store = outbox((1..=12).map(|number| entry(number, "lane"))).await;
    let script = Script::of([]);
    run(&store, script, START_MS).await;
    assert_eq!(script.seen_ids(), (1..=12).collect::<Vec<u128>>());
    assert_eq!(script.in_flight_max.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_waits_for_a_retry_holds_its_lane_up() {
    let store = outbox([entry(1, "lane"), entry(2, "lane"), entry(3, "other")]).await;
    let script = Script::of([Some(ErrorKind::Transient)]);
    let first = run(&store, script, START_MS).await;
    assert_eq!(script.seen_ids(), [1, 3]);
    run(&store, script, first.next_try_ms.unwrap()).await;
    assert_eq!(script.seen_ids(), [1, 3, 1, 2]);
}

#[tokio::test]
async fn lanes_go_on_beside_each_other_within_bounds() {
    let store = outbox(lanes(100)).await;
    let script = Script::of([]);
    run(&store, script, START_MS).await;
    let most = script.in_flight_max.load(Ordering::SeqCst);
    assert!((4..=IN_FLIGHT_MAX).contains(&most), "{most}");
}

#[tokio::test]
async fn a_target_that_is_down_is_left_alone() {
    let store = outbox(lanes(50)).await;
    let done = run(&store, Script::always(ErrorKind::Transient), START_MS).await;
    assert_eq!((done.attempted, done.retried), (3, 3));
    let untouched = all(&store).await.iter().filter(|entry| entry.attempts == 0).count();
    assert_eq!(untouched, 47);
    assert!(done.next_try_ms.unwrap() > START_MS, "the caller need not come back at once");
}

#[tokio::test]
async fn failures_that_are_not_in_a_row_do_not_stop_the_step() {
    let store = outbox(lanes(40)).await;
    let often = (0..40).map(|n| (n % 2 == 0).then_some(ErrorKind::Transient));
    let done = run(&store, Script::of(often), START_MS).await;
    assert_eq!((done.attempted, done.delivered, done.retried), (40, 20, 20));
}

#[tokio::test]
async fn a_retry_after_is_obeyed_by_all_of_the_target() {
    let store = outbox(lanes(50)).await;
    let script = Script::of([None, Some(ErrorKind::RateLimited { retry_after_s: 90 })]);
    let done = run(&store, script, START_MS).await;
    assert_eq!(done.retried, 1);
    assert_eq!(done.next_try_ms, Some(START_MS + 90_000));
    assert!(done.attempted <= FAILURES_MAX + IN_FLIGHT_MAX, "{done:?}");
}

#[tokio::test]
async fn a_step_whose_time_is_over_begins_nothing_and_says_so() {
    let store = outbox(lanes(5)).await;
    let target = Script::of([]).target("counselor");
    let notes = MemoryFeeds::default();
    let until = Instant::now();
    let round = Round { outbox: &store, notes: &notes, target: &target, now: at(START_MS), until };
    let done = round.run().await.unwrap();
    assert_eq!(done, Delivered { next_try_ms: Some(START_MS), ..Delivered::default() });
}

#[tokio::test]
async fn a_step_can_be_spawned() {
    let store: &'static MemoryState = Box::leak(Box::new(outbox(lanes(2)).await));
    let targets: &'static [Target] = Box::leak(Box::new([Script::of([]).target("counselor")]));
    let notes: &'static MemoryFeeds = Box::leak(Box::default());
    let done = tokio::spawn(step(store, notes, targets, at(START_MS))).await.unwrap();
    assert_eq!(done.unwrap().delivered, 2);
}

#[tokio::test]
async fn one_target_does_not_stop_another() {
    let to = |target: &str, number| NewEntry { target: target.to_owned(), ..entry(number, "lane") };
    let store = outbox([to("down", 1), to("up", 2)]).await;
    let (down, up) = (Script::always(ErrorKind::Transient), Script::of([]));
    let targets = [down.target("down"), up.target("up")];
    let notes = MemoryFeeds::default();
    let done = step(&store, &notes, &targets, at(START_MS)).await.unwrap();
    assert_eq!((done.attempted, done.delivered, done.retried), (2, 1, 1));
    assert_eq!(up.seen_ids(), [2]);
    let outage = Outage { since: at(START_MS), error: "scripted".to_owned(), is_for_good: false };
    assert_eq!(Outage::of(&notes, "down").await.unwrap(), Some(outage));
    assert_eq!(Outage::of(&notes, "up").await.unwrap(), None);
}

#[tokio::test]
async fn what_belongs_to_the_log_or_is_withheld_stays() {
    let to_log = NewEntry { target: TO_LOG.to_owned(), ..entry(1, "lane") };
    let withheld = NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(2, "lane") };
    let store = outbox([to_log, withheld]).await;
    assert_eq!(run(&store, Script::of([]), START_MS).await, Delivered::default());
}

#[tokio::test]
async fn an_unreadable_entry_is_given_up_untold() {
    let store = outbox([NewEntry { body: b"{".to_vec(), ..entry(1, "lane") }]).await;
    let script = Script::of([]);
    assert_eq!(run(&store, script, START_MS).await.dead, 1);
    assert_eq!(script.seen_ids(), [0; 0]);
}

/// Takes the entry over while it is being told, as a second process does after a long pause of the first.
struct Usurper(&'static MemoryState);

#[async_trait]
impl Destination for Usurper {
    fn repeats(&self) -> Repeats {
        Repeats::Harmless
    }

    fn told(&self) -> Told {
        Told::AtOnce
    }

    async fn deliver(&self, cx: &DeliverCx, _: &Alert) -> Result<Receipt, DeliverError> {
        let later = cx.now.as_millisecond() + HOLD.as_millis() as i64;
        assert_eq!(self.0.claim("counselor", later, 1_000, 1).await.unwrap().len(), 1);
        Ok(Receipt::default())
    }
}

#[tokio::test]
async fn a_claim_that_was_taken_over_is_not_settled() {
    let store: &'static MemoryState = Box::leak(Box::new(outbox(lanes(1)).await));
    let target = Target { name: "counselor".to_owned(), destination: Arc::new(Usurper(store)) };
    let done = step(store, &MemoryFeeds::default(), &[target], at(START_MS)).await.unwrap();
    assert_eq!(done, Delivered { attempted: 1, ..Delivered::default() });
    assert_eq!(all(store).await[0].state, EntryState::Pending);
}

fn answers() -> impl Strategy<Value = Vec<Option<ErrorKind>>> {
    let answer = prop_oneof![
        2 => Just(None),
        1 => Just(Some(ErrorKind::Transient)),
        1 => Just(Some(ErrorKind::Unauthorized)),
        1 => Just(Some(ErrorKind::Permanent)),
        1 => (0..100_u64).prop_map(|retry_after_s| Some(ErrorKind::RateLimited { retry_after_s })),
    ];
    proptest::collection::vec(answer, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// I6, I8: whatever a target answers, every alert ends delivered or dead, and a lane never overtakes itself.
    #[test]
    fn every_alert_ends_and_no_lane_overtakes_itself(
        answers in answers(),
        lanes in proptest::collection::vec(0..4_u8, 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let entries = lanes.iter().zip(1..).map(|(lane, number)| entry(number, &lane.to_string()));
            let store = outbox(entries).await;
            let script = Script::of(answers);
            let mut now_ms = START_MS;
            for _ in 0..200 {
                run(&store, script, now_ms).await;
                now_ms += 86_400_000 * 2;
            }
            let entries = all(&store).await;
            for entry in &entries {
                prop_assert!(matches!(entry.state, EntryState::Delivered | EntryState::Dead));
                prop_assert!(entry.attempts <= 10);
            }
            let lane_of: HashMap<u128, &str> =
                entries.iter().map(|entry| (entry.id.as_u128(), entry.lane.as_str())).collect();
            let mut last: HashMap<&str, u128> = HashMap::new();
            for id in script.seen_ids() {
                let before = last.insert(lane_of[&id], id);
                prop_assert!(before.is_none_or(|before| before <= id));
            }
            Ok(())
        })?;
    }
}
