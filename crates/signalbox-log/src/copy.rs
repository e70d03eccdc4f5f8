//! Carrying a log over to another one.

use bytes::Bytes;

use crate::{EventLog, LogError, Message, Offset, Record, Shard};

#[cfg(test)]
mod tests;

/// The most records read at a time.
const PAGE_RECORDS: usize = 1_000;

/// Pages of large records have fewer: about this many bytes are in memory at a time.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Why a log is not copied. What was copied before stays.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the log to copy from has no topic \"{topic}\": name topics that are there")]
    NoSource { topic: String },
    #[error("the log to copy to has no topic \"{topic}\": make it with {shards} shards, then copy again")]
    NoTarget { topic: String, shards: u32 },
    /// A student's records would come to another shard.
    #[error(
        "topic \"{topic}\" has {from} shards in the log to copy from and {to} in the other: \
         make it anew with {from} shards, then copy again"
    )]
    OtherShards { topic: String, from: u32, to: u32 },
    /// The target begins every shard at offset 0.
    #[error(
        "{topic} shard {shard} begins at offset {begin} in the log to copy from, because retention took what was \
         before: its offsets cannot stay, so begin with an empty log and empty stores instead"
    )]
    NoBeginning { topic: String, shard: Shard, begin: Offset },
    /// The target numbers records without gaps.
    #[error(
        "{topic} shard {shard} has no record at offset {offset} in the log to copy from: the offsets after it cannot \
         stay, so begin with an empty log and empty stores instead"
    )]
    Gap { topic: String, shard: Shard, offset: Offset },
    /// Something else was written there, a record is there twice after an append that failed half-way, or the
    /// target is ahead.
    #[error(
        "{topic} shard {shard} in the log to copy to differs from offset {offset} on from the one to copy from: \
         delete that topic and make it anew with as many shards, then copy again"
    )]
    Differs { topic: String, shard: Shard, offset: Offset },
    #[error("the log to copy from cannot be read: copy again, which goes on from there")]
    From(#[source] LogError),
    #[error("the log to copy to does not take it: copy again, which goes on from there")]
    To(#[source] LogError),
}

/// Copies every record that `from` has of `topics` when its shard's turn comes, so that each has the **same offset** in
/// `to`: the positions of consumers stay right. Meanwhile nobody else may append to either log.
///
/// What `to` holds already has to be the beginning of what `from` holds, record by record, and is not copied again: a
/// copy that was interrupted can be repeated. `progress` is told a topic and how many of its records have been compared
/// or copied. Returns how many were copied.
///
/// # Errors
/// [`CopyError`]; before anything is copied if a topic is missing or its number of shards differs.
pub async fn copy(
    from: &dyn EventLog,
    to: &dyn EventLog,
    topics: &[String],
    mut progress: impl FnMut(&str, u64),
) -> Result<u64, CopyError> {
    let mut shards = Vec::with_capacity(topics.len());
    for topic in topics {
        shards.push(equal_shards(from, to, topic).await?);
    }
    let mut copied = 0;
    for (topic, shards) in topics.iter().zip(shards) {
        let mut done = 0;
        for shard in 0..shards {
            let mut copy = ShardCopy::begin(from, to, topic, shard).await?;
            while let Some(page) = copy.next().await? {
                copied += page.copied;
                done += page.records;
                progress(topic, done);
            }
        }
    }
    Ok(copied)
}

/// How many shards the topic has, in both logs.
async fn equal_shards(from: &dyn EventLog, to: &dyn EventLog, topic: &str) -> Result<u32, CopyError> {
    let has = from.shards(topic).await.map_err(CopyError::From)?;
    let has = has.ok_or_else(|| CopyError::NoSource { topic: topic.to_owned() })?;
    match to.shards(topic).await.map_err(CopyError::To)? {
        Some(to) if to == has => Ok(has),
        Some(to) => Err(CopyError::OtherShards { topic: topic.to_owned(), from: has, to }),
        None => Err(CopyError::NoTarget { topic: topic.to_owned(), shards: has }),
    }
}

/// One shard on its way.
struct ShardCopy<'a> {
    from: &'a dyn EventLog,
    to: &'a dyn EventLog,
    topic: &'a str,
    shard: Shard,
    /// The offset that comes next.
    next: Offset,
    /// Where `from` ended.
    end: Offset,
    /// Where `to` ends.
    there: Offset,
    /// How many records to read next.
    page: usize,
}

