//! CloudEvents, binary and structured.

use bolero::TypeGenerator;
use signalbox_event::Event;
use signalbox_event::codec::{STRUCTURED, from_record, from_structured, to_binary, to_structured};

use signalbox_fuzz::Edited;

use crate::memory;

macro_rules! examples {
    ($($path:literal),* $(,)?) => {
        &[$(include_bytes!(concat!("../../schemas/events/", $path, ".json")),)*]
    };
}

/// One of each type.
const SAMPLES: &[&[u8]] = examples![
    "attendance.daily/examples/absent",
    "attendance.daily/examples/unknown",
    "intervention.acknowledged/examples/acknowledged",
    "ops.action/examples/approved",
    "ops.feed.mode/examples/live",
    "ops.policy.changed/examples/changed",
    "ops.run.ended/examples/attendance",
    "reference.calendar/examples/summer-school",
    "reference.school/examples/school",
    "risk.flag.cleared/examples/cleared",
    "risk.flag.raised/examples/raised",
    "risk.flag.withdrawn/examples/withdrawn",
    "roster.enrollment/examples/left",
    "roster.student/examples/student",
];

/// An event takes a few times its bytes.
fn memory_for(bytes: usize) -> u64 {
    64 * 1024 + 64 * bytes as u64
}

fn read(headers: &[(String, Vec<u8>)], value: &[u8]) -> Option<Event> {
    let size = value.len() + headers.iter().map(|(name, bytes)| name.len() + bytes.len()).sum::<usize>();
    let headers = headers.iter().map(|(name, bytes)| (name.as_str(), &bytes[..]));
    memory::at_most(memory_for(size), || from_record(headers, value)).ok()
}

fn binary(event: &Event) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let (headers, value) = to_binary(event);
    (headers.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.into_owned())).collect(), value)
}

/// What was read is written so that it reads alike, in both modes.
fn comes_back(event: &Event) {
    let structured = to_structured(event);
    assert_eq!(from_structured(structured.as_bytes()).expect("our own form reads"), *event);
    let (headers, value) = binary(event);
    assert_eq!(read(&headers, &value).as_ref(), Some(event));
}

#[test]
fn cloudevents_structured() {
    bolero::check!().with_iterations(1_500).with_type::<Edited>().for_each(|input| {
        let json = input.bytes(SAMPLES);
        let event = memory::at_most(memory_for(json.len()), || from_structured(&json)).ok();
        let announced = [("content-type".to_owned(), STRUCTURED.into())];
        assert_eq!(read(&announced, &json), event, "as a record's value it reads alike");
        event.iter().for_each(comes_back);
    });
}

/// An event in binary mode, and what is done to one of its headers or to its value.
#[derive(Debug, Clone, TypeGenerator)]
struct Record {
    sample: u8,
    part: Option<u8>,
    edited: Edited,
    repeated: bool,
}

impl Record {
    fn parts(&self) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
        let sample = SAMPLES[usize::from(self.sample) % SAMPLES.len()];
        let (mut headers, mut value) = binary(&from_structured(sample).expect("the examples read"));
        match self.part {
            None => value = self.edited.bytes(&[value]),
            Some(part) => {
                let part = usize::from(part) % headers.len();
                let (name, bytes) = headers[part].clone();
                let bytes = self.edited.bytes(&[bytes]);
                if self.repeated {
                    headers.insert(0, (name, bytes));
                } else {
                    headers[part].1 = bytes;
                }
            }
        }
        (headers, value)
    }
}

#[test]
fn cloudevents_binary() {
    bolero::check!().with_iterations(1_500).with_type::<Record>().for_each(|input| {
        let (headers, value) = input.parts();
        let event = read(&headers, &value);
        event.iter().for_each(comes_back);
        // "Of two headers of one name the later counts": unless the earlier is no text at all.
        if let (Some(event), true) = (&event, input.part.is_some() && input.repeated) {
            assert_eq!(read(&headers[1..], &value).as_ref(), Some(event));
        }
    });
}
