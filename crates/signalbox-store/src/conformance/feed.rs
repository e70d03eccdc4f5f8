//! What every [`FeedStore`] promises of feeds and notes. Runs, holds, rejects, ids, leases and the ledger have suites
//! of their own.

use super::crosswalk::named;
use super::{assert_refused, taken};
use crate::FeedStore;
use crate::feed::{
    Closing, Decision, FeedLease, HoldState, LedgerRow, LedgerStatus, Mark, NewRun, Outcome, Scope,
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
                notes_are_replaced
                the_first_value_is_remembered
                a_feed_is_forgotten_whole
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
                scopes_ascend
                nothing_recorded_is_nothing_remembered
                many_scattered_records_equal_one_map
            }
        }
        mod run_conformance {
            use super::*;
            $crate::conformance_cases! { run, $make,
                run_numbers_ascend
                an_unfinished_run_comes_first
                an_open_run_names_the_rows_recorded_last
                what_the_gate_decided_survives
                a_decision_and_its_first_rows_are_one
                closing_moves_the_cursor_and_stores_the_summary
                gating_and_closing_replace_settings_or_leave_them
                marks_are_moved_and_taken_away
                an_abandoned_run_leaves_the_cursor
                what_is_over_is_pruned
                what_a_person_is_asked_about_is_not_pruned
                only_the_open_run_is_gated_or_closed
                the_last_usable_run_passes_over_what_was_refused
            }
        }
        mod hold_conformance {
            use super::*;
            $crate::conformance_cases! { hold, $make,
                closing_opens_a_hold
                closing_finishes_the_hold_it_was_run_for
                closing_supersedes_earlier_holds
                closing_supersedes_those_that_are_named
                a_hold_is_decided_once
                holds_come_oldest_first
                holds_are_found_by_state_and_id
            }
        }
        mod reject_conformance {
            use super::*;
            $crate::conformance_cases! { reject, $make,
                closing_replaces_rejects
                reject_groups_come_most_first
                rejects_come_by_feed_file_and_row
            }
        }
        mod crosswalk_conformance {
            use super::*;
            $crate::conformance_cases! { crosswalk, $make,
                a_known_crosswalk_row_changes_nothing
                ids_are_taken_away_and_added_together
                many_ids_are_taken_away_at_once
                the_crosswalk_pages_in_order
                an_id_is_found_whatever_its_type
            }
        }
    };
}

pub async fn a_lease_fences_every_earlier_writer(store: &impl FeedStore) {
    let earlier = taken(store, "sis").await;
    let run = store.open_run(&earlier, new_run("one", &[])).await.expect("opens");
    let later = taken(store, "sis").await;
    assert!(later.epoch > earlier.epoch);

    let decision = Decision { run: run.number, gated: "{}".to_owned(), settings: None };
    assert_refused!(store.save_settings(&earlier, "{}").await, Fenced);
    assert_refused!(store.open(&earlier).await, Fenced);
    assert_refused!(store.open_run(&earlier, new_run("two", &[])).await, Fenced);
    assert_refused!(store.gate_run(&earlier, &decision, None).await, Fenced);
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
    assert_eq!(store.settings("sis").await.expect("reads").as_deref(), Some(r#"{"mode":"live"}"#));
    assert_eq!(store.settings("other").await.expect("reads"), None);
    assert_eq!(row.last_run, None);
    assert!(store.cursor("sis").await.expect("reads").is_empty());
}

pub async fn notes_are_replaced(store: &impl FeedStore) {
    assert_eq!(store.note("policy").await.expect("reads"), None);
    for value in ["one", "two"] {
        store.save_note("policy", value).await.expect("saves");
        assert_eq!(store.note("policy").await.expect("reads").as_deref(), Some(value));
    }
    assert_eq!(store.note("another").await.expect("reads"), None);
}

pub async fn the_first_value_is_remembered(store: &impl FeedStore) {
    for value in ["one", "two"] {
        assert_eq!(store.remember("identity", value).await.expect("remembers"), "one");
    }
    assert_eq!(store.note("identity").await.expect("reads").as_deref(), Some("one"));
}

pub async fn a_feed_is_forgotten_whole(store: &impl FeedStore) {
    let (lease, other) = (taken(store, "old").await, taken(store, "sis").await);
    for lease in [&lease, &other] {
        let number =
            store.open_run(lease, new_run("one", &[("one.csv", Some("at"))])).await.expect("opens").number;
        store.record(lease, SCOPE, &[ledger_row()]).await.expect("records");
        store.add_crosswalk(lease, &[named("1", "student-1")]).await.expect("adds");
        let hold = Some(super::hold::hold(&format!("hold of {}", lease.feed), &lease.feed, number, 1));
        let rejects = Some(super::reject::one_of(&lease.feed));
        close(store, lease, number, Closing { rejects, hold, ..closing(Outcome::Held) }).await;
    }
    store.forget(&lease).await.expect("forgets");
    assert_refused!(store.forget(&lease).await, Fenced);

    let names: Vec<_> = store.feeds().await.expect("reads").into_iter().map(|row| row.feed).collect();
    assert_eq!(names, ["sis"]);
    assert_eq!(store.ledger("old", SCOPE, None, 10).await.expect("reads"), []);
    assert_eq!(store.ledger("sis", SCOPE, None, 10).await.expect("reads").len(), 1);
    assert_eq!(store.run("old", 1).await.expect("reads"), None);
    assert!(store.holds(&HoldState::ALL).await.expect("reads").iter().all(|hold| hold.feed == "sis"));
    assert!(store.rejects(10).await.expect("reads").iter().all(|reject| reject.feed == "sis"));
    assert!(store.reject_groups().await.expect("reads").iter().all(|group| group.feed == "sis"));
    assert_eq!(store.crosswalk(None, 10).await.expect("reads").len(), 1);
    let again = taken(store, "old").await;
    assert_eq!(store.open_run(&again, new_run("one", &[])).await.expect("opens").number, 1);
}

const SCOPE: Scope = Scope { entity: 1, school_year: 2022 };

pub(super) async fn work(store: &impl FeedStore, lease: &FeedLease, run: NewRun, closing: Closing) -> u64 {
    let number = store.open_run(lease, run).await.expect("opens").number;
    close(store, lease, number, closing).await;
    number
}

pub(super) async fn close(store: &impl FeedStore, lease: &FeedLease, number: u64, closing: Closing) {
    store.close_run(lease, number, closing).await.expect("closes");
}

pub(super) fn new_run(name: &str, marks: &[(&str, Option<&str>)]) -> NewRun {
    let mark = |(name, value): &(&str, Option<&str>)| Mark {
        name: (*name).to_owned(),
        value: value.map(str::to_owned),
    };
    NewRun {
        payload: "sha256:aa".into(),
        name: name.into(),
        opened_ms: 5,
        marks: marks.iter().map(mark).collect(),
        cause: "drop".into(),
    }
}

pub(super) fn closing(outcome: Outcome) -> Closing {
    Closing::new(outcome, "{}".into())
}

fn ledger_row() -> LedgerRow {
    LedgerRow {
        key: [1; 16],
        content: 1,
        revision: 1,
        status: LedgerStatus::Live,
        read_ms: 1,
        detail: vec![],
    }
}
