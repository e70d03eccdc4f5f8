use bytes::Bytes;
use proptest::prelude::*;
use signalbox_log::{Headers, Message, Record};

use super::{Damaged, MAX_BYTES, MAX_RECORDS, Packer, Segment, Slice};

fn message(value: impl Into<Bytes>) -> Message {
    Message { topic: "t".to_owned(), shard: 3, key: None, headers: Headers::default(), value: value.into() }
}

fn pack(messages: &[Message]) -> Vec<Segment> {
    let mut packer = Packer::default();
    packer.push(1, 3, messages);
    packer.finish()
}

fn decode(blob: Vec<u8>, first_offset: u64, wanted: std::ops::Range<u64>) -> Result<Vec<Record>, Damaged> {
    let mut records = Vec::new();
    Slice { topic: &"t".into(), shard: 3, first_offset, wanted }.decode(&Bytes::from(blob), &mut records)?;
    Ok(records)
}

fn any_message() -> impl Strategy<Value = Message> {
    let bytes = |max| prop::collection::vec(any::<u8>(), 0..max).prop_map(Bytes::from);
    let headers = prop::collection::vec((".{0,9}", bytes(300)), 0..5);
    (prop::option::of(bytes(200)), headers, bytes(400)).prop_map(|(key, headers, value)| Message {
        key,
        headers: headers.into_iter().collect(),
        ..message(value)
    })
}

proptest! {
    /// Any part of any segment is what went in, with its offsets.
    #[test]
    fn what_goes_in_comes_out(
        messages in prop::collection::vec(any_message(), 1..30),
        from in 0_u64..40,
        len in 0_u64..40,
    ) {
        let [segment] = <[Segment; 1]>::try_from(pack(&messages)).expect("it fits into one");
        let records = decode(segment.records, 100, 90 + from..90 + from + len)?;
        let wanted = |offset: &u64| (90 + from..90 + from + len).contains(offset);
        let offsets: Vec<u64> = (100..100 + messages.len() as u64).filter(wanted).collect();
        prop_assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), offsets);
        for record in records {
            let at = (record.offset - 100) as usize;
            prop_assert_eq!(&Message::from(record), &messages[at]);
        }
    }

    #[test]
    fn foreign_bytes_never_panic(blob in prop::collection::vec(any::<u8>(), 0..200)) {
        // No record is shorter than its length, no key and no headers.
        let most = blob.len() / 6;
        prop_assert!(decode(blob, 0, 0..u64::MAX).map_or(true, |records| records.len() <= most));
    }
}

#[test]
fn a_blob_cut_short_is_damaged() {
    let [segment] = <[Segment; 1]>::try_from(pack(&[message("value")])).expect("it fits into one");
    // The format byte alone is a segment without records.
    for len in (0..segment.records.len()).filter(|len| *len != 1) {
        assert_eq!(decode(segment.records[..len].to_vec(), 0, 0..9), Err(Damaged), "{len} bytes");
    }
    assert_eq!(decode([&[2], &segment.records[1..]].concat(), 0, 0..9), Err(Damaged), "another format");
}

#[test]
fn segments_are_closed_by_records_and_by_bytes() {
    let counts = |messages: &[Message]| -> Vec<u32> { pack(messages).iter().map(|s| s.count).collect() };
    assert_eq!(counts(&vec![message("v"); MAX_RECORDS as usize * 2 + 1]), [MAX_RECORDS, MAX_RECORDS, 1]);
    assert_eq!(counts(&vec![message(vec![0; MAX_BYTES / 2]); 5]), [2, 2, 1]);
}

#[test]
fn each_shard_has_its_own_segment() {
    let mut packer = Packer::default();
    for (topic, shard) in [(1, 0), (1, 1), (2, 0), (1, 0)] {
        packer.push(topic, shard, &[message("v")]);
    }
    let counts: Vec<_> = packer.finish().iter().map(|s| (s.topic, s.shard, s.count)).collect();
    assert_eq!(counts, [(1, 0, 2), (1, 1, 1), (2, 0, 1)]);
}
