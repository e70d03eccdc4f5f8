//! Which of the processes on a data folder this one is.
//!
//! A process takes the lowest free slot, by a lock of the operating system that ends with the process. Its name as a
//! reader of feeds is made of the folder's own name and the slot, so a process that is started again after a crash is
//! the same reader and goes on at once; one on another machine waits until the term is over.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::data_dir::{hex, random};
use crate::exit::Failure;

/// Where the slots are, in the data folder.
const FOLDER: &str = "processes";
/// Processes on one folder at most.
const SLOTS: u32 = 256;

/// Held as long as the process lives.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    _lock: File,
}

impl Slot {
    /// Takes the lowest free slot of the folder, and says there what the process runs with.
    pub(crate) fn take(data_dir: &Path, configuration: &str) -> Result<Self, Failure> {
        let folder = data_dir.join(FOLDER);
        let taken = std::fs::create_dir_all(&folder)
            .map_err(anyhow::Error::from)
            .and_then(|()| Self::take_in(&folder, configuration));
        taken.map_err(|error| cannot_use(data_dir, error))
    }

    /// What the processes run with that hold a slot of the folder now.
    pub(crate) fn others(data_dir: &Path) -> Result<Vec<String>, Failure> {
        configurations(&data_dir.join(FOLDER)).map_err(|error| cannot_use(data_dir, error))
    }

    fn take_in(folder: &Path, configuration: &str) -> anyhow::Result<Self> {
        let name = folder_name(folder)?;
        for slot in 0..SLOTS {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(false).open(place(folder, slot))?;
            match file.try_lock() {
                Ok(()) => {
                    file.set_len(0)?;
                    file.write_all(configuration.as_bytes())?;
                    return Ok(Self { name: format!("{name}-{slot}"), _lock: file });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        Err(anyhow!("{SLOTS} processes use it already"))
    }
}

fn place(folder: &Path, slot: u32) -> PathBuf {
    folder.join(format!("{slot}.lock"))
}

fn configurations(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for slot in 0..SLOTS {
        let path = place(folder, slot);
        // Slots are taken from the lowest, so none is beyond one that was never taken.
        let Ok(file) = File::open(&path) else { break };
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            found.push(std::fs::read_to_string(path)?);
        }
    }
    Ok(found)
}

fn cannot_use(data_dir: &Path, error: anyhow::Error) -> Failure {
    let context = format!("the data folder {} cannot be used", data_dir.display());
    Failure::environment(error.context(context), "look at its owner and rights")
}

/// Made once; two folders never have the same.
fn folder_name(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("name");
    if !path.exists() {
        let name = hex(&random()?[..6]);
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
        let take = |folder: &tempfile::TempDir, what| Slot::take(folder.path(), what).expect("a slot");
        let (first, second) = (take(&folder, "a"), take(&folder, "b"));
        assert_ne!(first.name, second.name);
        assert_eq!(Slot::others(folder.path()).expect("listed"), ["a", "b"]);
        let name = first.name.clone();
        drop(first);
        assert_eq!(Slot::others(folder.path()).expect("listed"), ["b"]);
        assert_eq!(take(&folder, "a").name, name);
        let other = tempfile::tempdir().expect("a scratch folder");
        assert_ne!(take(&other, "a").name, name);
    }
}
