//! Sorting more rows than fit in memory: chunks sorted in memory, spilled to scratch files, merged when read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use signalbox_event::rows::{Kept, Lacks};

use super::row::Slot;

/// How many bytes of rows and of what they are sorted by are held before a chunk is spilled.
const CHUNK_BYTES: usize = 48 << 20;
const HEAD_BYTES: usize = 1 + 2 + 16 + 4 + 1 + 8 + 4 + 8;

/// What a row is sorted and compared by. Ordered by slot, school year, key, then content: of rows with one key, the
/// first is the same one in whatever order they stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The number of a [`Slot`].
    pub slot: u8,
    pub school_year: u16,
    pub key: [u8; 16],
    pub line: u32,
    pub flags: u8,
    pub content: u64,
    /// When it was read first, in ms since 1970, if it waited since; else [`NOW`].
    pub read_ms: i64,
}

/// Of a row that is read for the first time.
pub(crate) const NOW: i64 = i64::MAX;

impl Head {
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        (self.slot, self.school_year, self.key) == (other.slot, other.school_year, other.key)
    }

    pub(crate) fn is_of(&self, slot: Slot, school_year: u16) -> bool {
        (self.slot, self.school_year) == (slot.number(), school_year)
    }

    /// Sorting spends its time here: the key as one number, not as bytes.
    fn place(&self) -> (u8, u16, u128, u64, u8, u32) {
        let key = u128::from_be_bytes(self.key);
        (self.slot, self.school_year, key, self.content, self.flags, self.line)
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The row counts as a reject, though something of it is used or kept: its day goes out as unknown, or it waits for its
/// school.
pub(crate) const FAULT: u8 = 2;
/// The row ends its record (a delta).
pub(crate) const ENDS: u8 = 4;
/// The payload has no such row: it says what follows of another that could not be used.
pub(crate) const INFERRED: u8 = 8;
/// It is of a day that has not come: what was known of it stands on.
pub(crate) const AHEAD: u8 = 64;
/// The first of the flags that say what could not be read; what is known of it stands on.
const UNREAD: u8 = 16;

/// The flag that says that this could not be read.
pub(crate) const fn unread(kept: Kept) -> u8 {
    UNREAD << kept.place()
}

/// What the flags of a row say that it lacks.
pub(crate) fn lacks(flags: u8) -> Lacks {
    let is_unread = |kept| flags & unread(kept) != 0;
    Lacks { unread: [Kept::FIRST, Kept::SECOND].map(is_unread), is_ahead: flags & AHEAD != 0 }
}

/// Collects rows in any order.
pub(crate) struct Sorter {
    folder: PathBuf,
    arena: Vec<u8>,
    index: Vec<(Head, u32, u32)>,
    chunks: Vec<File>,
}

impl Sorter {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), arena: Vec::new(), index: Vec::new(), chunks: Vec::new() }
    }

    pub(crate) fn push(&mut self, head: Head, row: &[u8]) -> io::Result<()> {
        let index_bytes = self.index.len() * size_of::<(Head, u32, u32)>();
        if self.arena.len() + row.len() + index_bytes > CHUNK_BYTES {
            self.spill()?;
        }
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(row);
        self.index.push((head, start, row.len() as u32));
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<Sorted> {
        if self.chunks.is_empty() {
            self.index.sort_unstable_by_key(|entry| entry.0);
        } else {
            self.spill()?;
        }
        Ok(Sorted { arena: self.arena, index: self.index, chunks: self.chunks })
    }

    fn spill(&mut self) -> io::Result<()> {
        self.index.sort_unstable_by_key(|entry| entry.0);
        let mut out = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(&self.folder)?);
        for (head, start, len) in self.index.drain(..) {
            write_head(&mut out, &head, len)?;
            out.write_all(&self.arena[start as usize..(start + len) as usize])?;
        }
        self.chunks.push(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        self.arena.clear();
        Ok(())
    }
}

fn write_head(out: &mut impl Write, head: &Head, len: u32) -> io::Result<()> {
    let mut bytes = [0; HEAD_BYTES];
    bytes[0] = head.slot;
    bytes[1..3].copy_from_slice(&head.school_year.to_le_bytes());
    bytes[3..19].copy_from_slice(&head.key);
    bytes[19..23].copy_from_slice(&head.line.to_le_bytes());
    bytes[23] = head.flags;
    bytes[24..32].copy_from_slice(&head.content.to_le_bytes());
    bytes[32..40].copy_from_slice(&head.read_ms.to_le_bytes());
    bytes[40..].copy_from_slice(&len.to_le_bytes());
    out.write_all(&bytes)
}

