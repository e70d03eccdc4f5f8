//! A landing place in memory.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Mutex;

use crate::source::{Land, Landed};

/// Keeps what lands. An address is the place where the bytes landed first, as 64 digits.
#[derive(Debug, Default)]
pub struct MemoryLand {
    payloads: Mutex<Vec<Vec<u8>>>,
}

impl MemoryLand {
    /// All different payloads, in the order they came.
    pub fn payloads(&self) -> Vec<Vec<u8>> {
        self.payloads.lock().expect("no test panics while it holds the lock").clone()
    }
}

impl Land for MemoryLand {
    fn land(&self, bytes: &mut dyn Read) -> io::Result<Landed> {
        let mut payload = Vec::new();
        bytes.read_to_end(&mut payload)?;
        let size_bytes = payload.len() as u64;
        let mut payloads = self.payloads.lock().expect("no test panics while it holds the lock");
        let at = payloads.iter().position(|there| *there == payload).unwrap_or_else(|| {
            payloads.push(payload);
            payloads.len() - 1
        });
        Ok(Landed { address: format!("{at:064}"), size_bytes })
    }

    fn take_back(&self, _: &Landed) {}

    fn scratch(&self) -> io::Result<File> {
        Ok(rustix::fs::memfd_create("scratch", rustix::fs::MemfdFlags::CLOEXEC)?.into())
    }
}
