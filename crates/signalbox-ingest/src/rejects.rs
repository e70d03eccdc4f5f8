//! Rows that could not be used: every one counted by cause, the first ten thousand kept one by one.

use std::collections::BTreeMap;

use signalbox_connector::{Refusal, Reject, RejectCode};
use signalbox_store::feed;

/// How many rejects of one payload are kept one by one. The landed payload keeps them all.
const KEPT: usize = 10_000;
/// How many causes are told apart; what comes after is counted under its code alone.
const CAUSES: usize = 1_000;

/// Collects the rejects of one payload.
#[derive(Debug)]
pub(crate) struct RejectBook {
    feed: String,
    payload: String,
    groups: BTreeMap<(RejectCode, String, String), feed::RejectGroup>,
    kept: Vec<feed::Reject>,
}

impl RejectBook {
    pub(crate) fn new(feed: &str, payload: &str) -> Self {
        Self { feed: feed.into(), payload: payload.into(), groups: BTreeMap::new(), kept: Vec::new() }
    }

    pub(crate) fn add(&mut self, reject: Reject) {
        let place = feed::RejectPlace {
            file: match reject.file {
                Some(file) => format!("{}/{file}", self.payload),
                None => self.payload.clone(),
            },
            row: reject.row,
            column: reject.column,
        };
        self.put(reject.code, reject.value_class, place, reject.help);
    }

    /// A payload that is not used at all.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        let file = match &refusal.file {
            Some(file) if *file != self.payload => format!("{}/{file}", self.payload),
            _ => self.payload.clone(),
        };
        let place = feed::RejectPlace { file, row: None, column: refusal.column.clone() };
        self.put(
            refusal.code,
            String::new(),
            place,
            super::close::sentences(&refusal.message, &refusal.help),
        );
    }

    fn put(&mut self, code: RejectCode, value_class: String, place: feed::RejectPlace, help: String) {
        let value_class = if self.groups.len() < CAUSES { value_class } else { String::new() };
        if self.kept.len() < KEPT {
            self.kept.push(feed::Reject {
                feed: self.feed.clone(),
                code: code.as_str().to_owned(),
                value_class: value_class.clone(),
                place: place.clone(),
                help: help.clone(),
            });
        }
        let column = place.column.clone().unwrap_or_default();
        self.groups
            .entry((code, value_class.clone(), column))
            .or_insert_with(|| feed::RejectGroup {
                feed: self.feed.clone(),
                code: code.as_str().to_owned(),
                value_class,
                count: 0,
                first: place,
                help,
            })
            .count += 1;
    }

    pub(crate) fn into_parts(self) -> (Vec<feed::RejectGroup>, Vec<feed::Reject>) {
        (self.groups.into_values().collect(), self.kept)
    }
}
