//! The same rows again: recognised without being compared, whatever their order.

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::civil::date;
use serde::Deserialize;
use serde_json::value::RawValue;
use signalbox_connector::{
    Contents, Cursor, Entity, FetchCx, FetchError, Item, Page, ReadSeek, Refusal, RowSum, Source,
};
use signalbox_event::data::Mode;
use signalbox_ingest::Counts;

use super::district::District;

/// What a feed remembers of the last payload that went through whole.
#[derive(Deserialize)]
struct Remembered {
    accepted: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Accepted {
    context: String,
}

/// As it is stored.
async fn accepted(district: &District) -> Option<String> {
    let json = district.hub.feeds.settings("attendance").await.expect("reads")?;
    let remembered: Remembered = serde_json::from_str(&json).expect("reads");
    remembered.accepted.map(|accepted| accepted.get().to_owned())
}

/// What the outcome of a payload of attendance that goes through whole rests on, besides its bytes and the ledger.
async fn context_of(district: &mut District) -> String {
    district.attendance(&[("1001", 10, "tardy")]);
    district.pass().await;
    let json = accepted(district).await.expect("it went through whole");
    serde_json::from_str::<Accepted>(&json).expect("reads").context
}

/// A retry compares row by row: it has to agree with whatever the drop was told.
async fn drop_and_compare(district: &mut District, rows: &[(&str, usize, &str)]) -> Counts {
    district.attendance(rows);
    let dropped = district.pass().await.runs.pop().expect("a run").counts;
    let compared = district.retry("attendance").await.expect("there is a payload").counts;
    assert_eq!((compared.add, compared.change, compared.end), (0, 0, 0));
    assert_eq!((compared.rows, compared.duplicate), (dropped.rows, dropped.duplicate));
    dropped
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rows_in_another_order_are_recognised() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001", "1002"]);
    let (one, two) = (("1001", 10, "absent_excused"), ("1001", 20, "tardy"));
    let three = ("1002", 10, "absent_excused");
    drop_and_compare(&mut district, &[one, two, three, one]).await;
    let before = accepted(&district).await.expect("it went through whole");
    let events = district.events().await;
    for rows in [[one, one, two, three], [three, one, two, one]] {
        let counts = drop_and_compare(&mut district, &rows).await;
        assert_eq!((counts.unchanged, counts.duplicate, counts.rows), (3, 1, 4));
    }
    assert_eq!(district.events().await, events);
    assert_eq!(accepted(&district).await, Some(before));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_rows_of_the_same_size_are_compared() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001", "1002"]);
    let one = [("1001", 10, "absent_excused"), ("1002", 10, "tardy")];
    let other = [("1002", 10, "absent_excused"), ("1001", 10, "tardy")];
    district.attendance(&one);
    district.pass().await;
    for rows in [other, one] {
        let counts = drop_and_compare(&mut district, &rows).await;
        assert_eq!((counts.change, counts.unchanged), (2, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_go_through_whole_is_not_remembered() {
    let mut district = District::new(Mode::Live);
    let ahead = (1..200).find(|n| district.calendar_day(*n) > date(2021, 12, 1)).expect("the year goes on");
    district.roster(&["1001"]);
    let good = ("1001", 10, "tardy");
    for fault in [("1009", 10, "tardy"), ("1001", 10, "absent_excused"), ("1001", ahead, "tardy")] {
        district.attendance(&[good, ("1001", 11, "tardy")]);
        district.pass().await;
        assert!(accepted(&district).await.is_some(), "before {fault:?}");
        district.attendance(&[good, ("1001", 11, "tardy"), fault]);
        district.pass().await;
        assert_eq!(accepted(&district).await, None, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_ids_may_lead_rows_elsewhere() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.pass().await;
    let before = context_of(&mut district).await;
    district.roster(&["1001"]);
    district.pass().await;
    assert_eq!(context_of(&mut district).await, before);
    district.roster(&["1001", "1002"]);
    district.pass().await;
    assert_ne!(context_of(&mut district).await, before);
}

/// Its rows are lines, which it sums without normalising them.
struct OfLines {
    source: Arc<dyn Source>,
    normalized: Arc<AtomicU64>,
}

#[async_trait]
impl Source for OfLines {
    fn entities(&self) -> &[Entity] {
        self.source.entities()
    }

    fn mapping(&self) -> String {
        self.source.mapping()
    }

    async fn fetch(&self, cx: &FetchCx<'_>, cursor: &Cursor) -> Result<Page, FetchError> {
        self.source.fetch(cx, cursor).await
    }

    fn normalize(
        &self,
        payload: &mut dyn ReadSeek,
        emit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> Result<Contents, Refusal> {
        let mut flow = ControlFlow::Continue(());
        self.source.normalize(payload, &mut |item| {
            if flow.is_continue() {
                self.normalized.fetch_add(1, Ordering::Relaxed);
                flow = emit(item);
            }
            flow
        })
    }

    fn row_sum(&self, payload: &mut dyn ReadSeek) -> std::io::Result<Option<RowSum>> {
        let mut sum = RowSum::default();
        for line in BufReader::new(payload).lines() {
            sum.add(line?.as_bytes());
        }
        Ok(Some(sum))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_sum_raw_are_recognised_unread() {
    let mut district = District::new(Mode::Live);
    let normalized = Arc::new(AtomicU64::new(0));
    let feed = &mut Arc::get_mut(&mut district.hub).expect("nothing runs yet").settings.feeds[1];
    feed.source = Arc::new(OfLines { source: feed.source.clone(), normalized: normalized.clone() });
    district.roster(&["1001", "1002"]);
    let [one, two, three] = [("1001", 10, "tardy"), ("1001", 20, "tardy"), ("1002", 10, "tardy")];
    let drops = [
        // Rows, how many are as they were, whether they are all the same as before.
        ([one, two, three, one], 0, false),
        ([three, one, two, one], 3, true),
        ([three, two, two, one], 3, false),
        ([three, two, two, ("1001", 10, "absent_excused")], 2, false),
    ];
    for (rows, unchanged, same) in drops {
        normalized.store(0, Ordering::Relaxed);
        district.attendance(&rows);
        let counts = district.pass().await.runs.pop().expect("a run").counts;
        assert_eq!((counts.rows, counts.unchanged, counts.duplicate), (4, unchanged, 1), "{rows:?}");
        let read = normalized.load(Ordering::Relaxed);
        assert_eq!(read < 4, same, "{read} rows were normalised of {rows:?}");
        let compared = district.retry("attendance").await.expect("there is a payload").counts;
        assert_eq!((compared.add, compared.change, compared.end, compared.unchanged), (0, 0, 0, 3));
    }
}
