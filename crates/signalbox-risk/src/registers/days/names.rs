use serde::{Deserialize, Serialize};

/// Names kept once; rows refer to them by position. Sorted, so that the order of positions is the order of
/// names and no order of arrival shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names(Vec<Box<str>>);

impl Names {
    /// The position of `name`, or where it belongs.
    pub(super) fn find(&self, name: &str) -> Result<u32, u32> {
        match self.0.binary_search_by(|held| (**held).cmp(name)) {
            Ok(at) => Ok(at as u32),
            Err(at) => Err(at as u32),
        }
    }

    pub(crate) fn get(&self, at: u32) -> &str {
        &self.0[at as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn insert(&mut self, at: u32, name: &str) {
        self.0.insert(at as usize, name.into());
    }

    pub(super) fn remove(&mut self, at: u32) {
        self.0.remove(at as usize);
    }

    pub(super) fn is_sorted(&self) -> bool {
        self.0.is_sorted_by(|a, b| a < b)
    }
}

/// Moves a position that a name inserted at `at` pushed on.
pub(super) fn make_room(position: &mut u32, at: u32) {
    *position += u32::from(*position >= at);
}

/// Moves a position that a name removed at `at` let fall back.
pub(super) fn close_gap(position: &mut u32, at: u32) {
    *position -= u32::from(*position > at);
}
