//! What every [`FeedStore`] promises of runs.

use super::feed::{close, closing, new_run, work};
use super::hold::{decide, hold, open_holds};
use super::{assert_refused, taken};
use crate::FeedStore;
use crate::feed::{
    Closing, Decision, FeedLease, HoldState, LedgerRow, LedgerStatus, NewRun, Outcome, Run, Scope,
    Superseded, Unsent,
};

pub async fn run_numbers_ascend(store: &impl FeedStore) {
    let (sis, other) = (taken(store, "sis").await, taken(store, "other").await);
    for expected in 1..=3 {
        let run = store.open_run(&sis, new_run("one", &[])).await.expect("opens");
        assert_eq!((run.feed.as_str(), run.number), ("sis", expected));
        close(store, &sis, run.number, closing(Outcome::Accepted)).await;
    }
    assert_eq!(store.open_run(&other, new_run("one", &[])).await.expect("opens").number, 1);
}

pub async fn an_unfinished_run_comes_first(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    assert_eq!(store.open(&lease).await.expect("reads"), None);
    let first = store.open_run(&lease, new_run("one", &[("a.csv", Some("1"))])).await.expect("opens");
    assert_eq!(first, new_run("one", &[("a.csv", Some("1"))]).numbered("sis", 1));

    let lease = taken(store, "sis").await;
    assert_eq!(store.open(&lease).await.expect("reads"), Some(first.clone()));
    assert_eq!(store.open_run(&lease, new_run("two", &[])).await.expect("opens"), first);
    assert_eq!(store.feed("sis").await.expect("reads").expect("is there").last_run, None);
    close(store, &lease, 1, closing(Outcome::Accepted)).await;
    assert_eq!(store.open(&lease).await.expect("reads"), None);
    assert_eq!(store.open_run(&lease, new_run("two", &[])).await.expect("opens").name, "two");
}

fn row(key: u8) -> LedgerRow {
    LedgerRow {
        key: [key; 16],
        content: 7,
        revision: 1,
        status: LedgerStatus::Live,
        read_ms: 1,
        detail: vec![key],
    }
}

fn decision(run: u64, gated: &str, settings: Option<&str>) -> Decision {
    Decision { run, gated: gated.to_owned(), settings: settings.map(str::to_owned) }
}

