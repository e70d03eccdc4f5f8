//! No more bytes than a file may have.

use std::io::{self, Read};

/// Reads at most so many bytes, then fails and remembers that it did.
pub(super) struct Limited<R> {
    inner: R,
    left_bytes: u64,
    exceeded: bool,
}

impl<R: Read> Limited<R> {
    pub(super) fn new(max_bytes: u64, max_by_ratio: u64, inner: R) -> Self {
        Self { inner, left_bytes: max_bytes.min(max_by_ratio), exceeded: false }
    }

    pub(super) fn exceeded(&self) -> bool {
        self.exceeded
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let Some(left_bytes) = self.left_bytes.checked_sub(read as u64) else {
            self.exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.left_bytes = left_bytes;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_up_to_the_limit_and_no_further() {
        let read = |max_bytes, max_by_ratio| {
            let mut limited = Limited::new(max_bytes, max_by_ratio, &b"12345"[..]);
            let outcome = limited.read_to_end(&mut Vec::new());
            assert_eq!(outcome.is_err(), limited.exceeded());
            outcome.is_ok()
        };
        assert!(read(5, 5));
        assert!(!read(4, 5));
        assert!(!read(5, 4));
    }
}
