//! The suite every connector passes, and what its tests need: golden files, a landing place in memory.
//!
//! For tests only: a broken promise panics.

mod golden;
mod land;

use std::io::Cursor as Bytes;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use jiff::tz::TimeZone;
use serde_json::Value;

pub use golden::{assert_golden, golden};
pub use land::MemoryLand;

use crate::draft::Item;
use crate::source::{Contents, Refusal, Source};
use crate::{Connector, ParseCx};

/// At how many places each payload is cut off.
const CUTS: usize = 64;

/// What [`check_source`] is told about a connector.
#[derive(Debug)]
pub struct SourceCase<'a> {
    /// A section that is right.
    pub good: Value,
    /// Keys of `good` that may not be missing. The error has to name the key.
    pub required: &'a [&'a str],
    /// Sections that are wrong, and words that the error has to hold.
    pub bad: Vec<(Value, &'a str)>,
    /// Payloads for the good section. They may be refused, too.
    pub payloads: &'a [&'a [u8]],
}

/// Checks what every source promises: unknown, missing and wrong keys are refused by name; `normalize` is pure, keeps
/// the order of rows, stops when told, and never panics on a payload that was cut off.
pub fn check_source(connector: &Connector, case: &SourceCase<'_>) {
    let source =
        parse(connector, &case.good).unwrap_or_else(|error| panic!("the good section is refused: {error}"));
    check_sections(connector, case);
    assert_eq!(
        source.mapping(),
        parse(connector, &case.good).expect("it parsed a moment ago").mapping(),
        "mapping() differs from one parse to the next"
    );
    assert!(!source.entities().is_empty(), "a source has entities");
    for payload in case.payloads {
        check_payload(source.as_ref(), payload);
    }
}

fn check_sections(connector: &Connector, case: &SourceCase<'_>) {
    let mut unknown = case.good.clone();
    unknown["no_such_key"] = Value::from(1);
    assert_refused(connector, &unknown, "no_such_key");
    for key in case.required {
        let mut missing = case.good.clone();
        missing
            .as_object_mut()
            .expect("a section is an object")
            .remove(*key)
            .expect("a required key is there");
        assert_refused(connector, &missing, key);
    }
    for (bad, words) in &case.bad {
        assert_refused(connector, bad, words);
    }
}

fn assert_refused(connector: &Connector, section: &Value, words: &str) {
    let error =
        parse(connector, section).err().unwrap_or_else(|| panic!("taken, but should not be: {section}"));
    assert!(error.contains(words), "the error does not say \"{words}\": {error}");
}

fn check_payload(source: &dyn Source, payload: &[u8]) {
    let whole = read(source, payload);
    assert_eq!(whole, read(source, payload), "normalize is not pure");
    assert_ascending(&whole.items);
    assert_stops(source, payload, whole.items.len());
    let step = (payload.len() / CUTS).max(1);
    for cut in (0..payload.len()).step_by(step) {
        assert_ascending(&read(source, &payload[..cut]).items);
    }
}

fn assert_ascending(items: &[Item<'_>]) {
    let place = |item: &Item<'_>| match item {
        Item::Draft(draft) => (draft.file, Some(draft.row)),
        Item::Reject(reject) => (reject.file, reject.row),
    };
    for pair in items.windows(2) {
        let ((file, row), (next_file, next_row)) = (place(&pair[0]), place(&pair[1]));
        assert!(
            file != next_file || row <= next_row,
            "rows go back from {row:?} to {next_row:?} in {file:?}"
        );
    }
}

fn assert_stops(source: &dyn Source, payload: &[u8], items: usize) {
    let mut seen = 0;
    let _outcome = source.normalize(&mut Bytes::new(payload), &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    assert_eq!(seen, items.min(1), "normalize goes on after emit broke");
}

/// A section's source, or the error's text. Relative paths are relative to the working directory, the zone is UTC.
pub fn parse(connector: &Connector, section: &Value) -> Result<Box<dyn Source>, String> {
    parse_at(connector, section, Path::new("."))
}

/// Like [`parse`], relative to `base`.
pub fn parse_at(connector: &Connector, section: &Value, base: &Path) -> Result<Box<dyn Source>, String> {
    parse_in(connector, section, &ParseCx { base, zone: &TimeZone::UTC })
}

/// Like [`parse`], in the light of `cx`.
pub fn parse_in(connector: &Connector, section: &Value, cx: &ParseCx<'_>) -> Result<Box<dyn Source>, String> {
    let parse = connector.source.expect("the connector is a source");
    let mut section = <dyn erased_serde::Deserializer<'_>>::erase(section);
    parse(&mut section, cx).map_err(|error| error.to_string())
}

/// All that `normalize` said about a payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub items: Vec<Item<'static>>,
    pub outcome: Result<Contents, Refusal>,
}

/// Normalises a payload to its end.
pub fn read(source: &dyn Source, payload: &[u8]) -> Reading {
    let mut items = Vec::new();
    let outcome = source.normalize(&mut Bytes::new(payload), &mut |item| {
        items.push(item.into_owned());
        ControlFlow::Continue(())
    });
    Reading { items, outcome }
}

/// The output of a future that never waits, such as a fetch from a folder.
pub fn finish<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something"),
    }
}
