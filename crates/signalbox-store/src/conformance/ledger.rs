//! What every [`FeedStore`] promises of the ledger.

use std::collections::BTreeMap;

use super::{assert_refused, taken};
use crate::FeedStore;
use crate::feed::{FeedLease, LedgerCounts, LedgerKey, LedgerRow, LedgerStatus, Scope};

pub async fn a_scan_comes_in_key_order_and_pages(store: &impl FeedStore) {
    let lease = lease(store).await;
    let rows: Vec<_> = (0..2_500).map(|n| row(n * 3, 1)).collect();
    record(store, &lease, &rows).await;
    for max in [1, 7, 999, 2_500, 9_999] {
        let page = scan(store, Some(row(2_997, 1).key), max).await;
        assert_eq!(page, rows[1_000..].iter().take(max).cloned().collect::<Vec<_>>(), "a full page of {max}");
    }
    assert_eq!(read_all(store, 333).await, rows);
    assert_eq!(scan(store, Some(row(1, 1).key), 1).await, rows[1..2], "after a key that is not there");
    assert_eq!(scan(store, Some(rows[2_499].key), 10).await, []);
}

pub async fn rows_come_back_as_written(store: &impl FeedStore) {
    let lease = lease(store).await;
    let written = |key, number: u32, status, detail| LedgerRow {
        key,
        content: u64::MAX - u64::from(number),
        revision: u32::MAX - number,
        status,
        read_ms: i64::MAX - i64::from(number),
        detail,
    };
    let first_and_last_key = [
        written([0; 16], 0, LedgerStatus::Live, vec![]),
        written([127; 16], 1, LedgerStatus::Ended, vec![0, 255]),
        written([255; 16], 2, LedgerStatus::Unmatched, vec![7; 5_000]),
    ];
    record(store, &lease, &first_and_last_key).await;
    assert_eq!(scan(store, None, 10).await, first_and_last_key);
}

pub async fn record_replaces_a_row(store: &impl FeedStore) {
    let lease = lease(store).await;
    record(store, &lease, &[row(1, 1), row(2, 1), row(3, 1)]).await;
    let changed =
        LedgerRow { status: LedgerStatus::Ended, read_ms: 1, detail: vec![9; 99], content: 77, ..row(2, 2) };
    record(store, &lease, std::slice::from_ref(&changed)).await;
    assert_eq!(scan(store, None, 10).await, [row(1, 1), changed, row(3, 1)]);
}

pub async fn rows_merge_into_what_is_there(store: &impl FeedStore) {
    let lease = lease(store).await;
    record(store, &lease, &[row(20, 1), row(40, 1)]).await;
    record(store, &lease, &[row(10, 1), row(20, 2), row(30, 1), row(50, 1)]).await;
    let expected = [row(10, 1), row(20, 2), row(30, 1), row(40, 1), row(50, 1)];
    assert_eq!(scan(store, None, 10).await, expected);
}

pub async fn rows_out_of_order_are_refused(store: &impl FeedStore) {
    let lease = lease(store).await;
    for rows in [[row(2, 1), row(1, 1)], [row(1, 1), row(1, 2)]] {
        assert_refused!(store.record(&lease, SCOPE, &rows).await, Failed(_));
    }
    assert_eq!(scan(store, None, 10).await, []);
}

pub async fn scopes_and_feeds_are_apart(store: &impl FeedStore) {
    let lease = lease(store).await;
    let other = taken(store, "other").await;
    record(store, &lease, &[row(1, 1)]).await;
    let elsewhere = [
        (&lease, Scope { entity: 2, ..SCOPE }),
        (&lease, Scope { school_year: 2023, ..SCOPE }),
        (&other, SCOPE),
    ];
    for (revision, (lease, scope)) in (2..).zip(elsewhere) {
        store.record(lease, scope, &[row(1, revision)]).await.expect("records");
    }
    assert_eq!(scan(store, None, 10).await, [row(1, 1)]);
    for (revision, (lease, scope)) in (2..).zip(elsewhere) {
        let rows = store.ledger(&lease.feed, scope, None, 10).await.expect("reads");
        assert_eq!(rows, [row(1, revision)]);
    }
}

