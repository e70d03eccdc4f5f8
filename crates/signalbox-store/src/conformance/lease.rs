//! What every [`FeedStore`] promises of holders and their terms.

use super::assert_refused;
use crate::FeedStore;
use crate::feed::{FeedLease, FeedRow, Term};

pub async fn another_holder_waits_for_the_end_of_the_term(store: &impl FeedStore) {
    let earlier = granted(store, "sis", term("one", 0, 100)).await;
    for now_ms in [0, 50, 99] {
        assert_eq!(store.lease("sis", term("two", now_ms, 200)).await.expect("answers"), None);
    }
    store.save_settings(&earlier, "{}").await.expect("nobody took it");

    let later = granted(store, "sis", term("two", 100, 200)).await;
    assert!(later.epoch > earlier.epoch);
    assert_refused!(store.save_settings(&earlier, "{}").await, Fenced);
    assert_eq!(store.lease("sis", term("one", 150, 250)).await.expect("answers"), None);
    granted(store, "attendance", term("one", 150, 250)).await;
}

pub async fn a_refused_lease_changes_nothing(store: &impl FeedStore) {
    let lease = granted(store, "sis", term("one", 0, 100)).await;
    let before = row(store, "sis").await;
    assert_eq!((before.holder.as_deref(), before.held_until_ms), (Some("one"), Some(100)));
    assert_eq!(store.lease("sis", term("two", 50, 200)).await.expect("answers"), None);
    assert_eq!(row(store, "sis").await, before);
    store.save_settings(&lease, "{}").await.expect("nobody took it");
    let again = granted(store, "sis", term("one", 60, 160)).await;
    assert_eq!(again.epoch, lease.epoch + 1, "a refused lease raises no epoch");
}

pub async fn the_same_holder_is_granted_and_fences_itself(store: &impl FeedStore) {
    let earlier = granted(store, "sis", term("one", 0, 100)).await;
    let later = granted(store, "sis", term("one", 50, 150)).await;
    assert_refused!(store.save_settings(&earlier, "{}").await, Fenced);
    store.save_settings(&later, "{}").await.expect("is the last one");
    assert_eq!(row(store, "sis").await.held_until_ms, Some(150));
}

pub async fn taking_beats_a_running_term(store: &impl FeedStore) {
    let earlier = granted(store, "sis", term("one", 0, 100)).await;
    let later = store.take("sis", term("a person", 10, 20)).await.expect("takes");
    assert_refused!(store.save_settings(&earlier, "{}").await, Fenced);
    store.save_settings(&later, "{}").await.expect("is the last one");
    let now = row(store, "sis").await;
    assert_eq!((now.holder.as_deref(), now.held_until_ms), (Some("a person"), Some(20)));
    assert_eq!(store.lease("sis", term("one", 19, 119)).await.expect("answers"), None);
    granted(store, "sis", term("one", 20, 120)).await;
    let new = store.take("never leased", term("a person", 10, 20)).await.expect("takes");
    store.save_settings(&new, "{}").await.expect("is the only one");
}

pub async fn a_lease_outlives_its_term_until_another_takes_the_feed(store: &impl FeedStore) {
    let lease = granted(store, "sis", term("one", 0, 100)).await;
    granted(store, "attendance", term("two", 500, 600)).await;
    store.save_settings(&lease, "{}").await.expect("nobody took it, whatever the time");
    granted(store, "sis", term("two", 500, 600)).await;
    assert_refused!(store.save_settings(&lease, "{}").await, Fenced);
}

pub async fn keeping_lengthens_and_never_shortens(store: &impl FeedStore) {
    let long = granted(store, "long", term("one", 0, 900)).await;
    granted(store, "short", term("one", 0, 100)).await;
    assert_eq!(store.keep("one", 500).await.expect("keeps"), 2);
    assert_eq!(row(store, "long").await.held_until_ms, Some(900));
    assert_eq!(row(store, "short").await.held_until_ms, Some(500));
    assert_eq!(store.lease("short", term("two", 499, 999)).await.expect("answers"), None);
    store.save_settings(&long, "{}").await.expect("keeping fences nobody");
    granted(store, "short", term("two", 500, 999)).await;
}

pub async fn keeping_is_for_the_holders_own_feeds(store: &impl FeedStore) {
    assert_eq!(store.keep("one", 500).await.expect("keeps"), 0);
    granted(store, "ran out", term("one", 0, 100)).await;
    granted(store, "taken", term("one", 0, 100)).await;
    granted(store, "taken", term("two", 200, 300)).await;
    assert_eq!(store.keep("one", 500).await.expect("keeps"), 1, "nobody took the one that ran out");
    assert_eq!(row(store, "ran out").await.held_until_ms, Some(500));
    let taken = row(store, "taken").await;
    assert_eq!((taken.holder.as_deref(), taken.held_until_ms), (Some("two"), Some(300)));
}

pub async fn what_is_let_go_may_be_taken_at_once(store: &impl FeedStore) {
    let lease = granted(store, "sis", term("one", 0, 100)).await;
    granted(store, "another's", term("two", 0, 100)).await;
    store.let_go("one").await.expect("lets go");
    let now = row(store, "sis").await;
    assert_eq!((now.holder, now.held_until_ms), (None, None));
    assert_eq!(store.keep("one", 500).await.expect("keeps"), 0, "it holds none any more");
    store.save_settings(&lease, "{}").await.expect("nobody took it yet");
    assert_eq!(store.lease("another's", term("three", 1, 200)).await.expect("answers"), None);
    granted(store, "sis", term("three", 1, 200)).await;
    assert_refused!(store.save_settings(&lease, "{}").await, Fenced);
    store.let_go("nobody").await.expect("has nothing to do");
}

const fn term(holder: &str, now_ms: i64, until_ms: i64) -> Term<'_> {
    Term { holder, now_ms, until_ms }
}

async fn granted(store: &impl FeedStore, feed: &str, term: Term<'_>) -> FeedLease {
    store.lease(feed, term).await.expect("answers").expect("is granted")
}

async fn row(store: &impl FeedStore, feed: &str) -> FeedRow {
    store.feed(feed).await.expect("reads").expect("is there")
}
