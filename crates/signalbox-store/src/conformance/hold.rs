//! What every [`FeedStore`] promises of payloads that wait for a person.

use super::feed::{close, closing, new_run, work};
use super::taken;
use crate::FeedStore;
use crate::feed::{Closing, FeedLease, Hold, HoldState, Outcome, Superseded};

pub async fn closing_opens_a_hold(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let opened = Hold { schools: r#"[{"school":"100"}]"#.into(), ..hold("h1", "sis", 1, 10) };
    let held = Closing { hold: Some(opened.clone()), ..closing(Outcome::Held) };
    work(store, &lease, new_run("one", &[]), held).await;
    assert_eq!(store.holds(&HoldState::ALL).await.expect("reads"), [opened]);
}

pub async fn closing_finishes_the_hold_it_was_run_for(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    open_holds(store, &lease, &["approved", "waiting"]).await;
    assert!(decide(store, "approved", HoldState::Approved).await);
    for id in ["approved", "waiting", "unknown"] {
        let done = Closing { decided_hold: Some((id.into(), HoldState::Done)), ..closing(Outcome::Accepted) };
        work(store, &lease, new_run("again", &[]), done).await;
    }
    assert_eq!(
        hold_states(store).await,
        [HoldState::Done, HoldState::Waiting],
        "only an approved one is done"
    );
}

pub async fn closing_supersedes_earlier_holds(store: &impl FeedStore) {
    let (sis, other) = (taken(store, "sis").await, taken(store, "other").await);
    open_holds(store, &sis, &["0 is approved", "1 waits", "2 is refused"]).await;
    open_holds(store, &other, &["3 is another feed's"]).await;
    assert!(decide(store, "0 is approved", HoldState::Approved).await);
    assert!(decide(store, "2 is refused", HoldState::Refused).await);
    let good = Closing {
        superseded: Superseded::All,
        hold: Some(hold("4 is new", "sis", 3, 99)),
        ..closing(Outcome::Accepted)
    };
    work(store, &sis, new_run("good", &[]), good).await;
    let holds = store.holds(&HoldState::ALL).await.expect("reads");
    let mut states: Vec<_> = holds.into_iter().map(|hold| (hold.id, hold.state)).collect();
    states.sort_by(|a, b| a.0.cmp(&b.0));
    let states: Vec<_> = states.into_iter().map(|(_, state)| state).collect();
    let expected = ["Superseded", "Superseded", "Refused", "Waiting", "Waiting"];
    assert_eq!(states.iter().map(|state| format!("{state:?}")).collect::<Vec<_>>(), expected);
}

pub async fn closing_supersedes_those_that_are_named(store: &impl FeedStore) {
    let (sis, other) = (taken(store, "sis").await, taken(store, "other").await);
    open_holds(store, &sis, &["0 is approved", "1 waits", "2 is later"]).await;
    open_holds(store, &other, &["3 is another feed's"]).await;
    assert!(decide(store, "0 is approved", HoldState::Approved).await);
    let these = ["0 is approved", "1 waits", "3 is another feed's", "unknown"].map(str::to_owned);
    let closing = Closing { superseded: Superseded::These(these.to_vec()), ..closing(Outcome::Accepted) };
    work(store, &sis, new_run("good", &[]), closing).await;
    let mut holds = store.holds(&HoldState::ALL).await.expect("reads");
    holds.sort_by(|a, b| a.id.cmp(&b.id));
    let states: Vec<_> = holds.into_iter().map(|hold| hold.state).collect();
    let (over, waits) = (HoldState::Superseded, HoldState::Waiting);
    assert_eq!(states, [over, over, waits, waits]);
}

pub async fn a_hold_is_decided_once(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    open_holds(store, &lease, &["h"]).await;
    let approve = store.decide_hold("h", HoldState::Approved, "ada", "summer roll-over").await;
    assert!(approve.expect("decides"));
    assert!(!decide(store, "h", HoldState::Refused).await);
    assert!(!decide(store, "unknown", HoldState::Refused).await);
    let decided = store.holds(&HoldState::ALL).await.expect("reads").remove(0);
    assert_eq!(decided.state, HoldState::Approved);
    assert_eq!(decided.decided_by.as_deref(), Some("ada"));
    assert_eq!(decided.decided_reason.as_deref(), Some("summer roll-over"));
}

pub async fn holds_come_oldest_first(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    for (id, since_ms) in [("young", 30), ("old", 10), ("middle", 20)] {
        let held = Closing { hold: Some(hold(id, "sis", 1, since_ms)), ..closing(Outcome::Held) };
        work(store, &lease, new_run("one", &[]), held).await;
    }
    let ids: Vec<_> =
        store.holds(&HoldState::ALL).await.expect("reads").into_iter().map(|hold| hold.id).collect();
    assert_eq!(ids, ["old", "middle", "young"]);
}

pub async fn holds_are_found_by_state_and_id(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    open_holds(store, &lease, &["first", "second", "third"]).await;
    assert!(decide(store, "second", HoldState::Refused).await);
    let ids = async |states: &[HoldState]| -> Vec<_> {
        store.holds(states).await.expect("reads").into_iter().map(|hold| hold.id).collect()
    };
    assert_eq!(ids(&[HoldState::Waiting]).await, ["first", "third"]);
    assert_eq!(ids(&[HoldState::Refused, HoldState::Approved]).await, ["second"]);
    assert!(ids(&[HoldState::Done]).await.is_empty() && ids(&[]).await.is_empty());
    let second = store.hold("second").await.expect("reads").expect("is there");
    assert_eq!((second.id.as_str(), second.state), ("second", HoldState::Refused));
    assert_eq!(store.hold("unknown").await.expect("reads"), None);
}

/// One held run per hold, in this order of age.
pub(super) async fn open_holds(store: &impl FeedStore, lease: &FeedLease, ids: &[&str]) {
    for (age, id) in ids.iter().enumerate() {
        let number = store.open_run(lease, new_run(id, &[])).await.expect("opens").number;
        let hold = hold(id, &lease.feed, number, age as i64);
        close(store, lease, number, Closing { hold: Some(hold), ..closing(Outcome::Held) }).await;
    }
}

pub(super) async fn decide(store: &impl FeedStore, id: &str, state: HoldState) -> bool {
    store.decide_hold(id, state, "ada", "looked at it").await.expect("answers")
}

async fn hold_states(store: &impl FeedStore) -> Vec<HoldState> {
    store.holds(&HoldState::ALL).await.expect("reads").into_iter().map(|hold| hold.state).collect()
}

pub(super) fn hold(id: &str, feed: &str, run: u64, since_ms: i64) -> Hold {
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
