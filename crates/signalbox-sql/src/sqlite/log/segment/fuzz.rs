//! Segments of the log, as a disk gives them back.

use signalbox_fuzz::Edited;

use super::*;

const FIRST: Offset = 100;

fn message(headers: &[(&str, &'static [u8])], key: Option<&'static [u8]>, value: &'static [u8]) -> Message {
    let headers = headers.iter().copied().collect();
    let (key, value) = (key.map(Bytes::from_static), Bytes::from_static(value));
    Message { topic: "t".to_owned(), shard: 3, key, headers, value }
}

fn packed(messages: &[Message]) -> Vec<u8> {
    let mut packer = Packer::default();
    packer.push(1, 3, messages);
    packer.finish().remove(0).records
}

fn decode(blob: &Bytes, wanted: Range<Offset>) -> Result<Vec<Record>, Damaged> {
    let mut records = Vec::new();
    Slice { topic: &"t".into(), shard: 3, first_offset: FIRST, wanted }.decode(blob, &mut records)?;
    Ok(records)
}

#[test]
fn log_segment() {
    let headers: &[(&str, &'static [u8])] =
        &[("ce_id", b"1"), ("ce_type", b"org.signalbox.attendance.daily.v1")];
    let samples = [
        packed(&[message(&[], None, b"")]),
        packed(&[
            message(headers, Some(b"d/1"), b"{}"),
            message(&headers[..1], Some(b""), b"x"),
            message(&[], None, b"y"),
        ]),
    ];
    bolero::check!().with_iterations(3_000).with_type::<Edited>().for_each(|input| {
        let blob = Bytes::from(input.bytes(&samples));
        let Ok(records) = decode(&blob, 0..Offset::MAX) else { return };
        let headers: usize = records.iter().map(|record| record.headers.as_bytes().len()).sum();
        assert!(headers <= blob.len(), "{headers} bytes of headers in {}", blob.len());
        let offsets = records.iter().map(|record| record.offset);
        assert!(offsets.eq(FIRST..FIRST + records.len() as u64), "no record is passed over");
        if !records.is_empty() {
            let messages: Vec<Message> = records.iter().cloned().map(Message::from).collect();
            let again = decode(&packed(&messages).into(), 0..Offset::MAX);
            assert_eq!(again.as_ref(), Ok(&records), "what is read is written alike");
        }
        let part = FIRST + 1..FIRST + 2;
        assert_eq!(decode(&blob, part).expect("it was read whole"), records.get(1..2).unwrap_or_default());
    });
}
