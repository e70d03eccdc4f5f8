//! Records that were delivered and are in no transaction yet.

use std::collections::BTreeMap;

use signalbox_log::{Record, Shard};

/// By shard, each in the order of its delivery.
#[derive(Debug, Default)]
pub(super) struct Brought {
    records: BTreeMap<Shard, Vec<Record>>,
    count: usize,
    bytes: usize,
}

impl Brought {
    pub(super) fn add(&mut self, shard: Shard, mut records: Vec<Record>) {
        self.count += records.len();
        self.bytes += bytes_of(&records);
        self.records.entry(shard).or_default().append(&mut records);
    }

    pub(super) fn take(&mut self, shard: Shard) -> Vec<Record> {
        let records = self.records.remove(&shard).unwrap_or_default();
        self.count -= records.len();
        self.bytes -= bytes_of(&records);
        records
    }

    pub(super) fn of(&self, shard: Shard) -> &[Record] {
        self.records.get(&shard).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = Shard> {
        self.records.keys().copied()
    }

    /// How many there are, of all shards.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many bytes their values have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn bytes_of(records: &[Record]) -> usize {
    records.iter().map(|record| record.value.len()).sum()
}
