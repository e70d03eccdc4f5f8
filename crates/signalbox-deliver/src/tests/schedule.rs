//! When it is tried again.

use signalbox_store::outbox::Settled;

use super::*;
use crate::schedule;

#[tokio::test]
async fn tries_follow_the_published_schedule_and_end() {
    let published_s = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    let store = outbox(lanes(1)).await;
    let script = Script::always(ErrorKind::Transient);
    let mut now_ms = START_MS;
    for delay_s in published_s {
        let done = run(&store, script, now_ms).await;
        assert_eq!((done.attempted, done.retried, done.dead), (1, 1, 0));
        let next_ms = done.next_try_ms.unwrap();
        let waits_ms = next_ms - now_ms;
        assert!((delay_s * 900..=delay_s * 1_100).contains(&waits_ms), "{waits_ms} ms for {delay_s} s");
        assert_eq!(run(&store, script, next_ms - 1).await, Delivered::default(), "not before its time");
        now_ms = next_ms;
    }
    let last = run(&store, script, now_ms).await;
    assert_eq!(last, Delivered { attempted: 1, dead: 1, ..Delivered::default() });
    assert_eq!(all(&store).await[0].state, EntryState::Dead);
    let tries: Vec<u32> = script.seen.lock().unwrap().iter().map(|(_, attempt)| *attempt).collect();
    assert_eq!(tries, (1..=10).collect::<Vec<u32>>());
}

#[tokio::test]
async fn a_refused_key_is_retried_on_the_schedule() {
    let store = outbox(lanes(1)).await;
    let done = run(&store, Script::of([Some(ErrorKind::Unauthorized)]), START_MS).await;
    assert_eq!((done.retried, done.dead), (1, 0));
    assert!(done.next_try_ms.unwrap() <= START_MS + 5_500);
}

fn stored(number: u128, attempts: u32) -> Entry {
    let new = entry(number, "lane");
    Entry {
        seq: 1,
        id: new.id,
        target: new.target,
        lane: new.lane,
        kind: new.kind,
        flag_id: None,
        body: new.body,
        created_ms: new.created_ms,
        part: false,
        state: EntryState::Pending,
        attempts,
        next_try_ms: Some(START_MS),
        last_error: None,
        tried_before: 0,
    }
}

fn retry_ms(number: u128, attempts: u32, kind: ErrorKind) -> i64 {
    match schedule::after_failure(&stored(number, attempts), kind, START_MS) {
        Settled::RetryAt { at_ms } => at_ms - START_MS,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_longer_of_schedule_and_retry_after_counts() {
    let asked = |attempts, retry_after_s| retry_ms(1, attempts, ErrorKind::RateLimited { retry_after_s });
    assert_eq!(asked(1, 3_600), 3_600_000);
    assert!(asked(9, 3_600) > 77_000_000);
    assert!(asked(1, 0) >= 4_500);
    assert_eq!(asked(1, u64::MAX), 86_400_000, "never put off for ever");
}

#[test]
fn what_fails_together_is_spread_out_and_always_alike() {
    let waits: Vec<i64> = (1..=50).map(|number| retry_ms(number, 3, ErrorKind::Transient)).collect();
    let again: Vec<i64> = (1..=50).map(|number| retry_ms(number, 3, ErrorKind::Transient)).collect();
    assert_eq!(waits, again);
    let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
    assert!(most - least > 1_800 * 100, "{least}..{most}");
}
