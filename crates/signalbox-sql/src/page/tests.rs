use super::*;

fn row(place: u16, status: LedgerStatus) -> LedgerRow {
    let mut key = [0; 16];
    key[..2].copy_from_slice(&place.to_be_bytes());
    LedgerRow {
        key,
        content: u64::from(place) + 7,
        revision: 3,
        status,
        read_ms: -i64::from(place),
        detail: vec![1; usize::from(place % 5)],
    }
}

fn rows(places: impl IntoIterator<Item = u16>) -> Vec<LedgerRow> {
    places.into_iter().map(|place| row(place, LedgerStatus::Live)).collect()
}

fn all(pages: &[Page]) -> Vec<LedgerRow> {
    let mut rows = Vec::new();
    for page in pages {
        read(&page.body, None, usize::MAX, &mut rows).expect("reads what was written");
    }
    rows
}

#[test]
fn a_page_reads_as_written() {
    let written =
        vec![row(0, LedgerStatus::Live), row(4, LedgerStatus::Ended), row(9, LedgerStatus::Unmatched)];
    let mut change = Change::default();
    let pages = merge(&first(), &written, &mut change).expect("merges");
    assert_eq!(pages.len(), 1);
    assert_eq!(all(&pages), written);
    assert_eq!(change, Change { live: 1, ended: 1, unmatched: 1 });
}

#[test]
fn a_replaced_row_counts_once() {
    let page = merge(&first(), &rows([1, 2]), &mut Change::default()).expect("merges").remove(0);
    let mut change = Change::default();
    let ended = [row(2, LedgerStatus::Ended)];
    let pages = merge(&page, &ended, &mut change).expect("merges");
    assert_eq!(all(&pages), [row(1, LedgerStatus::Live), row(2, LedgerStatus::Ended)]);
    assert_eq!(change, Change { live: -1, ended: 1, unmatched: 0 });
}

#[test]
fn a_long_page_is_cut_at_its_rows() {
    let whole = rows(0..CUT_ABOVE as u16);
    assert_eq!(merge(&first(), &whole, &mut Change::default()).expect("merges").len(), 1);
    let longer = rows(0..=CUT_ABOVE as u16);
    let pages = merge(&first(), &longer, &mut Change::default()).expect("merges");
    assert_eq!(pages.len(), 3);
    assert_eq!(all(&pages), longer);
    assert_eq!(pages[0].from_key, LOWEST);
    for page in &pages[1..] {
        assert_eq!(page.from_key, all(std::slice::from_ref(page))[0].key);
    }
}

#[test]
fn a_read_begins_after_a_key_and_stops_at_a_limit() {
    let page = merge(&first(), &rows([1, 3, 5, 7]), &mut Change::default()).expect("merges").remove(0);
    let mut found = Vec::new();
    read(&page.body, Some(&row(3, LedgerStatus::Live).key), 1, &mut found).expect("reads");
    assert_eq!(found, rows([5]));
}

#[test]
fn a_damaged_page_is_refused() {
    let whole = merge(&first(), &rows([1, 2]), &mut Change::default()).expect("merges").remove(0).body;
    let mut another_format = whole.clone();
    another_format[0] = FORMAT + 1;
    let mut another_status = whole.clone();
    another_status[1 + 28] = 9;
    let cut_short = whole[..whole.len() - 1].to_vec();
    for damaged in [vec![], another_format, another_status, cut_short, whole[..20].to_vec()] {
        assert_eq!(read(&damaged, None, usize::MAX, &mut Vec::new()), Err(Damaged));
    }
}
