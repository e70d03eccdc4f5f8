//! Scratch folders: copies of the hub's data that a trial works on. They lie inside the data folder, so that nobody can look
//! into them who may not look into that.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;

use super::DataDir;
use crate::exit::Failure;

/// A scratch folder; it vanishes with this. What a killed process leaves, the next one removes.
#[derive(Debug)]
pub(super) struct Folder {
    copies: TempDir,
    /// The folder of all of them; everybody who has one in it holds it, shared.
    all: PathBuf,
    _held: File,
}

impl Folder {
    pub(super) fn make(data_dir: &DataDir) -> Result<Self, Failure> {
        let all = all(data_dir);
        // Another may have removed the folder of all, as it was the last.
        let made = Self::make_in(&all).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Self::make_in(&all),
            _ => Err(error),
        });
        made.with_context(|| format!("no scratch folder can be made in {}", all.display()))
            .map_err(|error| Failure::environment(error, "look at the folder's owner and rights"))
    }

    fn make_in(all: &Path) -> io::Result<Self> {
        fs::create_dir_all(all)?;
        let held = File::open(all)?;
        remove_unless_held(all, &held)?;
        held.lock_shared()?;
        Ok(Self { copies: TempDir::new_in(all)?, all: all.to_owned(), _held: held })
    }

    pub(super) fn path(&self) -> &Path {
        self.copies.path()
    }

    /// Of a hub that has not begun, nothing is left.
    pub(super) fn close(self) -> io::Result<()> {
        self.copies.close()?;
        for folder in self.all.ancestors().take(2) {
            // Others may have something in it.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Removes what killed trials left, unless one is at work.
pub(super) fn sweep(data_dir: &DataDir) -> io::Result<()> {
    let all = all(data_dir);
    match File::open(&all) {
        Ok(folder) => remove_unless_held(&all, &folder),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn all(data_dir: &DataDir) -> PathBuf {
    data_dir.file("scratch")
}

fn remove_unless_held(all: &Path, folder: &File) -> io::Result<()> {
    match folder.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for entry in fs::read_dir(all)? {
        fs::remove_dir_all(entry?.path())?;
    }
    folder.unlock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_trial_left_is_removed_unless_another_is_at_work() {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::make(&folder.path().join("var")).expect("it is made");
        sweep(&data_dir).expect("there is nothing to remove");
        let at_work = Folder::make(&data_dir).expect("it is made");
        let left = all(&data_dir).join("left");
        fs::create_dir(&left).expect("it is made");
        fs::write(left.join("feeds.db"), b"students").expect("it is written");
        sweep(&data_dir).expect("sweeps");
        assert!(left.exists() && at_work.path().exists(), "one is at work");
        at_work.close().expect("it vanishes");
        sweep(&data_dir).expect("sweeps");
        assert!(!left.exists());
        fs::create_dir(&left).expect("it is made");
        let next = Folder::make(&data_dir).expect("it is made");
        assert!(!left.exists() && next.path().exists(), "the next one removes it too");
        next.close().expect("it vanishes");
        assert!(!data_dir.path().exists(), "nothing had begun");
    }
}
