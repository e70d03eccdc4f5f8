//! Which of the processes on a data folder this one is.
//!
//! A process takes the lowest free slot, by a lock of the operating system that ends with the process. Its name as a
//! reader of feeds is made of the folder's own name and the slot, so a process that is started again after a crash is
//! the same reader and goes on at once; one on another machine waits until the term is over.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use anyhow::{Context, anyhow};

use super::data_dir::random;
use crate::exit::Failure;

/// Processes on one folder at most.
const SLOTS: u32 = 256;

/// Held as long as the process lives.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    _lock: File,
}

impl Slot {
    /// Takes the lowest free slot of the folder.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, Failure> {
        let folder = data_dir.join("processes");
        let taken = std::fs::create_dir_all(&folder)
            .map_err(anyhow::Error::from)
            .and_then(|()| Self::take_in(&folder))
            .with_context(|| format!("the data folder {} cannot be used", data_dir.display()));
        taken.map_err(|error| Failure::environment(error, "look at its owner and rights"))
    }

    fn take_in(folder: &Path) -> anyhow::Result<Self> {
        let name = folder_name(folder)?;
        for slot in 0..SLOTS {
            let path = folder.join(format!("{slot}.lock"));
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            match file.try_lock() {
                Ok(()) => return Ok(Self { name: format!("{name}/{slot}"), _lock: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        Err(anyhow!("{SLOTS} processes use it already"))
    }
}

/// Made once; two folders never have the same.
fn folder_name(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("name");
    if !path.exists() {
        let name: String = random()?.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let new = tempfile::NamedTempFile::new_in(folder)?;
        std::fs::write(new.path(), name)?;
        // Another process may have been first: then its name counts.
        drop(new.persist_noclobber(&path));
    }
    Ok(std::fs::read_to_string(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_its_process_is_gone() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let first = Slot::take(folder.path()).expect("a slot");
        let second = Slot::take(folder.path()).expect("a slot");
        assert_ne!(first.name, second.name);
        let name = first.name.clone();
        drop(first);
        assert_eq!(Slot::take(folder.path()).expect("a slot").name, name);
        let other = tempfile::tempdir().expect("a scratch folder");
        assert_ne!(Slot::take(other.path()).expect("a slot").name, name);
    }
}