fn read_head(bytes: &[u8; HEAD_BYTES]) -> (Head, u32) {
    let head = Head {
        slot: bytes[0],
        school_year: u16::from_le_bytes([bytes[1], bytes[2]]),
        key: bytes[3..19].try_into().expect("sixteen bytes"),
        line: u32::from_le_bytes(bytes[19..23].try_into().expect("four bytes")),
        flags: bytes[23],
        content: u64::from_le_bytes(bytes[24..32].try_into().expect("eight bytes")),
        read_ms: i64::from_le_bytes(bytes[32..40].try_into().expect("eight bytes")),
    };
    (head, u32::from_le_bytes(bytes[40..].try_into().expect("four bytes")))
}

/// The rows in order; can be read more than once.
#[derive(Default)]
pub(crate) struct Sorted {
    arena: Vec<u8>,
    index: Vec<(Head, u32, u32)>,
    chunks: Vec<File>,
}

impl Sorted {
    pub(crate) fn rows(&self) -> io::Result<Rows<'_>> {
        let mut rows = Rows { sorted: self, next: 0, readers: Vec::new(), heap: BinaryHeap::new() };
        for file in &self.chunks {
            let mut file = file.try_clone()?;
            file.rewind()?;
            let mut reader = Chunk { reader: BufReader::with_capacity(1 << 20, file), len: 0 };
            if let Some(head) = reader.advance()? {
                rows.heap.push(Reverse((head, rows.readers.len())));
            }
            rows.readers.push(reader);
        }
        Ok(rows)
    }
}

/// One pass over sorted rows.
pub(crate) struct Rows<'a> {
    sorted: &'a Sorted,
    next: usize,
    readers: Vec<Chunk>,
    heap: BinaryHeap<Reverse<(Head, usize)>>,
}

impl Rows<'_> {
    /// The head of the next row, without taking it.
    pub(crate) fn peek(&self) -> Option<Head> {
        if self.readers.is_empty() {
            self.sorted.index.get(self.next).map(|entry| entry.0)
        } else {
            self.heap.peek().map(|Reverse((head, _))| *head)
        }
    }

    /// Takes the next row into `row`.
    pub(crate) fn take(&mut self, row: &mut Vec<u8>) -> io::Result<Option<Head>> {
        row.clear();
        if self.readers.is_empty() {
            let Some((head, start, len)) = self.sorted.index.get(self.next) else { return Ok(None) };
            self.next += 1;
            row.extend_from_slice(&self.sorted.arena[*start as usize..(start + len) as usize]);
            return Ok(Some(*head));
        }
        let Some(mut top) = self.heap.peek_mut() else { return Ok(None) };
        let Reverse((head, which)) = *top;
        let chunk = &mut self.readers[which];
        chunk.read_row(row)?;
        match chunk.advance()? {
            Some(next) => *top = Reverse((next, which)),
            None => {
                PeekMut::pop(top);
            }
        }
        Ok(Some(head))
    }
}

struct Chunk {
    reader: BufReader<File>,
    /// Bytes of the row whose head was read last.
    len: u32,
}

impl Chunk {
    fn advance(&mut self) -> io::Result<Option<Head>> {
        let mut bytes = [0; HEAD_BYTES];
        match self.reader.read_exact(&mut bytes) {
            Ok(()) => {
                let (head, len) = read_head(&bytes);
                self.len = len;
                Ok(Some(head))
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn read_row(&mut self, row: &mut Vec<u8>) -> io::Result<()> {
        row.resize(self.len as usize, 0);
        self.reader.read_exact(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(n: u32) -> Head {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
        Head {
            slot: 4,
            school_year: 2022,
            key,
            line: n,
            flags: 0,
            content: u64::from(n),
            read_ms: -i64::from(n),
        }
    }

    fn sorted(rows: u32, row_bytes: usize) -> Vec<(Head, Vec<u8>)> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let mut sorter = Sorter::new(folder.path());
        for n in 0..rows {
            sorter.push(head(n), &vec![n as u8; row_bytes]).expect("takes the row");
        }
        let sorted = sorter.finish().expect("sorts");
        let mut rows = sorted.rows().expect("reads");
        let (mut row, mut all) = (Vec::new(), Vec::new());
        while let Some(head) = rows.take(&mut row).expect("reads") {
            all.push((head, row.clone()));
        }
        all
    }

    #[test]
    fn rows_come_in_order_with_their_bytes_in_memory_and_spilled() {
        for (count, bytes) in [(0, 1), (1000, 40), (300, 400_000)] {
            let all = sorted(count, bytes);
            assert_eq!(all.len(), count as usize);
            assert!(all.is_sorted_by(|a, b| a.0 < b.0));
            assert!(all.iter().all(|(head, row)| row.len() == bytes && row[0] == head.line as u8));
        }
    }
}
