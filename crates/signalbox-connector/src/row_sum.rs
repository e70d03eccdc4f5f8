//! A sum over rows that does not mind their order.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The rows of a payload, in no order: how many, and the sum of their hashes. Addition counts every row, so two equal
/// sums mean the same rows, each as often, but for a chance of 2^-128 or so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSum {
    count: u64,
    sum: u128,
}

impl RowSum {
    /// Adds one row's bytes.
    #[inline]
    pub fn add(&mut self, row: &[u8]) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(row));
    }
}
