//! Events and the ledger rows they stand for, written together.

use bytes::{Bytes, BytesMut};
use signalbox_event::Event;
use signalbox_event::codec::to_binary;
use signalbox_log::{Headers, Message};
use signalbox_store::feed::{LedgerKey, LedgerRow, Scope};

use crate::diff::group;

/// Ledger rows in a chunk.
const ROWS: usize = 5_000;
/// No student has so many; rows about nobody may.
const ROWS_OF_ONE_MAX: usize = 2 * ROWS;

/// How much of the arena is asked for at a time.
const ARENA_BYTES: usize = 256 * 1024;
/// The headers of an event take no more, as a rule.
const HEADERS_BYTES: usize = 1024;

/// One chunk of a run.
///
/// Its memory is used again for the chunk after the next. A record is two dozen small values: allocated one by one and
/// kept until five thousand records are written, they cost the allocator more than making the events does.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    scope: Option<Scope>,
    rows: Vec<LedgerRow>,
    /// The first `filled` belong to this chunk; the rest lend their memory.
    messages: Vec<Message>,
    filled: usize,
    arena: BytesMut,
}

impl Chunk {
    /// Whether a row of `scope` has to wait for the next chunk. Those of one student are written together: what one of them
    /// says may rest on what another was.
    pub(super) fn is_closed_to(&self, scope: Scope, key: &LedgerKey) -> bool {
        let is_of_last = || self.rows.last().is_some_and(|last| group(&last.key) == group(key));
        let is_full = match self.rows.len() {
            ..ROWS => false,
            ROWS..ROWS_OF_ONE_MAX => !is_of_last(),
            _ => true,
        };
        is_full || self.scope.is_some_and(|held| held != scope)
    }

    pub(super) fn push_row(&mut self, scope: Scope, row: LedgerRow) {
        self.scope = Some(scope);
        self.rows.push(row);
    }

    /// Adds an event as a record of `topic` and `shard`.
    pub(super) fn push_event(&mut self, event: &Event, topic: &str, shard: u32) {
        let (headers, value) = to_binary(event);
        if self.filled == self.messages.len() {
            self.messages.push(empty());
        }
        let message = &mut self.messages[self.filled];
        self.filled += 1;
        topic.clone_into(&mut message.topic);
        message.shard = shard;
        message.key = Some(keep(&mut self.arena, event.partition_key.as_bytes()));
        message.value = keep(&mut self.arena, &value);
        make_room(&mut self.arena, HEADERS_BYTES);
        let headers = headers.iter().map(|(name, value)| (*name, &value[..]));
        message.headers = Headers::write_in(&mut self.arena, headers);
    }

    /// Adds a record as it is.
    pub(super) fn push_message(&mut self, message: Message) {
        match self.messages.get_mut(self.filled) {
            Some(used) => *used = message,
            None => self.messages.push(message),
        }
        self.filled += 1;
    }

    pub(super) fn messages(&self) -> &[Message] {
        &self.messages[..self.filled]
    }

    pub(super) fn rows(&self) -> Option<(Scope, &[LedgerRow])> {
        self.scope.map(|scope| (scope, &*self.rows))
    }

    pub(super) fn clear(&mut self) {
        self.scope = None;
        self.rows.clear();
        self.filled = 0;
    }
}

fn empty() -> Message {
    let headers = Headers::default();
    Message { topic: String::new(), shard: 0, key: None, headers, value: Bytes::new() }
}

fn keep(arena: &mut BytesMut, bytes: &[u8]) -> Bytes {
    make_room(arena, bytes.len());
    arena.extend_from_slice(bytes);
    arena.split().freeze()
}

fn make_room(arena: &mut BytesMut, bytes: usize) {
    if arena.capacity() < bytes {
        arena.reserve(bytes.max(ARENA_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use signalbox_event::Data;
    use signalbox_event::data::{FeedMode, Mode, RunEnded};

    use super::*;

    fn event(data: Data, run: Option<u64>) -> Event {
        Event {
            id: signalbox_event::id::derived(&[b"one"]),
            source: "/districts/d/feeds/f".to_owned(),
            subject: None,
            time: "2021-12-01T00:00:00-06:00".to_owned(),
            partition_key: "d/1".to_owned(),
            school_year: None,
            revision: 1,
            run,
            traceparent: None,
            data,
        }
    }

    fn fresh(event: &Event, topic: &str, shard: u32) -> Message {
        let (headers, value) = to_binary(event);
        Message {
            topic: topic.to_owned(),
            shard,
            key: Some(Bytes::from(event.partition_key.clone())),
            headers: headers.into_iter().collect(),
            value: value.into(),
        }
    }

    #[test]
    fn an_event_takes_no_more_of_the_arena_than_it_needs() {
        let event = event(Data::OpsFeedMode(FeedMode { feed: "f".to_owned(), mode: Mode::Live }), None);
        let mut chunk = Chunk::default();
        chunk.push_event(&event, "a", 0);
        let room = chunk.arena.capacity();
        for shard in 0..100 {
            chunk.push_event(&event, "a", shard);
        }
        assert!((room - 100 * HEADERS_BYTES..room).contains(&chunk.arena.capacity()), "{room}");
    }

    #[test]
    fn used_memory_shows_nothing_of_what_it_held() {
        let mode = Data::OpsFeedMode(FeedMode { feed: "f".to_owned(), mode: Mode::Live });
        let ended = RunEnded { feed: "f".to_owned(), run: 7, rows: None, covered: Vec::new() };
        let long = event(Data::OpsRunEnded(ended), Some(7));
        let short = event(mode, None);
        let mut chunk = Chunk::default();
        for (events, topic) in [([&long, &long], "a"), ([&short, &long], "b"), ([&long, &short], "a")] {
            chunk.clear();
            for (shard, event) in events.iter().enumerate() {
                chunk.push_event(event, topic, shard as u32);
            }
            let expected = [fresh(events[0], topic, 0), fresh(events[1], topic, 1)];
            assert_eq!(chunk.messages(), expected);
        }
        chunk.clear();
        chunk.push_event(&short, "a", 0);
        assert_eq!(chunk.messages(), [fresh(&short, "a", 0)]);
    }
}
