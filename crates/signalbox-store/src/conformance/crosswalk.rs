//! What every [`FeedStore`] promises of ids and what they name.

use super::taken;
use crate::FeedStore;
use crate::feed::{CrosswalkRow, Named};

pub async fn a_known_crosswalk_row_changes_nothing(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let first = CrosswalkRow { first: true, ..named("1", "student-1") };
    store.add_crosswalk(&lease, std::slice::from_ref(&first)).await.expect("adds");
    let again = [named("1", "student-1"), named("1", "student-2"), named("1", "student-2")];
    store.add_crosswalk(&lease, &again).await.expect("adds");
    assert_eq!(store.crosswalk(None, 10).await.expect("reads"), [first, named("1", "student-2")]);
}

pub async fn ids_are_taken_away_and_added_together(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    store.add_crosswalk(&lease, &[named("1", "student-1"), named("2", "student-2")]).await.expect("adds");
    let gone = [named("1", "student-1"), named("1", "student-2"), named("3", "student-1")];
    store.change_crosswalk(&lease, &gone, &[named("4", "student-1")]).await.expect("changes");
    let rows = store.crosswalk(None, 10).await.expect("reads");
    assert_eq!(rows, [named("2", "student-2"), named("4", "student-1")]);
}

pub async fn many_ids_are_taken_away_at_once(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let rows: Vec<_> = (0..700).map(|n| named(&format!("{n:04}"), "student")).collect();
    store.add_crosswalk(&lease, &rows).await.expect("adds");
    let (left, gone) = rows.split_at(5);
    let twice: Vec<_> = gone.iter().rev().chain(gone).cloned().collect();
    store.change_crosswalk(&lease, &twice, &[]).await.expect("changes");
    assert_eq!(store.crosswalk(None, 1_000).await.expect("reads"), left);
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

pub(super) fn named(id: &str, target: &str) -> CrosswalkRow {
    CrosswalkRow {
        what: Named::Student,
        id_type: "identifier".into(),
        id: id.into(),
        target: target.into(),
        first: false,
    }
}
