//! What every [`FeedStore`] promises of leases, runs, holds, rejects, the crosswalk and notes; the ledger has a suite
//! of its own.

use super::{assert_refused, taken};
use crate::FeedStore;
use crate::feed::{
    Closing, CrosswalkRow, FeedLease, Hold, HoldState, LedgerRow, LedgerStatus, Named, NewRun, Outcome,
    Reject, RejectGroup, RejectPlace, Run, Scope,
};

/// One test per promise of [`FeedStore`].
#[macro_export]
macro_rules! feed_conformance {
    ($make:expr) => {
        mod feed_conformance {
            use super::*;
            $crate::conformance_cases! { feed, $make,
                a_lease_fences_every_earlier_writer
                feeds_come_by_name
                settings_are_kept
                run_numbers_ascend
                an_unfinished_run_comes_first
                what_the_gate_decided_survives
                closing_moves_the_cursor_and_stores_the_summary
                a_run_without_cursor_leaves_the_feeds
                only_the_open_run_is_gated_or_closed
                closing_replaces_rejects
                closing_opens_a_hold
                closing_finishes_the_hold_it_was_run_for
                closing_supersedes_waiting_holds
                a_hold_is_decided_once
                holds_come_oldest_first
                the_last_usable_run_passes_over_what_was_refused
                reject_groups_come_most_first
                rejects_come_by_feed_file_and_row
                a_known_crosswalk_row_changes_nothing
                the_crosswalk_pages_in_order
                an_id_is_found_whatever_its_type
                notes_are_replaced
            }
        }
        mod lease_conformance {
            use super::*;
            $crate::conformance_cases! { lease, $make,
                another_holder_waits_for_the_end_of_the_term
                a_refused_lease_changes_nothing
                the_same_holder_is_granted_and_fences_itself
                taking_beats_a_running_term
                a_lease_outlives_its_term_until_another_takes_the_feed
                keeping_lengthens_and_never_shortens
                keeping_is_for_the_holders_own_feeds
                what_is_let_go_may_be_taken_at_once
            }
        }
        mod ledger_conformance {
            use super::*;
            $crate::conformance_cases! { ledger, $make,
                a_scan_comes_in_key_order_and_pages
                rows_come_back_as_written
                record_replaces_a_row
                rows_merge_into_what_is_there
                rows_out_of_order_are_refused
                scopes_and_feeds_are_apart
                counts_follow_every_change
                years_ascend
                nothing_recorded_is_nothing_remembered
                many_scattered_records_equal_one_map
            }
        }
    };
}

pub async fn a_lease_fences_every_earlier_writer(store: &impl FeedStore) {
    let earlier = taken(store, "sis").await;
    let run = store.open_run(&earlier, new_run("one", None)).await.expect("opens");
    let later = taken(store, "sis").await;
    assert!(later.epoch > earlier.epoch);

    assert_refused!(store.save_settings(&earlier, "{}").await, Fenced);
    assert_refused!(store.open(&earlier).await, Fenced);
    assert_refused!(store.open_run(&earlier, new_run("two", None)).await, Fenced);
    assert_refused!(store.gate_run(&earlier, run.number, "{}").await, Fenced);
    assert_refused!(store.record(&earlier, SCOPE, &[ledger_row()]).await, Fenced);
    assert_refused!(store.add_crosswalk(&earlier, &[named("1", "student-1")]).await, Fenced);
    assert_refused!(store.close_run(&earlier, run.number, closing(Outcome::Accepted)).await, Fenced);

    assert_eq!(store.feed("sis").await.expect("reads").expect("is there").settings, None);
    assert_eq!(store.ledger("sis", SCOPE, None, 10).await.expect("reads"), []);
    assert_eq!(store.crosswalk(None, 10).await.expect("reads"), []);
    assert_eq!(store.open(&later).await.expect("reads"), Some(run));
    taken(store, "attendance").await;
    store.save_settings(&later, "{}").await.expect("another feed's lease fences nobody here");
}

pub async fn feeds_come_by_name(store: &impl FeedStore) {
    assert_eq!(store.feed("sis").await.expect("reads"), None);
    for feed in ["sis", "attendance", "sis", "enrollment"] {
        taken(store, feed).await;
    }
    let names: Vec<_> = store.feeds().await.expect("reads").into_iter().map(|row| row.feed).collect();
    assert_eq!(names, ["attendance", "enrollment", "sis"]);
}