pub async fn counts_follow_every_change(store: &impl FeedStore) {
    let lease = lease(store).await;
    assert_eq!(counts(store).await, (0, 0, 0));
    let with = |n, status| LedgerRow { status, ..row(n, 1) };
    let rows: Vec<_> = (0..1_000).map(|n| row(n, 1)).collect();
    record(store, &lease, &rows).await;
    assert_eq!(counts(store).await, (1_000, 0, 0));
    record(store, &lease, &[with(1, LedgerStatus::Ended), with(2, LedgerStatus::Unmatched), row(3, 2)]).await;
    assert_eq!(counts(store).await, (998, 1, 1));
    record(store, &lease, &[with(2, LedgerStatus::Live), with(5_000, LedgerStatus::Unmatched)]).await;
    assert_eq!(counts(store).await, (999, 1, 1));
    let next_year = Scope { school_year: 2023, ..SCOPE };
    store.record(&lease, next_year, &[row(1, 1)]).await.expect("records");
    assert_eq!(counts(store).await, (1_000, 1, 1), "over all scopes of the feed");
    let highest = store.ledger_counts("attendance").await.expect("reads").highest_revision;
    assert_eq!(highest, 2, "of the third row");
    assert_eq!(store.ledger_counts("other").await.expect("reads"), LedgerCounts::default());
}

pub async fn scopes_ascend(store: &impl FeedStore) {
    let lease = lease(store).await;
    for (entity, school_year) in [(1, 2023), (1, 2021), (2, 2020), (1, 2022), (1, 0)] {
        store.record(&lease, Scope { entity, school_year }, &[row(1, 1)]).await.expect("records");
    }
    let scopes = store.ledger_scopes("attendance").await.expect("reads");
    let scopes: Vec<_> = scopes.into_iter().map(|scope| (scope.entity, scope.school_year)).collect();
    assert_eq!(scopes, [(1, 0), (1, 2021), (1, 2022), (1, 2023), (2, 2020)]);
    assert_eq!(store.ledger_scopes("other").await.expect("reads"), []);
}

pub async fn nothing_recorded_is_nothing_remembered(store: &impl FeedStore) {
    let lease = lease(store).await;
    record(store, &lease, &[]).await;
    assert_eq!(scan(store, None, 10).await, []);
    assert_eq!(store.ledger_scopes("attendance").await.expect("reads"), []);
}

/// Additions and changes all over the key range, in records of many sizes: what comes out is what a map would hold.
pub async fn many_scattered_records_equal_one_map(store: &impl FeedStore) {
    let lease = lease(store).await;
    let mut map: BTreeMap<LedgerKey, LedgerRow> = BTreeMap::new();
    let mut seed = 7_u64;
    for (revision, size) in (1..).zip([1, 3_000, 40, 900, 2, 1_500, 700]) {
        let mut batch = BTreeMap::new();
        for _ in 0..size {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let status = if seed & 32 == 0 { LedgerStatus::Live } else { LedgerStatus::Ended };
            let detail = vec![7; usize::from((seed >> 17) as u8)];
            let row = LedgerRow { status, read_ms: 1, detail, ..row((seed >> 40) as u32 % 5_000, revision) };
            batch.insert(row.key, row);
        }
        let rows: Vec<_> = batch.values().cloned().collect();
        record(store, &lease, &rows).await;
        map.extend(batch);
    }
    let expected: Vec<_> = map.into_values().collect();
    assert_eq!(read_all(store, 611).await, expected);
    let live = expected.iter().filter(|row| row.status == LedgerStatus::Live).count() as u64;
    assert_eq!(counts(store).await, (live, expected.len() as u64 - live, 0));
}

const SCOPE: Scope = Scope { entity: 1, school_year: 2022 };

async fn lease(store: &impl FeedStore) -> FeedLease {
    taken(store, "attendance").await
}

async fn record(store: &impl FeedStore, lease: &FeedLease, rows: &[LedgerRow]) {
    store.record(lease, SCOPE, rows).await.expect("records");
}

async fn scan(store: &impl FeedStore, after: Option<LedgerKey>, max: usize) -> Vec<LedgerRow> {
    store.ledger("attendance", SCOPE, after.as_ref(), max).await.expect("reads")
}

async fn read_all(store: &impl FeedStore, max: usize) -> Vec<LedgerRow> {
    let mut rows: Vec<LedgerRow> = Vec::new();
    loop {
        let page = scan(store, rows.last().map(|row| row.key), max).await;
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

async fn counts(store: &impl FeedStore) -> (u64, u64, u64) {
    let counts = store.ledger_counts("attendance").await.expect("reads");
    (counts.live, counts.ended, counts.unmatched)
}

/// A live row; `place` orders it among the others.
fn row(place: u32, revision: u32) -> LedgerRow {
    let mut key = [0xab; 16];
    key[..4].copy_from_slice(&place.to_be_bytes());
    LedgerRow {
        key,
        content: u64::from(place) << 32 | u64::from(revision),
        revision,
        status: LedgerStatus::Live,
        read_ms: i64::from(place),
        detail: place.to_be_bytes().to_vec(),
    }
}
