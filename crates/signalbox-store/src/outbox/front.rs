//! The order of a lane: which entry is first, and so may be claimed.

use std::collections::HashSet;

use super::{Entry, EntryState, NewEntry};

impl Entry {
    /// Whether it stands in its lane: it is still to be sent, by itself. Only such entries hold others up.
    pub fn stands_in_lane(&self) -> bool {
        self.state == EntryState::Pending && !self.part
    }
}

impl NewEntry {
    /// Whether everything that is written to its target after it waits for it: a list for the recipient.
    pub fn holds_up_target(&self) -> bool {
        is_targets_own(&self.lane, &self.target)
    }
}

/// The front of a target: the first entry of each lane, up to and with the first that holds up the whole target.
///
/// The one place that says so outside of SQL. Statements that say it too name it, and
/// [`outbox_conformance`](crate::outbox_conformance) proves that they agree.
#[derive(Debug, Default)]
pub struct Front {
    lanes: HashSet<String>,
    is_closed: bool,
}

impl Front {
    /// Whether an entry is first in its lane. To be asked once of every entry of one target that
    /// [stands in its lane](Entry::stands_in_lane), in the order of writing.
    pub fn admits(&mut self, lane: &str, target: &str) -> bool {
        if self.is_closed || self.lanes.contains(lane) {
            return false;
        }
        self.is_closed = is_targets_own(lane, target);
        self.lanes.insert(lane.to_owned())
    }

    /// Whether nothing written later is admitted.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }
}

fn is_targets_own(lane: &str, target: &str) -> bool {
    lane == target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(lanes: &[&str]) -> Vec<usize> {
        let mut front = Front::default();
        (0..lanes.len()).filter(|&place| front.admits(lanes[place], "counselor")).collect()
    }

    #[test]
    fn the_first_of_each_lane_is_admitted() {
        assert_eq!(admitted(&["a", "b", "a", "c", "b"]), [0, 1, 3]);
    }

    #[test]
    fn nothing_passes_what_is_for_the_target_itself() {
        assert_eq!(admitted(&["a", "counselor", "a", "b", "counselor"]), [0, 1]);
        let mut front = Front::default();
        assert!(front.admits("a", "counselor") && !front.is_closed());
        assert!(front.admits("counselor", "counselor") && front.is_closed());
    }
}
