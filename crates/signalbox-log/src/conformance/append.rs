//! Appending, and reading without a group.

use bytes::Bytes;

use super::Fixture;
use super::driver::{append, message, numbered, offsets, texts, values};
use crate::{LogError, Message, Record};

/// Slice order is log order, shard by shard and over several calls.
pub async fn keeps_slice_order_per_shard(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 2), ("b", 2)]).await;
    let log = &*fixture.log;
    // Two topics and two shards, interleaved.
    let place = |n: usize| (if n.is_multiple_of(3) { "a" } else { "b" }, (n % 2) as u32);
    let messages: Vec<Message> = (0..300).map(|n| message(place(n).0, place(n).1, n.to_string())).collect();
    for part in messages.chunks(70) {
        append(log, part).await;
    }
    for (topic, shard) in [("a", 0), ("a", 1), ("b", 0), ("b", 1)] {
        let read = log.read(topic, shard, 0, 1_000).await.expect("the shard is there");
        assert_eq!(values(&read), texts((0..300).filter(|n| place(*n) == (topic, shard))));
        assert!(read.is_sorted_by(|a, b| a.offset < b.offset), "offsets ascend");
        assert!(read.iter().all(|record| &*record.topic == topic && record.shard == shard));
    }
}

pub async fn is_readable_once_it_returns(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    let log = &*fixture.log;
    for n in 1..20 {
        append(log, &numbered("a", 0, [n])).await;
        assert_eq!(offsets(log, "a", 0).await.len(), n);
    }
}

/// The answer to a lost acknowledgement.
pub async fn the_same_slice_again_is_appended_again(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    let messages = numbered("a", 0, 0..3);
    append(&*fixture.log, &messages).await;
    append(&*fixture.log, &messages).await;
    let read = fixture.log.read("a", 0, 0, 10).await.expect("the shard is there");
    assert_eq!(values(&read), texts([0, 1, 2, 0, 1, 2]));
}

pub async fn nothing_is_nothing(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &[]).await;
    assert_eq!(offsets(&*fixture.log, "a", 0).await, [0_u64; 0]);
}

/// A topic is never made by using it.
pub async fn refuses_an_unknown_topic_or_shard(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 2)]).await;
    let log = &*fixture.log;
    for (topic, shard) in [("unknown", 0), ("a", 2)] {
        let refused =
            |error: &LogError| matches!(error, LogError::NoSuchShard { topic: named, .. } if named == topic);
        let appended = log.append(&[message(topic, shard, "x")]).await;
        assert!(appended.as_ref().is_err_and(refused), "append: {appended:?}");
        let read = log.read(topic, shard, 0, 1).await;
        assert!(read.as_ref().is_err_and(refused), "read: {read:?}");
        let bounds = log.bounds(topic, shard).await;
        assert!(bounds.as_ref().is_err_and(refused), "bounds: {bounds:?}");
    }
    assert_eq!(log.shards("unknown").await.expect("the log answers"), None);
}

/// The log does not look into records: bytes that are no text, no key, an empty key, an empty value.
pub async fn keeps_records_nobody_can_decode(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    append(&*fixture.log, &undecodable("a")).await;
    let read = fixture.log.read("a", 0, 0, 10).await.expect("the shard is there");
    assert_same(&read, &undecodable("a"));
}

/// Order, repeated names, empty values and values that are not UTF-8.
pub async fn keeps_headers_as_given(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    let pairs: [(&str, &[u8]); 5] = [
        ("ce_id", b"1"),
        ("ce_type", b""),
        ("raw", b"\xff\x00\xfe"),
        ("ce_id", b"2"),
        ("ärger", "ü".as_bytes()),
    ];
    let with_headers = Message { headers: pairs.into_iter().collect(), ..message("a", 0, "v") };
    let messages = [with_headers.clone(), message("a", 0, "none"), with_headers];
    append(&*fixture.log, &messages).await;
    let read = fixture.log.read("a", 0, 0, 10).await.expect("the shard is there");
    assert_same(&read, &messages);
}

