//! What every [`FeedStore`] promises of rows that could not be used.

use super::feed::{closing, new_run, work};
use super::taken;
use crate::FeedStore;
use crate::feed::{Closing, Outcome, Reject, RejectGroup, RejectPlace};

pub async fn closing_replaces_rejects(store: &impl FeedStore) {
    let (sis, other) = (taken(store, "sis").await, taken(store, "other").await);
    let with = |feed: &str, code: &str| Closing {
        rejects: Some((vec![group(feed, code, 1)], vec![reject(feed, "a.csv", Some(2), code)])),
        ..closing(Outcome::Accepted)
    };
    work(store, &other, new_run("one", &[]), with("other", "BAD_DATE")).await;
    work(store, &sis, new_run("one", &[]), with("sis", "BAD_DATE")).await;
    work(store, &sis, new_run("two", &[]), with("sis", "BAD_CODE")).await;
    assert_eq!(codes(store).await, ["other BAD_DATE", "sis BAD_CODE"]);
    work(store, &sis, new_run("three", &[]), closing(Outcome::Accepted)).await;
    assert_eq!(codes(store).await, ["other BAD_DATE", "sis BAD_CODE"], "left as they are");
    let none = Closing { rejects: Some((vec![], vec![])), ..closing(Outcome::Accepted) };
    work(store, &sis, new_run("four", &[]), none).await;
    assert_eq!(codes(store).await, ["other BAD_DATE"]);
    assert_eq!(store.reject_groups().await.expect("reads"), [group("other", "BAD_DATE", 1)]);
}

pub async fn reject_groups_come_most_first(store: &impl FeedStore) {
    let lease = taken(store, "sis").await;
    let groups = vec![group("sis", "A", 3), group("sis", "B", 300), group("sis", "C", 20)];
    let with = Closing { rejects: Some((groups.clone(), vec![])), ..closing(Outcome::Accepted) };
    work(store, &lease, new_run("one", &[]), with).await;
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
        work(store, &lease, new_run("one", &[]), with).await;
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

/// One group with its one row.
pub(super) fn one_of(feed: &str) -> (Vec<RejectGroup>, Vec<Reject>) {
    (vec![group(feed, "BAD_DATE", 1)], vec![reject(feed, "a.csv", Some(2), "BAD_DATE")])
}

async fn codes(store: &impl FeedStore) -> Vec<String> {
    let rejects = store.rejects(100).await.expect("reads");
    rejects.into_iter().map(|reject| format!("{} {}", reject.feed, reject.code)).collect()
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