pub async fn what_the_gate_decided_survives(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let run = store.open_run(&lease, new_run("one", &[])).await.expect("opens");
    store.gate_run(&lease, &decision(run.number, r#"{"add":3}"#, None), None).await.expect("remembers");
    let lease = taken(store, "sis").await;
    let resumed = store.open(&lease).await.expect("reads").expect("is open");
    assert_eq!(resumed, Run { gated: Some(r#"{"add":3}"#.into()), ..run });
}

/// The first rows of a decision are recorded with it, both or neither.
pub async fn a_decision_and_its_first_rows_are_one(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let run = store.open_run(&lease, new_run("one", &[])).await.expect("opens");
    let scope = Scope { entity: 3, school_year: 2022 };
    let decided = decision(run.number, "{}", Some("new"));
    let disordered = [row(2), row(1)];
    assert_refused!(store.gate_run(&lease, &decided, Some((scope, &disordered))).await, Failed(_));
    assert_refused!(
        store.gate_run(&lease, &decision(9, "{}", None), Some((scope, &[row(1)]))).await,
        Failed(_)
    );
    assert_eq!(store.open(&lease).await.expect("reads"), Some(run.clone()), "nothing was written");
    assert_eq!(store.ledger("sis", scope, None, 9).await.expect("reads"), []);

    let rows = [row(1), row(2)];
    store.gate_run(&lease, &decided, Some((scope, &rows))).await.expect("remembers both");
    let open = store.open(&lease).await.expect("reads").expect("is open");
    let unsent = Unsent::of(scope, &rows);
    assert_eq!(open, Run { gated: Some("{}".to_owned()), unsent, ..run });
    assert_eq!(store.ledger("sis", scope, None, 9).await.expect("reads"), rows);
    assert_eq!(store.settings("sis").await.expect("reads").as_deref(), Some("new"));
}

/// Whoever finishes the run tells of them again: perhaps nobody heard.
pub async fn an_open_run_names_the_rows_recorded_last(store: &impl FeedStore) {
    let mut lease = taken(store, "sis").await;
    let scope = |school_year| Scope { entity: 0x83, school_year };
    store.record(&lease, scope(2022), &[row(9)]).await.expect("records, of no run");
    let run = store.open_run(&lease, new_run("one", &[])).await.expect("opens");
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

async fn cursor(store: &impl FeedStore) -> Vec<(String, String)> {
    store.cursor("sis").await.expect("reads").into_iter().collect()
}

fn marks(marks: &[(&str, &str)]) -> Vec<(String, String)> {
    marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub async fn closing_moves_the_cursor_and_stores_the_summary(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let run = store.open_run(&lease, new_run("one", &[("a.csv", Some("1"))])).await.expect("opens");
    assert_eq!(cursor(store).await, []);
    close(store, &lease, run.number, closing(Outcome::Held)).await;

    let closed = Run { outcome: Some(Outcome::Held), summary: Some("{}".into()), ..run };
    let row = store.feed("sis").await.expect("reads").expect("is there");
    assert_eq!(cursor(store).await, marks(&[("a.csv", "1")]));
    assert_eq!(row.last_run, Some(closed.clone()));
    assert_eq!(store.run("sis", 1).await.expect("reads"), Some(closed));
    assert_eq!(store.run("sis", 2).await.expect("reads"), None);
}

pub async fn gating_and_closing_replace_settings_or_leave_them(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let run = store.open_run(&lease, new_run("gated", &[])).await.expect("opens");
    for settings in [Some("old"), None] {
        let decision = decision(run.number, "{}", settings);
        store.gate_run(&lease, &decision, None).await.expect("remembers");
    }
    assert_eq!(store.settings("sis").await.expect("reads").as_deref(), Some("old"));
    close(store, &lease, run.number, closing(Outcome::Accepted)).await;
    let replacing = Closing { settings: Some("new".into()), ..closing(Outcome::Accepted) };
    work(store, &lease, new_run("one", &[]), replacing).await;
    work(store, &lease, new_run("two", &[]), closing(Outcome::Accepted)).await;
    assert_eq!(store.settings("sis").await.expect("reads").as_deref(), Some("new"));
}

pub async fn marks_are_moved_and_taken_away(store: &impl FeedStore) {
    let (lease, other) = (taken(store, "sis").await, taken(store, "other").await);
    let accepted = || closing(Outcome::Accepted);
    work(store, &other, new_run("other", &[("a.csv", Some("of another"))]), accepted()).await;
    work(store, &lease, new_run("one", &[("a.csv", Some("1")), ("b.csv", Some("1"))]), accepted()).await;
    work(store, &lease, new_run("again", &[]), accepted()).await;
    assert_eq!(cursor(store).await, marks(&[("a.csv", "1"), ("b.csv", "1")]));
    work(store, &lease, new_run("two", &[("b.csv", Some("2")), ("a.csv", None)]), accepted()).await;
    assert_eq!(cursor(store).await, marks(&[("b.csv", "2")]));
    store.forget(&lease).await.expect("forgets");
    assert_eq!(cursor(store).await, []);
}

pub async fn an_abandoned_run_leaves_the_cursor(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let run = new_run("one", &[("a.csv", Some("1"))]);
    let number = work(store, &lease, run, closing(Outcome::Abandoned)).await;
    let row = store.feed("sis").await.expect("reads").expect("is there");
    assert_eq!(cursor(store).await, [], "the payload is read again");
    assert_eq!(row.last_run.map(|run| run.outcome), Some(Some(Outcome::Abandoned)));
    assert_eq!(store.last_usable_run("sis").await.expect("reads"), None);
    assert_eq!(store.open_run(&lease, new_run("one", &[])).await.expect("opens").number, number + 1);
}

/// Runs of these payloads, opened at 5.
async fn worked(store: &impl FeedStore, lease: &FeedLease, payload: &str, outcome: Outcome) -> u64 {
    let run = NewRun { payload: payload.to_owned(), ..new_run(payload, &[]) };
    work(store, lease, run, closing(outcome)).await
}

async fn numbers(store: &impl FeedStore, last: u64) -> Vec<u64> {
    let mut kept = Vec::new();
    for number in 1..=last {
        kept.extend(store.run("sis", number).await.expect("reads").map(|run| run.number));
    }
    kept
}

pub async fn what_is_over_is_pruned(store: &impl FeedStore) {
    let (lease, other) = (taken(store, "sis").await, taken(store, "other").await);
    worked(store, &other, "sha256:of-another", Outcome::Accepted).await;
    worked(store, &lease, "sha256:1", Outcome::Accepted).await;
    worked(store, &lease, "sha256:2", Outcome::Accepted).await;
    let late = NewRun { opened_ms: 9, ..new_run("late", &[]) };
    work(store, &lease, late, closing(Outcome::Refused)).await;
    let last = worked(store, &lease, "sha256:3", Outcome::Refused).await;
    store.prune(&lease, 5).await.expect("prunes");
    assert_eq!(numbers(store, last).await, [1, 2, 3, 4], "none is that old");
    store.prune(&lease, 6).await.expect("prunes");
    assert_eq!(numbers(store, last).await, [2, 3, 4], "the last accepted one, a younger one, the last one");
    let payloads: Vec<String> = store.payloads().await.expect("reads").into_iter().collect();
    assert_eq!(payloads, ["sha256:2", "sha256:3", "sha256:aa", "sha256:of-another"]);
    assert_eq!(store.open_run(&lease, new_run("next", &[])).await.expect("opens").number, last + 1);
    store.prune(&lease, 6).await.expect("prunes");
    assert!(store.open(&lease).await.expect("reads").is_some(), "an open run is never over");
}

pub async fn what_a_person_is_asked_about_is_not_pruned(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    open_holds(store, &lease, &["0 is over", "1 was refused"]).await;
    assert!(decide(store, "1 was refused", HoldState::Refused).await);
    let supersedes = Closing { superseded: Superseded::All, ..closing(Outcome::Accepted) };
    work(store, &lease, new_run("good", &[]), supersedes).await;
    open_holds(store, &lease, &["2 is approved", "3 waits"]).await;
    assert!(decide(store, "2 is approved", HoldState::Approved).await);
    work(store, &lease, new_run("last", &[]), closing(Outcome::Refused)).await;

    store.prune(&lease, 6).await.expect("prunes");
    assert_eq!(numbers(store, 6).await, [2, 3, 4, 5, 6]);
    let mut ids: Vec<_> =
        store.holds(&HoldState::ALL).await.expect("reads").into_iter().map(|hold| hold.id).collect();
    ids.sort();
    assert_eq!(ids, ["1 was refused", "2 is approved", "3 waits"]);
    worked(store, &lease, "sha256:next", Outcome::Accepted).await;
    store.prune(&lease, 6).await.expect("prunes");
    assert_eq!(numbers(store, 7).await, [2, 4, 5, 7], "what was accepted before, and the last one, are over");
}

pub async fn only_the_open_run_is_gated_or_closed(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let number = work(store, &lease, new_run("one", &[]), closing(Outcome::Accepted)).await;
    let before = store.run("sis", number).await.expect("reads");
    for number in [number, number + 1] {
        assert_refused!(store.gate_run(&lease, &decision(number, "{}", None), None).await, Failed(_));
        let closing = Closing { hold: Some(hold("h", "sis", number, 1)), ..closing(Outcome::Held) };
        assert_refused!(store.close_run(&lease, number, closing).await, Failed(_));
    }
    assert_eq!(store.run("sis", number).await.expect("reads"), before);
    assert_eq!(store.holds(&HoldState::ALL).await.expect("reads"), []);
}

pub async fn the_last_usable_run_passes_over_what_was_refused(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    assert_eq!(usable(store).await, None);
    work(store, &lease, new_run("accepted", &[]), closing(Outcome::Accepted)).await;
    work(store, &lease, new_run("refused", &[]), closing(Outcome::Refused)).await;
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));

    open_holds(store, &lease, &["held"]).await;
    assert_eq!(usable(store).await.as_deref(), Some("held"));
    assert!(decide(store, "held", HoldState::Refused).await);
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));

    let without_payload = NewRun { payload: String::new(), ..new_run("released", &[]) };
    work(store, &lease, without_payload, closing(Outcome::Accepted)).await;
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));
    store.open_run(&lease, new_run("open", &[])).await.expect("opens");
    assert_eq!(usable(store).await.as_deref(), Some("accepted"));
    assert_eq!(store.last_usable_run("other").await.expect("reads"), None);
}

async fn usable(store: &impl FeedStore) -> Option<String> {
    store.last_usable_run("sis").await.expect("reads").map(|run| run.name)
}