pub async fn settings_are_kept(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    store.save_settings(&lease, r#"{"mode":"test"}"#).await.expect("saves");
    store.save_settings(&lease, r#"{"mode":"live"}"#).await.expect("saves");
    taken(store, "sis").await;
    let row = store.feed("sis").await.expect("reads").expect("is there");
    assert_eq!(row.settings.as_deref(), Some(r#"{"mode":"live"}"#));
    assert_eq!((row.cursor, row.last_run), (None, None));
}

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

pub async fn closing_replaces_rejects(store: &impl FeedStore) {
    let (sis, other) = (taken(store, "sis").await, taken(store, "other").await);
    let with = |feed: &str, code: &str| Closing {
        rejects: Some((vec![group(feed, code, 1)], vec![reject(feed, "a.csv", Some(2), code)])),
        ..closing(Outcome::Accepted)
    };
    work(store, &other, new_run("one", None), with("other", "BAD_DATE")).await;
    work(store, &sis, new_run("one", None), with("sis", "BAD_DATE")).await;
    work(store, &sis, new_run("two", None), with("sis", "BAD_CODE")).await;
    assert_eq!(codes(store).await, ["other BAD_DATE", "sis BAD_CODE"]);
    work(store, &sis, new_run("three", None), closing(Outcome::Accepted)).await;
    assert_eq!(codes(store).await, ["other BAD_DATE", "sis BAD_CODE"], "left as they are");
    let none = Closing { rejects: Some((vec![], vec![])), ..closing(Outcome::Accepted) };
    work(store, &sis, new_run("four", None), none).await;
    assert_eq!(codes(store).await, ["other BAD_DATE"]);
    assert_eq!(store.reject_groups().await.expect("reads"), [group("other", "BAD_DATE", 1)]);
}

pub async fn closing_opens_a_hold(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let opened = Hold { schools: r#"[{"school":"100"}]"#.into(), ..hold("h1", "sis", 1, 10) };
    let held = Closing { hold: Some(opened.clone()), ..closing(Outcome::Held) };
    work(store, &lease, new_run("one", None), held).await;
    assert_eq!(store.holds().await.expect("reads"), [opened]);
}

pub async fn closing_finishes_the_hold_it_was_run_for(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    open_holds(store, &lease, &["approved", "waiting"]).await;
    assert!(decide(store, "approved", HoldState::Approved).await);
    for id in ["approved", "waiting", "unknown"] {
        let done = Closing { hold_done: Some(id.into()), ..closing(Outcome::Accepted) };
        work(store, &lease, new_run("again", None), done).await;
    }
    assert_eq!(
        hold_states(store).await,
        [HoldState::Done, HoldState::Waiting],
        "only an approved one is done"
    );
}

pub async fn closing_supersedes_waiting_holds(store: &impl FeedStore) {
    let (sis, other) = (taken(store, "sis").await, taken(store, "other").await);
    open_holds(store, &sis, &["1 waits", "2 is refused"]).await;
    open_holds(store, &other, &["3 is another feed's"]).await;
    assert!(decide(store, "2 is refused", HoldState::Refused).await);
    let good = Closing {
        supersede_holds: true,
        hold: Some(hold("4 is new", "sis", 3, 99)),
        ..closing(Outcome::Accepted)
    };
    work(store, &sis, new_run("good", None), good).await;
    let holds = store.holds().await.expect("reads");
    let mut states: Vec<_> = holds.into_iter().map(|hold| (hold.id, hold.state)).collect();
    states.sort_by(|a, b| a.0.cmp(&b.0));
    let states: Vec<_> = states.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [HoldState::Superseded, HoldState::Refused, HoldState::Waiting, HoldState::Waiting]);
}

pub async fn a_hold_is_decided_once(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    open_holds(store, &lease, &["h"]).await;
    let approve = store.decide_hold("h", HoldState::Approved, "ada", "summer roll-over").await;
    assert!(approve.expect("decides"));
    assert!(!decide(store, "h", HoldState::Refused).await);
    assert!(!decide(store, "unknown", HoldState::Refused).await);
    let decided = store.holds().await.expect("reads").remove(0);
    assert_eq!(decided.state, HoldState::Approved);
    assert_eq!(decided.decided_by.as_deref(), Some("ada"));
    assert_eq!(decided.decided_reason.as_deref(), Some("summer roll-over"));
}

pub async fn holds_come_oldest_first(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    for (id, since_ms) in [("young", 30), ("old", 10), ("middle", 20)] {
        let held = Closing { hold: Some(hold(id, "sis", 1, since_ms)), ..closing(Outcome::Held) };
        work(store, &lease, new_run("one", None), held).await;
    }
    let ids: Vec<_> = store.holds().await.expect("reads").into_iter().map(|hold| hold.id).collect();
    assert_eq!(ids, ["old", "middle", "young"]);
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

pub async fn reject_groups_come_most_first(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let groups = vec![group("sis", "A", 3), group("sis", "B", 300), group("sis", "C", 20)];
    let with = Closing { rejects: Some((groups.clone(), vec![])), ..closing(Outcome::Accepted) };
    work(store, &lease, new_run("one", None), with).await;
    let expected = [&groups[1], &groups[2], &groups[0]].map(Clone::clone);
    assert_eq!(store.reject_groups().await.expect("reads"), expected);
}

pub async fn rejects_come_by_feed_file_and_row(store: &impl FeedStore) {
    let feeds = ["sis", "attendance"];
    for feed in feeds {
        let lease = taken(store, feed).await;
        let rows = [("b.csv", Some(2)), ("a.csv", Some(10)), ("a.csv", Some(9)), ("a.csv", None)];
        let rejects = rows.map(|(file, row)| reject(feed, file, row, "BAD_DATE")).to_vec();
        let with = Closing { rejects: Some((vec![], rejects)), ..closing(Outcome::Accepted) };
        work(store, &lease, new_run("one", None), with).await;
    }
    let expected: Vec<_> = ["attendance", "sis"]
        .iter()
        .flat_map(|feed| {
            [("a.csv", None), ("a.csv", Some(9)), ("a.csv", Some(10)), ("b.csv", Some(2))]
                .map(|(file, row)| reject(feed, file, row, "BAD_DATE"))
        })
        .collect();
    assert_eq!(store.rejects(100).await.expect("reads"), expected);
    assert_eq!(store.rejects(3).await.expect("reads"), expected[..3]);
}

pub async fn a_known_crosswalk_row_changes_nothing(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let first = CrosswalkRow { first: true, ..named("1", "student-1") };
    store.add_crosswalk(&lease, std::slice::from_ref(&first)).await.expect("adds");
    let again = [named("1", "student-1"), named("1", "student-2"), named("1", "student-2")];
    store.add_crosswalk(&lease, &again).await.expect("adds");
    assert_eq!(store.crosswalk(None, 10).await.expect("reads"), [first, named("1", "student-2")]);
}

pub async fn the_crosswalk_pages_in_order(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let mut rows: Vec<_> = (0..700).map(|n| named(&format!("{n:04}"), "student")).collect();
    rows.push(CrosswalkRow { what: Named::School, ..named("0000", "school") });
    rows.push(CrosswalkRow { id_type: "sourcedId".into(), ..named("0000", "student") });
    rows.push(named("0000", "another student"));
    let shuffled: Vec<_> = rows.iter().rev().cloned().collect();
    store.add_crosswalk(&lease, &shuffled).await.expect("adds");
    rows.sort_by_key(|row| (row.what, row.id_type.clone(), row.id.clone(), row.target.clone()));

    let mut read = Vec::new();
    loop {
        let page = store.crosswalk(read.last(), 100).await.expect("reads");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 100);
        read.extend(page);
    }
    assert_eq!(read, rows);
}

pub async fn an_id_is_found_whatever_its_type(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let by_sourced_id = CrosswalkRow { id_type: "sourcedId".into(), ..named("1", "student-2") };
    let school = CrosswalkRow { what: Named::School, ..named("1", "student-1") };
    let rows = [named("1", "student-1"), named("2", "student-1"), by_sourced_id.clone(), school.clone()];
    store.add_crosswalk(&lease, &rows).await.expect("adds");

    let found = store.find_id(Named::Student, "1").await.expect("reads");
    assert_eq!(found, [named("1", "student-1"), by_sourced_id]);
    assert_eq!(store.find_id(Named::School, "1").await.expect("reads"), [school]);
    assert_eq!(store.find_id(Named::School, "2").await.expect("reads"), []);
    let ids = store.ids_of(Named::Student, "student-1").await.expect("reads");
    assert_eq!(ids, [named("1", "student-1"), named("2", "student-1")]);
}

pub async fn notes_are_replaced(store: &impl FeedStore) {
    assert_eq!(store.note("policy").await.expect("reads"), None);
    for value in ["one", "two"] {
        store.save_note("policy", value).await.expect("saves");
        assert_eq!(store.note("policy").await.expect("reads").as_deref(), Some(value));
    }
    assert_eq!(store.note("another").await.expect("reads"), None);
}

const SCOPE: Scope = Scope { entity: 1, school_year: 2022 };

async fn work(store: &impl FeedStore, lease: &FeedLease, run: NewRun, closing: Closing) -> u64 {
    let number = store.open_run(lease, run).await.expect("opens").number;
    close(store, lease, number, closing).await;
    number
}

async fn close(store: &impl FeedStore, lease: &FeedLease, number: u64, closing: Closing) {
    store.close_run(lease, number, closing).await.expect("closes");
}

/// One held run per hold, in this order of age.
async fn open_holds(store: &impl FeedStore, lease: &FeedLease, ids: &[&str]) {
    for (age, id) in ids.iter().enumerate() {
        let number = store.open_run(lease, new_run(id, None)).await.expect("opens").number;
        let hold = hold(id, &lease.feed, number, age as i64);
        close(store, lease, number, Closing { hold: Some(hold), ..closing(Outcome::Held) }).await;
    }
}

async fn decide(store: &impl FeedStore, id: &str, state: HoldState) -> bool {
    store.decide_hold(id, state, "ada", "looked at it").await.expect("answers")
}

async fn hold_states(store: &impl FeedStore) -> Vec<HoldState> {
    store.holds().await.expect("reads").into_iter().map(|hold| hold.state).collect()
}

async fn usable(store: &impl FeedStore) -> Option<String> {
    store.last_usable_run("sis").await.expect("reads").map(|run| run.name)
}

async fn codes(store: &impl FeedStore) -> Vec<String> {
    let rejects = store.rejects(100).await.expect("reads");
    rejects.into_iter().map(|reject| format!("{} {}", reject.feed, reject.code)).collect()
}

fn new_run(name: &str, cursor: Option<&[u8]>) -> NewRun {
    NewRun {
        payload: "sha256:aa".into(),
        name: name.into(),
        opened_ms: 5,
        cursor: cursor.map(<[u8]>::to_vec),
        cause: "drop".into(),
    }
}

fn closing(outcome: Outcome) -> Closing {
    Closing {
        outcome,
        summary: "{}".into(),
        rejects: None,
        hold: None,
        hold_done: None,
        supersede_holds: false,
    }
}

fn hold(id: &str, feed: &str, run: u64, since_ms: i64) -> Hold {
    Hold {
        id: id.into(),
        feed: feed.into(),
        run,
        reason: "file".into(),
        would_end: 40,
        schools: "[]".into(),
        since_ms,
        state: HoldState::Waiting,
        decided_by: None,
        decided_reason: None,
    }
}

fn group(feed: &str, code: &str, count: u64) -> RejectGroup {
    RejectGroup {
        feed: feed.into(),
        code: code.into(),
        value_class: "9/9/9".into(),
        count,
        first: RejectPlace { file: "a.csv".into(), row: Some(2), column: Some("Att_Date".into()) },
        help: "declare the format".into(),
    }
}

fn reject(feed: &str, file: &str, row: Option<u64>, code: &str) -> Reject {
    Reject {
        feed: feed.into(),
        code: code.into(),
        value_class: "9/9/9".into(),
        place: RejectPlace { file: file.into(), row, column: None },
        help: "declare the format".into(),
    }
}

fn named(id: &str, target: &str) -> CrosswalkRow {
    CrosswalkRow {
        what: Named::Student,
        id_type: "identifier".into(),
        id: id.into(),
        target: target.into(),
        first: false,
    }
}

fn ledger_row() -> LedgerRow {
    LedgerRow { key: [1; 16], content: 1, revision: 1, status: LedgerStatus::Live, detail: vec![] }
}
