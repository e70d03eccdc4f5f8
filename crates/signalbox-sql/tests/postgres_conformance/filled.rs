//! A hub's stores with something in every column, and all that can be read back through the traits.

use signalbox_store::card::{Card, CardQuery};
use signalbox_store::feed::{
    Closing, CrosswalkRow, Decision, FeedLease, FeedRow, Hold, HoldState, LedgerCounts, LedgerRow,
    LedgerStatus, Mark, Named, NewRun, Outcome, Reject, RejectGroup, RejectPlace, Run, Scope, Term,
};
use signalbox_store::outbox::{Amended, Amendment, Bundle, EndOf, Entry, NewEntry, Settled, WithheldBecause};
use signalbox_store::state::{Advance, Batch, Position, StateRow};
use signalbox_store::{FeedStore, Outbox, StateStore};
use uuid::Uuid;

use crate::batches;

const FEEDS: [&str; 3] = ["attendance", "never read", "sis"];
const SCOPES: [Scope; 2] = [Scope { entity: 1, school_year: 0 }, Scope { entity: 7, school_year: 2022 }];
const CONSUMERS: [&str; 2] = ["intervention@1", "risk@1"];
const SHARDS: u32 = 3;

/// More than a batch of any copy holds.
const ROWS: u32 = 5_000;

/// Longer than the test: the claim is in flight.
const HOLD_MS: i64 = 3_600_000;

/// All that a feed store tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feeds {
    pub(crate) rows: Vec<FeedRow>,
    runs: Vec<Run>,
    ledgers: Vec<(Vec<Scope>, LedgerCounts, Vec<LedgerRow>)>,
    usable: Vec<Option<Run>>,
    crosswalk: Vec<CrosswalkRow>,
    holds: Vec<Hold>,
    groups: Vec<RejectGroup>,
    rejects: Vec<Reject>,
    notes: [Option<String>; 2],
}

/// All that a state store and its outbox tell without a lease.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct States {
    positions: Vec<Vec<Position>>,
    rows: Vec<Vec<StateRow>>,
    cards: Vec<Vec<Card>>,
    pub(crate) entries: Vec<Entry>,
}

pub(crate) async fn feeds_of(store: &impl FeedStore) -> Feeds {
    let (mut runs, mut ledgers, mut usable) = (vec![], vec![], vec![]);
    for feed in FEEDS {
        for number in 1..9 {
            runs.extend(store.run(feed, number).await.expect("answers"));
        }
        for scope in SCOPES {
            let scopes = store.ledger_scopes(feed).await.expect("answers");
            let counts = store.ledger_counts(feed).await.expect("answers");
            ledgers.push((
                scopes,
                counts,
                store.ledger(feed, scope, None, usize::MAX).await.expect("answers"),
            ));
        }
        usable.push(store.last_usable_run(feed).await.expect("answers"));
    }
    Feeds {
        rows: store.feeds().await.expect("answers"),
        runs,
        ledgers,
        usable,
        crosswalk: store.crosswalk(None, usize::MAX).await.expect("answers"),
        holds: store.holds(&HoldState::ALL).await.expect("answers"),
        groups: store.reject_groups().await.expect("answers"),
        rejects: store.rejects(usize::MAX).await.expect("answers"),
        notes: [store.note("policy").await.expect("answers"), store.note("another").await.expect("answers")],
    }
}

pub(crate) async fn states_of(store: &(impl StateStore + Outbox)) -> States {
    let (mut positions, mut rows) = (vec![], vec![]);
    for consumer in CONSUMERS {
        for shard in 0..SHARDS {
            positions.push(store.positions(consumer, shard).await.expect("answers"));
            rows.push(store.scan(consumer, shard, None, usize::MAX).await.expect("answers"));
        }
    }
    let mut cards = vec![];
    for consumer in CONSUMERS {
        let flags = CardQuery { kind: "flag", ..CardQuery::default() };
        cards.push(store.cards(consumer, &flags, None, usize::MAX).await.expect("answers"));
    }
    States { positions, rows, cards, entries: store.entries(0, usize::MAX).await.expect("answers") }
}

