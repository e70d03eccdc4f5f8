//! Headers of a record, as one piece of memory.

use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Headers in their order; names may be repeated. Clones share the memory, which may also be a part of a larger piece.
///
/// Encoded one behind the other: length of the name, name, length of the value, value; lengths are LEB128.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Headers(Bytes);

impl Headers {
    /// Takes so many headers off the front of `bytes`. `None`: that is not what stands there.
    pub fn take(count: usize, bytes: &mut Bytes) -> Option<Self> {
        let mut rest = &bytes[..];
        for _ in 0..count {
            str::from_utf8(take(&mut rest)?).ok()?;
            take(&mut rest)?;
        }
        let len = bytes.len() - rest.len();
        Some(Self(bytes.split_to(len)))
    }

    /// Writes `headers` into the room that `arena` has, and takes no more of it than they need. The arena holds nothing
    /// else: what was written before was taken out of it.
    pub fn write_in<'a>(arena: &mut BytesMut, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        assert!(arena.is_empty(), "what was written before was taken out");
        for (name, value) in headers {
            put(arena, name.as_bytes());
            put(arena, value);
        }
        Self(arena.split().freeze())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.named_in_bytes().map(|(name, value)| (str::from_utf8(name).expect("a name is text"), value))
    }

    /// As [`iter`](Self::iter), for whoever only compares names.
    pub fn named_in_bytes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || Some((take(&mut rest)?, take(&mut rest)?)))
    }

    /// The value of the last header of this name: of two the later counts, as in Kafka's own clients.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.named_in_bytes().filter(|(held, _)| *held == name.as_bytes()).last().map(|(_, value)| value)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are encoded.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(headers: T) -> Self {
        let mut bytes = BytesMut::new();
        for (name, value) in headers {
            put(&mut bytes, name.as_ref().as_bytes());
            put(&mut bytes, value.as_ref());
        }
        Self(bytes.freeze())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, value.escape_ascii().to_string())))
            .finish()
    }
}

/// Groups of seven bits that hold every length that fits into a record.
const LEN_AT_MOST: usize = 5;

fn put(to: &mut BytesMut, bytes: &[u8]) {
    put_len(to, bytes.len());
    to.put_slice(bytes);
}

/// Writes a length as LEB128.
pub fn put_len(to: &mut impl BufMut, mut len: usize) {
    while len >= 0x80 {
        to.put_u8(len as u8 | 0x80);
        len >>= 7;
    }
    to.put_u8(len as u8);
}

/// Reads a length that [`put_len`] wrote. `None`: none stands there.
pub fn take_len(from: &mut impl Buf) -> Option<usize> {
    let mut len = 0;
    for group in 0..LEN_AT_MOST {
        let byte = from.try_get_u8().ok()?;
        len |= usize::from(byte & 0x7f) << (7 * group);
        if byte < 0x80 {
            return Some(len);
        }
    }
    None
}

fn take<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take_len(from)?;
    from.split_off(..len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(
            pairs in prop::collection::vec((".{0,200}", prop::collection::vec(any::<u8>(), 0..300)), 0..9),
        ) {
            let headers: Headers = pairs.iter().map(|(name, value)| (name, value)).collect();
            let read: Vec<(String, Vec<u8>)> =
                headers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
            prop_assert_eq!(&read, &pairs);
            for (name, _) in &pairs {
                let last = pairs.iter().rfind(|(held, _)| held == name).expect("it is one of them");
                prop_assert_eq!(headers.get(name), Some(&last.1[..]));
            }
            let mut arena = BytesMut::with_capacity(1 << 20);
            let again = Headers::write_in(&mut arena, headers.iter());
            prop_assert_eq!(&again, &headers);
            prop_assert_eq!((arena.len(), arena.capacity()), (0, (1 << 20) - again.as_bytes().len()));
            let mut bytes = Bytes::from([again.as_bytes(), b"after"].concat());
            prop_assert_eq!(Headers::take(pairs.len(), &mut bytes), Some(headers));
            prop_assert_eq!(&bytes[..], b"after");
        }

        #[test]
        fn no_bytes_are_headers_that_are_none(count in 0..9_usize, bytes: Vec<u8>) {
            let mut rest = Bytes::from(bytes.clone());
            let left = Headers::take(count, &mut rest).map(|headers| headers.iter().count());
            prop_assert!(left.is_none_or(|read| read == count));
            prop_assert!(left.is_some() || rest == bytes);
        }
    }
}
