//! Which targets do not take what they are told.

use super::*;

/// Since the first failure in a row, until the target takes an alert.
#[tokio::test]
async fn an_outage_is_remembered_until_an_alert_is_taken() {
    for (failure, is_for_good) in [
        (ErrorKind::Transient, false),
        (ErrorKind::RateLimited { retry_after_s: 60 }, false),
        (ErrorKind::Permanent, true),
    ] {
        let (store, notes) = (outbox([entry(1, "lane")]).await, MemoryFeeds::default());
        let failing = Script::of([Some(ErrorKind::Transient), Some(failure)]).target("counselor");
        let mut since = Vec::new();
        for minutes in [0, 10, 11] {
            let now = at(START_MS + minutes * 60_000);
            step(&store, &notes, std::slice::from_ref(&failing), now).await.unwrap();
            since.push(Outage::of(&notes, "counselor").await.unwrap().map(|outage| outage.since));
        }
        assert_eq!(since, [Some(at(START_MS)); 3], "{failure:?}");
        let outage = Outage::of(&notes, "counselor").await.unwrap().unwrap();
        assert_eq!(outage.is_for_good, is_for_good, "{failure:?}");

        let store = outbox([entry(2, "lane")]).await;
        step(&store, &notes, &[Script::of([]).target("counselor")], at(START_MS)).await.unwrap();
        assert_eq!(Outage::of(&notes, "counselor").await.unwrap(), None);
    }
}

/// The first that is taken makes due what waits for hours.
#[tokio::test]
async fn a_target_that_is_back_is_told_of_all_that_waits() {
    let (store, notes) = (outbox(lanes(3)).await, MemoryFeeds::default());
    let hours = |n: i64| at(START_MS + n * 3_600_000);
    let down = Script::always(ErrorKind::Transient).target("counselor");
    for n in 0..6 {
        step(&store, &notes, std::slice::from_ref(&down), hours(n)).await.unwrap();
    }
    let back = Script::of([]);
    let late = hours(24 * 30);
    store
        .settle(
            &store.claim("counselor", late.as_millisecond(), 1, 1).await.unwrap()[0],
            signalbox_store::outbox::Settled::RetryAt { at_ms: hours(6).as_millisecond() },
            None,
        )
        .await
        .unwrap();
    let done = step(&store, &notes, &[back.target("counselor")], hours(6)).await.unwrap();
    assert_eq!(done.delivered, 3, "{done:?}");
}

/// It is ours, not the target's.
#[tokio::test]
async fn an_unreadable_entry_is_no_outage() {
    let store = outbox([NewEntry { body: b"{".to_vec(), ..entry(1, "lane") }]).await;
    let notes = MemoryFeeds::default();
    step(&store, &notes, &[Script::of([]).target("counselor")], at(START_MS)).await.unwrap();
    assert_eq!(Outage::of(&notes, "counselor").await.unwrap(), None);
}

#[tokio::test]
async fn a_note_of_an_earlier_version_is_read() {
    let notes = MemoryFeeds::default();
    let note = r#"{"since":"2026-09-21T23:10:05Z","error":"busy"}"#;
    notes.save_note("does not take alerts: counselor", note).await.unwrap();
    let outage = Outage { since: at(START_MS), error: "busy".to_owned(), is_for_good: false };
    assert_eq!(Outage::of(&notes, "counselor").await.unwrap(), Some(outage));
}
