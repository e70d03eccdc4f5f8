//! Pages of a ledger, as a disk gives them back.

use signalbox_fuzz::Edited;

use super::*;

fn row(place: u8, status: LedgerStatus) -> LedgerRow {
    LedgerRow {
        key: [place; 16],
        content: 7,
        revision: 3,
        status,
        read_ms: 1,
        detail: vec![place; usize::from(place)],
    }
}

fn page(rows: &[LedgerRow]) -> Page {
    merge(&first(), rows, &mut Change::default()).expect("the first page is whole").remove(0)
}

fn all(page: &[u8]) -> Result<Vec<LedgerRow>, Damaged> {
    let mut rows = Vec::new();
    read(page, None, usize::MAX, &mut rows)?;
    Ok(rows)
}

fn rows_of(pages: &[Page]) -> Vec<LedgerRow> {
    pages.iter().flat_map(|page| all(&page.body).expect("what was written reads")).collect()
}

fn sum(change: Change) -> i64 {
    change.live + change.ended + change.unmatched
}

#[test]
fn ledger_page() {
    let rows = [1, 4, 9].map(|place| row(place, LedgerStatus::Live));
    let mixed = [row(2, LedgerStatus::Ended), row(5, LedgerStatus::Unmatched)];
    let samples = [first().body, page(&rows).body, page(&mixed).body];
    bolero::check!().with_iterations(3_000).with_type::<Edited>().for_each(|input| {
        let body = input.bytes(&samples);
        let Ok(rows) = all(&body) else { return };
        assert_eq!(
            body.len(),
            1 + rows.iter().map(|row| HEAD + row.detail.len()).sum::<usize>(),
            "no byte is lost"
        );
        let (from, rest) = rows.split_at(rows.len() / 2);
        let mut later = Vec::new();
        let after = from.last().map(|row| row.key);
        read(&body, after.as_ref(), usize::MAX, &mut later).expect("it was read a moment ago");
        if rows.is_sorted_by(|a, b| a.key < b.key) {
            assert_eq!(later, rest);
            assert_eq!(rows_of(&[page(&rows)]), rows, "what is read is written alike");
        }
        grows(&body, &rows);
    });
}

/// A row more is a row more, whatever stands there.
fn grows(body: &[u8], rows: &[LedgerRow]) {
    let new = row(3, LedgerStatus::Ended);
    let mut change = Change::default();
    let stored = Page { from_key: LOWEST, body: body.to_vec() };
    let merged = rows_of(&merge(&stored, std::slice::from_ref(&new), &mut change).expect("the page reads"));
    assert!(merged.contains(&new));
    assert_eq!(merged.len() as i64, rows.len() as i64 + sum(change), "counts add up");
}