pub(crate) async fn fill_feeds(store: &impl FeedStore) {
    let term = Term { holder: "embedded", now_ms: 0, until_ms: i64::MAX };
    store.take("never read", term).await.expect("answers");
    store.take("sis", term).await.expect("answers");
    let sis = store.take("sis", term).await.expect("answers");
    store.save_settings(&sis, r#"{"mode":"live"}"#).await.expect("answers");
    store.add_crosswalk(&sis, &crosswalk()).await.expect("answers");
    for scope in SCOPES {
        store.record(&sis, scope, &ledger(ROWS)).await.expect("answers");
    }
    close(
        store,
        &sis,
        "one.csv",
        Closing { rejects: Some((groups(), rejects())), ..closing(Outcome::Accepted) },
    )
    .await;
    for (id, run) in [("waits", 2), ("was refused", 3)] {
        let held = Closing { hold: Some(hold(id, run)), ..closing(Outcome::Held) };
        close(store, &sis, "two.csv", held).await;
    }
    assert!(
        store.decide_hold("was refused", HoldState::Refused, "ada", "half a file").await.expect("answers")
    );

    let attendance = store.take("attendance", term).await.expect("answers");
    let open = store.open_run(&attendance, run("tränen 'n more.csv")).await.expect("answers");
    let decision = Decision { run: open.number, gated: r#"{"add":3}"#.to_owned(), settings: None };
    store.gate_run(&attendance, &decision, None).await.expect("answers");
    store.record(&attendance, SCOPES[1], &ledger(3)).await.expect("answers");
    store.save_note("policy", "").await.expect("answers");
}

/// Leaves an entry in each state, and one that is being delivered.
pub(crate) async fn fill_states(store: &(impl StateStore + Outbox)) {
    for consumer in CONSUMERS {
        for shard in 0..SHARDS {
            store.acquire(consumer, shard).await.expect("answers");
            let lease = store.acquire(consumer, shard).await.expect("answers");
            let outbox = if shard == 0 && consumer == "risk@1" { entries() } else { vec![] };
            let to = Amended::Withheld(WithheldBecause::HasLeft);
            let amendments = vec![Amendment { id: Uuid::from_u128(101), to, at_ms: 3 }];
            let states = (0..ROWS / 5).map(|n| state(shard, n)).collect();
            let advances = vec![advance("roster", None), advance("attendance", Some("an id"))];
            store
                .commit(&lease, &Batch { advances, states, cards: vec![card(shard)], outbox, amendments })
                .await
                .expect("answers");
        }
    }
    for how in [Settled::Delivered, Settled::Dead, Settled::RetryAt { at_ms: 777 }] {
        let claim = store.claim("hook", 10, HOLD_MS, 1).await.expect("answers").remove(0);
        assert!(store.settle(&claim, how, Some("why")).await.expect("answers"));
    }
    let in_flight = store.claim("hook", 10, HOLD_MS, 1).await.expect("answers").remove(0);
    assert_eq!((in_flight.entry.id, in_flight.entry.attempts), (Uuid::from_u128(4), 1));
    assert!(
        store
            .bundle(&[Bundle { parts: vec![Uuid::from_u128(100)], into: entry(200) }])
            .await
            .expect("answers")
    );
}

fn card(shard: u32) -> Card {
    Card {
        kind: "flag".into(),
        id: Uuid::from_u128(u128::from(shard)),
        subject: vec![b's', shard as u8],
        state: "open".into(),
        about: "behavior".into(),
        school: (shard == 1).then(|| "tränen 'n more".into()),
        sort: format!("{shard}"),
        body: "{}".into(),
    }
}

/// The entry that [`fill_states`] leaves being delivered.
pub(crate) fn in_flight(states: &States) -> &Entry {
    states.entries.iter().find(|entry| entry.id == Uuid::from_u128(4)).expect("was written")
}

/// Epochs are told only by raising them.
pub(crate) async fn raised_epochs(feeds: &impl FeedStore, states: &impl StateStore) -> Vec<u64> {
    let mut epochs = vec![];
    for feed in FEEDS {
        let term = Term { holder: "another", now_ms: 0, until_ms: 0 };
        epochs.push(feeds.take(feed, term).await.expect("answers").epoch);
    }
    for consumer in CONSUMERS {
        for shard in 0..SHARDS {
            epochs.push(states.acquire(consumer, shard).await.expect("answers").epoch);
        }
    }
    epochs
}

fn crosswalk() -> Vec<CrosswalkRow> {
    let row = |what, n: u32| CrosswalkRow {
        what,
        id_type: "sourcedId".into(),
        id: format!("{n:06}"),
        target: format!("target-{n}"),
        first: n.is_multiple_of(2),
    };
    (0..ROWS).map(|n| row(if n < 20 { Named::School } else { Named::Student }, n)).collect()
}

fn ledger(rows: u32) -> Vec<LedgerRow> {
    let row = |n: u32| LedgerRow {
        key: (u128::from(n) << 64 | 0xab).to_be_bytes(),
        content: u64::MAX - u64::from(n),
        revision: n + 1,
        status: [LedgerStatus::Live, LedgerStatus::Ended, LedgerStatus::Unmatched][n as usize % 3],
        read_ms: i64::from(n),
        detail: vec![7; n as usize % 200],
    };
    (0..rows).map(row).collect()
}

fn run(name: &str) -> NewRun {
    NewRun {
        payload: "sha256:aa".into(),
        name: name.into(),
        opened_ms: 5,
        marks: vec![Mark { name: "attendance.csv".into(), value: Some("{}".into()) }],
        cause: "drop".into(),
    }
}

fn closing(outcome: Outcome) -> Closing {
    Closing::new(outcome, r#"{"add":1}"#.into())
}

async fn close(store: &impl FeedStore, lease: &FeedLease, name: &str, closing: Closing) {
    let number = store.open_run(lease, run(name)).await.expect("answers").number;
    store.close_run(lease, number, closing).await.expect("answers");
}

fn hold(id: &str, run: u64) -> Hold {
    Hold {
        id: id.into(),
        feed: "sis".into(),
        run,
        reason: "file".into(),
        would_end: 40,
        schools: r#"[{"school":"100","would_end":40}]"#.into(),
        since_ms: 3,
        state: HoldState::Waiting,
        decided_by: None,
        decided_reason: None,
    }
}

fn groups() -> Vec<RejectGroup> {
    let group = |code: &str, first| RejectGroup {
        feed: "sis".into(),
        code: code.into(),
        value_class: "9/9/9".into(),
        count: 4,
        first,
        help: "declare the format".into(),
    };
    let place = RejectPlace { file: "one.csv".into(), row: Some(2), column: Some("Att_Date".into()) };
    let whole = RejectPlace { file: "one.csv".into(), row: None, column: None };
    vec![group("B", place), group("A", whole)]
}

fn rejects() -> Vec<Reject> {
    let reject = |row: u64| Reject {
        feed: "sis".into(),
        code: "A".into(),
        value_class: String::new(),
        place: RejectPlace {
            file: "one.csv".into(),
            row: (row > 0).then_some(row / 2),
            column: (row > 0).then(|| format!("column {row}")),
        },
        help: "declare the format".into(),
    };
    (0..u64::from(ROWS)).map(reject).collect()
}

fn advance(topic: &str, last_id: Option<&str>) -> Advance {
    Advance { from: 0, to: Position { topic: topic.into(), next: 42, last_id: last_id.map(str::to_owned) } }
}

fn state(shard: u32, n: u32) -> StateRow {
    let subject = if n == 0 { vec![] } else { [shard.to_be_bytes(), n.to_be_bytes()].concat() };
    StateRow {
        subject,
        state: vec![n as u8; n as usize * 5].into(),
        due_ms: n.is_multiple_of(2).then_some(i64::from(n)),
    }
}

fn entries() -> Vec<NewEntry> {
    vec![
        entry(1),
        entry(2),
        entry(3),
        entry(4),
        NewEntry { withheld: Some(WithheldBecause::InTest), ..entry(5) },
        NewEntry { flag_id: None, ..entry(6) },
        NewEntry { end_of: Some(EndOf { id: Uuid::from_u128(6), takes_back: true }), ..entry(7) },
        NewEntry { part: true, ..entry(100) },
        NewEntry { part: true, ..entry(101) },
    ]
}

fn entry(id: u128) -> NewEntry {
    NewEntry {
        target: "hook".into(),
        lane: format!("student {id}"),
        flag_id: Some(Uuid::from_u128(id * 1_000)),
        body: vec![id as u8; 300],
        created_ms: 10,
        ..batches::entry(id)
    }
}