/// What one step did.
struct Page {
    records: u64,
    /// So many of them were not there yet.
    copied: u64,
}

impl<'a> ShardCopy<'a> {
    async fn begin(
        from: &'a dyn EventLog,
        to: &'a dyn EventLog,
        topic: &'a str,
        shard: Shard,
    ) -> Result<Self, CopyError> {
        let source = from.bounds(topic, shard).await.map_err(CopyError::From)?;
        let target = to.bounds(topic, shard).await.map_err(CopyError::To)?;
        // The first page is small: nobody knows how large the records are.
        let copy = Self {
            from,
            to,
            topic,
            shard,
            next: 0,
            end: source.end,
            there: target.end,
            page: PAGE_RECORDS / 10,
        };
        if source.start != 0 {
            return Err(CopyError::NoBeginning { topic: topic.to_owned(), shard, begin: source.start });
        }
        if target.start != 0 {
            return Err(copy.differs(0));
        }
        if target.end > source.end {
            return Err(copy.differs(source.end));
        }
        Ok(copy)
    }

    /// Compares or copies the next page; `None` at the end.
    async fn next(&mut self) -> Result<Option<Page>, CopyError> {
        if self.next == self.end {
            return Ok(None);
        }
        // A page lies on one side of where the target ends.
        let until = if self.next < self.there { self.there } else { self.end };
        let max = self.page.min((until - self.next) as usize);
        let records =
            self.from.read(self.topic, self.shard, self.next, max).await.map_err(CopyError::From)?;
        self.check_offsets(&records)?;
        self.page = next_page(&records);
        let (next, count) = (self.next + records.len() as u64, records.len() as u64);
        let copied = if next <= self.there { 0 } else { count };
        if copied == 0 {
            self.compare(&records).await?;
        } else {
            self.append(records).await?;
        }
        self.next = next;
        Ok(Some(Page { records: count, copied }))
    }

    fn check_offsets(&self, records: &[Record]) -> Result<(), CopyError> {
        let gap = |offset| CopyError::Gap { topic: self.topic.to_owned(), shard: self.shard, offset };
        if records.is_empty() {
            return Err(gap(self.next));
        }
        match (self.next..).zip(records).find(|(offset, record)| record.offset != *offset) {
            Some((offset, _)) => Err(gap(offset)),
            None => Ok(()),
        }
    }

    /// Whether the target has these records at these offsets.
    async fn compare(&self, records: &[Record]) -> Result<(), CopyError> {
        let mut rest = records;
        while let Some(first) = rest.first() {
            let found = self.to.read(self.topic, self.shard, first.offset, rest.len()).await;
            let found = found.map_err(CopyError::To)?;
            if let Some((record, _)) = rest.iter().zip(&found).find(|(record, found)| record != found) {
                return Err(self.differs(record.offset));
            }
            if found.is_empty() {
                return Err(self.differs(first.offset));
            }
            rest = &rest[found.len()..];
        }
        Ok(())
    }

    /// Appends the records, and checks that they are where they should be: a log may write one twice.
    async fn append(&mut self, records: Vec<Record>) -> Result<(), CopyError> {
        let messages: Vec<Message> = records.into_iter().map(Message::from).collect();
        self.to.append(&messages).await.map_err(CopyError::To)?;
        let ends = self.to.ends(&[(self.topic.to_owned(), self.shard)]).await.map_err(CopyError::To)?;
        self.there += messages.len() as Offset;
        if ends == [self.there] { Ok(()) } else { Err(self.differs(self.next)) }
    }

    fn differs(&self, offset: Offset) -> CopyError {
        CopyError::Differs { topic: self.topic.to_owned(), shard: self.shard, offset }
    }
}

/// How many records to read next, when the last page had these.
fn next_page(records: &[Record]) -> usize {
    let size = |record: &Record| {
        record.headers.as_bytes().len() + record.value.len() + record.key.as_ref().map_or(0, Bytes::len)
    };
    let bytes: usize = records.iter().map(size).sum();
    let each = (bytes / records.len().max(1)).max(1);
    (PAGE_BYTES / each).clamp(1, PAGE_RECORDS)
}
