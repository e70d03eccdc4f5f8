//! Steps that are wanted twice: to be judged, and to be done. Most rows are as they were: of those nothing is to be done.

use super::diff::{By, Diff, Step};
use super::read::ReadIn;
use signalbox_hub::HubError;

/// The steps of a payload that change the ledger, as long as they are few: they are done without comparing again.
#[derive(Default)]
pub(super) struct Few {
    steps: Vec<Step>,
    too_many: bool,
}

impl Few {
    const MOST: usize = 1_000;

    pub(super) fn keep(&mut self, step: Step) {
        if step.new.is_none() {
            return;
        }
        self.too_many |= self.steps.len() >= Self::MOST;
        if self.too_many {
            self.steps = Vec::new();
        } else {
            self.steps.push(step);
        }
    }

    /// All of them, compared anew if they were too many.
    pub(super) fn or_anew<'a>(self, by: By<'a>, read: &'a ReadIn) -> Result<Steps<'a>, HubError> {
        if self.too_many {
            return Ok(Steps::Compared(Box::new(Diff::new(by, read)?)));
        }
        Ok(Steps::Kept(self.steps.into_iter()))
    }
}

/// A payload's steps, kept or made anew.
pub(super) enum Steps<'a> {
    Kept(std::vec::IntoIter<Step>),
    Compared(Box<Diff<'a>>),
}

impl Steps<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Step>, HubError> {
        match self {
            Self::Kept(steps) => Ok(steps.next()),
            Self::Compared(diff) => diff.next().await,
        }
    }
}
