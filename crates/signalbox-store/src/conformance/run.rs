//! What every [`FeedStore`] promises of runs.

use super::feed::{close, closing, new_run, work};
use super::hold::{decide, hold, open_holds};
use super::{assert_refused, taken};
use crate::FeedStore;
use crate::feed::{Closing, HoldState, LedgerRow, LedgerStatus, NewRun, Outcome, Run, Scope, Unsent};

pub async fn run_numbers_ascend(store: &impl FeedStore) {
    let (sis, other) = (taken(store, "sis").await, taken(store, "other").await);
    for expected in 1..=3 {
        let run = store.open_run(&sis, new_run("one", None)).await.expect("opens");
        assert_eq!((run.feed.as_str(), run.number), ("sis", expected));
        close(store, &sis, run.number, closing(Outcome::Accepted)).await;
    }
    assert_eq!(store.open_run(&other, new_run("one", None)).await.expect("opens").number, 1);
}

pub async fn an_unfinished_run_comes_first(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    assert_eq!(store.open(&lease).await.expect("reads"), None);
    let first = store.open_run(&lease, new_run("one", Some(b"cursor"))).await.expect("opens");
    assert_eq!(first, new_run("one", Some(b"cursor")).numbered("sis", 1));

    let lease = taken(store, "sis").await;
    assert_eq!(store.open(&lease).await.expect("reads"), Some(first.clone()));
    assert_eq!(store.open_run(&lease, new_run("two", None)).await.expect("opens"), first);
    assert_eq!(store.feed("sis").await.expect("reads").expect("is there").last_run, None);
    close(store, &lease, 1, closing(Outcome::Accepted)).await;
    assert_eq!(store.open(&lease).await.expect("reads"), None);
    assert_eq!(store.open_run(&lease, new_run("two", None)).await.expect("opens").name, "two");
}

pub async fn what_the_gate_decided_survives(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let run = store.open_run(&lease, new_run("one", None)).await.expect("opens");
    store.gate_run(&lease, run.number, r#"{"add":3}"#).await.expect("remembers");
    let lease = taken(store, "sis").await;
    let resumed = store.open(&lease).await.expect("reads").expect("is open");
    assert_eq!(resumed, Run { gated: Some(r#"{"add":3}"#.into()), ..run });
}

/// Whoever finishes the run tells of them again: perhaps nobody heard.
pub async fn an_open_run_names_the_rows_recorded_last(store: &impl FeedStore) {
    let mut lease = taken(store, "sis").await;
    let row = |key: u8| LedgerRow {
        key: [key; 16],
        content: 7,
        revision: 1,
        status: LedgerStatus::Live,
        detail: vec![key],
    };
    let scope = |school_year| Scope { entity: 0x83, school_year };
    store.record(&lease, scope(2022), &[row(9)]).await.expect("records, of no run");
    let run = store.open_run(&lease, new_run("one", None)).await.expect("opens");
    assert_eq!(run.unsent, None);
    for (year, keys) in [(2022, &[1, 2, 5][..]), (2023, &[4][..])] {
        let rows: Vec<LedgerRow> = keys.iter().map(|key| row(*key)).collect();
        store.record(&lease, scope(year), &rows).await.expect("records");
        lease = taken(store, "sis").await;
        let named = store.open(&lease).await.expect("reads").expect("is open").unsent.expect("is named");
        assert_eq!(Some(named), Unsent::of(scope(year), &rows));
        store.record(&lease, scope(2024), &[]).await.expect("there is nothing to name");
        assert_eq!(store.open(&lease).await.expect("reads").expect("is open").unsent, Some(named));
    }
    close(store, &lease, run.number, closing(Outcome::Accepted)).await;
    assert_eq!(store.run("sis", run.number).await.expect("reads").expect("is there").unsent, None);
}

pub async fn closing_moves_the_cursor_and_stores_the_summary(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let run = store.open_run(&lease, new_run("one", Some(b"after one"))).await.expect("opens");
    assert_eq!(store.feed("sis").await.expect("reads").expect("is there").cursor, None);
    close(store, &lease, run.number, closing(Outcome::Held)).await;

    let closed = Run { outcome: Some(Outcome::Held), summary: Some("{}".into()), ..run };
    let row = store.feed("sis").await.expect("reads").expect("is there");
    assert_eq!(row.cursor.as_deref(), Some(b"after one".as_slice()));
    assert_eq!(row.last_run, Some(closed.clone()));
    assert_eq!(store.run("sis", 1).await.expect("reads"), Some(closed));
    assert_eq!(store.run("sis", 2).await.expect("reads"), None);
}

pub async fn a_run_without_cursor_leaves_the_feeds(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    work(store, &lease, new_run("one", Some(b"after one")), closing(Outcome::Accepted)).await;
    work(store, &lease, new_run("again", None), closing(Outcome::Accepted)).await;
    let row = store.feed("sis").await.expect("reads").expect("is there");
    assert_eq!(row.cursor.as_deref(), Some(b"after one".as_slice()));
    assert_eq!(row.last_run.map(|run| run.name), Some("again".into()));
}

pub async fn an_abandoned_run_leaves_the_cursor(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let number = work(store, &lease, new_run("one", Some(b"after one")), closing(Outcome::Abandoned)).await;
    let row = store.feed("sis").await.expect("reads").expect("is there");
    assert_eq!(row.cursor, None, "the payload is read again");
    assert_eq!(row.last_run.map(|run| run.outcome), Some(Some(Outcome::Abandoned)));
    assert_eq!(store.last_usable_run("sis").await.expect("reads"), None);
    assert_eq!(store.open_run(&lease, new_run("one", None)).await.expect("opens").number, number + 1);
}

pub async fn only_the_open_run_is_gated_or_closed(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let number = work(store, &lease, new_run("one", None), closing(Outcome::Accepted)).await;
    let before = store.run("sis", number).await.expect("reads");
    for number in [number, number + 1] {
        assert_refused!(store.gate_run(&lease, number, "{}").await, Failed(_));
        let closing = Closing { hold: Some(hold("h", "sis", number, 1)), ..closing(Outcome::Held) };
        assert_refused!(store.close_run(&lease, number, closing).await, Failed(_));
    }
    assert_eq!(store.run("sis", number).await.expect("reads"), before);
    assert_eq!(store.holds().await.expect("reads"), []);
}

pub async fn the_last_usable_run_passes_over_what_was_refused(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    assert_eq!(usable(store).await, None);
    work(store, &lease, new_run("accepted", None), closing(Outcome::Accepted)).await;
    work(store, &lease, new_run("refused", None), closing(Outcome::Refused)).await;
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));

    open_holds(store, &lease, &["held"]).await;
    assert_eq!(usable(store).await.as_deref(), Some("held"));
    assert!(decide(store, "held", HoldState::Refused).await);
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));

    let without_payload = NewRun { payload: String::new(), ..new_run("released", None) };
    work(store, &lease, without_payload, closing(Outcome::Accepted)).await;
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));
    store.open_run(&lease, new_run("open", None)).await.expect("opens");
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));
    assert_eq!(store.last_usable_run("other").await.expect("reads"), None);
}

async fn usable(store: &impl FeedStore) -> Option<String> {
    store.last_usable_run("sis").await.expect("reads").map(|run| run.name)
}
