//! Days of one student that are gone at one school and new at another: no day is lost with them.

use std::mem::take;

use jiff::civil::Date;

use crate::diff::{Group, Verdict};

/// The attendance of the student in hand.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) group: Option<Group>,
    /// Days of which the payload brings a row.
    said: Vec<Date>,
    gone: Vec<Gone>,
}

/// A live row that is not in the payload.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) school: String,
    pub(super) date: Date,
    pub(super) verdict: Verdict,
    pub(super) is_today: bool,
}

impl Moved {
    pub(super) fn said(&mut self, date: Date) {
        self.said.push(date);
    }

    pub(super) fn gone(&mut self, row: Gone) {
        self.gone.push(row);
    }

    /// Nothing more comes of the student: what is gone, where a day that stands at another school has only moved.
    pub(super) fn settle(&mut self) -> Vec<Gone> {
        let said = take(&mut self.said);
        let mut gone = take(&mut self.gone);
        for row in &mut gone {
            if said.contains(&row.date) {
                row.verdict = Verdict::Unchanged;
            }
        }
        gone
    }
}