pub async fn keeps_a_record_of_one_mebibyte(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    let large: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let messages = [message("a", 0, "before"), message("a", 0, large), message("a", 0, "after")];
    append(&*fixture.log, &messages).await;
    let read = fixture.log.read("a", 0, 0, 10).await.expect("the shard is there");
    // Not `assert_same`: it would print a mebibyte.
    assert!(read.iter().map(|record| &record.value).eq(messages.iter().map(|message| &message.value)));
}

pub async fn read_stops_at_max_and_at_the_end(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 1)]).await;
    let log = &*fixture.log;
    // Appends of different sizes, so that reads begin and end inside and between them.
    for part in [0..1, 1..8, 8..8 + 700, 708..710, 710..1_000] {
        append(log, &numbered("a", 0, part)).await;
    }
    let offsets = offsets(log, "a", 0).await;
    for (from, max) in [(0, 1), (0, 8), (1, 6), (5, 5), (5, 700), (400, 1), (707, 2), (708, 500), (999, 9)] {
        let read = log.read("a", 0, offsets[from], max).await.expect("the shard is there");
        assert_eq!(values(&read), texts(from..(from + max).min(1_000)), "from {from}, {max} records");
    }
    let end = log.bounds("a", 0).await.expect("the shard is there").end;
    assert_eq!(log.read("a", 0, end, 10).await.expect("the end is a place"), []);
    assert_eq!(log.read("a", 0, offsets[0], 0).await.expect("none is a number"), []);
}

pub async fn bounds_and_shards_describe_the_log(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 3), ("b", 1)]).await;
    let log = &*fixture.log;
    assert_eq!(log.shards("a").await.expect("the log answers"), Some(3));
    assert_eq!(log.shards("b").await.expect("the log answers"), Some(1));
    assert!(log.bounds("a", 1).await.expect("the shard is there").is_empty());
    append(log, &numbered("a", 1, 0..5)).await;
    let bounds = log.bounds("a", 1).await.expect("the shard is there");
    let offsets = offsets(log, "a", 1).await;
    assert_eq!((offsets.first(), offsets.len()), (Some(&bounds.start), 5));
    assert_eq!(offsets.last(), Some(&(bounds.end - 1)));
    assert!(log.bounds("a", 0).await.expect("the shard is there").is_empty());
}

/// In the order asked, a place twice if it was asked twice; none when one of them is not there.
pub async fn ends_are_those_of_the_bounds(fresh: impl AsyncFn(&[(&str, u32)]) -> Fixture) {
    let fixture = fresh(&[("a", 3), ("b", 1)]).await;
    let log = &*fixture.log;
    append(log, &numbered("a", 1, 0..5)).await;
    append(log, &numbered("b", 0, 0..2)).await;
    let asked = [("b", 0), ("a", 1), ("a", 0), ("b", 0)];
    let places = asked.map(|(topic, shard)| (topic.to_owned(), shard));
    let ends = log.ends(&places).await.expect("the shards are there");
    assert_eq!(ends.len(), places.len());
    for ((topic, shard), end) in places.iter().zip(ends) {
        assert_eq!(end, log.bounds(topic, *shard).await.expect("the shard is there").end, "{topic} {shard}");
    }
    assert_eq!(log.ends(&[]).await.expect("none is a number"), [0_u64; 0]);
    for (topic, shard) in [("unknown", 0), ("a", 3)] {
        let asked = [("a".to_owned(), 1), (topic.to_owned(), shard)];
        let refused = log.ends(&asked).await;
        let named = matches!(&refused, Err(LogError::NoSuchShard { topic: named, .. }) if named == topic);
        assert!(named, "{refused:?}");
    }
}

/// Records of shard 0 that no reader of events can make sense of.
pub(super) fn undecodable(topic: &str) -> Vec<Message> {
    let key = |key: &'static [u8]| Some(Bytes::from_static(key));
    vec![
        Message { key: key(b"\xc3\x28"), ..message(topic, 0, &b"\x00\xff\xfe{"[..]) },
        message(topic, 0, ""),
        Message { key: key(b""), ..message(topic, 0, "empty key") },
        Message { key: key(b"k"), ..message(topic, 0, "") },
    ]
}

/// `read` is `messages`, but for the offsets.
pub(super) fn assert_same(read: &[Record], messages: &[Message]) {
    assert_eq!(read.iter().cloned().map(Message::from).collect::<Vec<_>>(), messages);
}
