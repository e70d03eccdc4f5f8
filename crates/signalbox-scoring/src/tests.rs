use jiff::civil::date;
use signalbox_consume::folder::hear;
use signalbox_event::data::{FeedMode, FeedRetired, Mode, RowsMean, RunEnded, SchoolCoverage};
use signalbox_event::envelope::feed_source;
use signalbox_event::{Data, Event};
use uuid::Uuid;

use super::{ScoredShard, Scoring};

fn event(data: Data) -> Event {
    Event {
        id: Uuid::nil(),
        source: feed_source("d", "attendance"),
        subject: None,
        time: "2021-09-01T08:00:00-05:00".to_owned(),
        partition_key: "d/shard-0".to_owned(),
        school_year: None,
        revision: 1,
        run: None,
        traceparent: None,
        data,
    }
}

fn ended(run: u64, last: i8) -> Event {
    let (school, doubtful) = ("100".to_owned(), Vec::new());
    let (first, last) = (date(2021, 8, 23), date(2021, 9, last));
    let covered = vec![SchoolCoverage { school, first, last, doubtful }];
    let feed = "attendance".to_owned();
    event(Data::OpsRunEnded(RunEnded { feed, run, rows: Some(RowsMean::Exceptions), covered }))
}

/// Both topics in their own order, merged as the bits say.
fn merged<'a>(ops: &'a [Event], facts: &'a [Event], bits: u32) -> Vec<&'a Event> {
    let (mut ops, mut facts) = (ops.iter(), facts.iter());
    let mut all: Vec<&Event> =
        (0..8).filter_map(|at| if bits >> at & 1 == 1 { ops.next() } else { facts.next() }).collect();
    all.extend(ops.chain(facts));
    all
}

/// Whoever computes a decision again reads the topics one after the other, whatever their order was.
#[test]
fn a_shard_turns_as_often_whatever_the_order_between_topics() {
    let feed = || "attendance".to_owned();
    let ops = [
        event(Data::OpsFeedMode(FeedMode { feed: feed(), mode: Mode::Live })),
        event(Data::OpsFeedRetired(FeedRetired { feed: feed() })),
    ];
    let facts = [ended(1, 3), ended(2, 3), ended(3, 10)];
    let heard = |bits| {
        let mut shard = ScoredShard::default();
        for event in merged(&ops, &facts, bits) {
            hear::<Scoring>(&mut shard, event);
        }
        shard
    };
    let first = heard(0);
    assert_eq!(first.turns, 4, "a mode, a retirement, a first run and new days");
    for bits in 1..256 {
        assert_eq!(heard(bits), first, "{bits:b}");
    }
}
