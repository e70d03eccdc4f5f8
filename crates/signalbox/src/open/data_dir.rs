//! The data folder: its files, its secret, and the lock that says who runs the hub.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use secrecy::SecretSlice;

use crate::exit::Failure;

const SECRET_BYTES: usize = 32;

/// The folder of `data_dir:`.
#[derive(Debug)]
pub(crate) struct DataDir(PathBuf);

/// Held by the process that runs the hub; the operating system lets it go when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl DataDir {
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn make(path: &Path) -> Result<Self, Failure> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("the data folder {} cannot be made", path.display()))
            .map_err(|error| Failure::environment(error, "set data_dir to a folder you may write to"))?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    pub(crate) fn landing(&self) -> PathBuf {
        self.file("landing")
    }

    /// The secret made at first start. It belongs in the backup: without it students get other keys.
    pub(crate) fn secret(&self) -> Result<SecretSlice<u8>, Failure> {
        if self.has("secret") {
            return self.read_secret();
        }
        let secret = random().map_err(|e| self.no_secret(e))?;
        let path = self.file("secret.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| self.no_secret(e))?;
        file.write_all(&secret).and_then(|()| file.sync_all()).map_err(|e| self.no_secret(e))?;
        // A link is made only if no other process was first; then the other's secret counts.
        match fs::hard_link(&path, self.file("secret")) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(self.no_secret(error));
            }
            _ => fs::remove_file(&path).map_err(|e| self.no_secret(e))?,
        }
        self.read_secret()
    }

    /// The secret if there is one, else one for this time only.
    pub(crate) fn secret_if_any(&self) -> Result<SecretSlice<u8>, Failure> {
        if self.has("secret") {
            return self.read_secret();
        }
        Ok(random().map_err(|e| self.no_secret(e))?.into())
    }

    fn read_secret(&self) -> Result<SecretSlice<u8>, Failure> {
        Ok(fs::read(self.file("secret")).map_err(|e| self.no_secret(e))?.into())
    }

    fn no_secret(&self, error: std::io::Error) -> Failure {
        let context = format!("the district's secret in {} cannot be used", self.0.display());
        Failure::environment(
            anyhow::Error::new(error).context(context),
            "look at the folder's owner and rights",
        )
    }

    /// Takes the hub for this process. `configuration` names what it runs with.
    pub(crate) fn lock(&self, configuration: &str) -> Result<Lock, Failure> {
        match self.try_lock(configuration)? {
            Some(lock) => Ok(lock),
            None => Err(Failure::environment(
                anyhow!("another signalbox is running on {}", self.0.display()),
                "stop it first (Ctrl-C or SIGTERM), or use another data_dir; other commands work beside it",
            )),
        }
    }

    /// `None`: another process has it.
    pub(crate) fn try_lock(&self, configuration: &str) -> Result<Option<Lock>, Failure> {
        let failed = |error: std::io::Error| {
            let context = format!("the data folder {} cannot be locked", self.0.display());
            Failure::environment(anyhow::Error::new(error).context(context), "look at its owner and rights")
        };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(self.file("lock"));
        let mut file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| file.write_all(configuration.as_bytes())).map_err(failed)?;
                Ok(Some(Lock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// What the process that holds the lock runs with.
    pub(crate) fn running_configuration(&self) -> Option<String> {
        fs::read_to_string(self.file("lock")).ok()
    }
}

pub(super) fn random() -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; SECRET_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Lower-case hexadecimal, of a few bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
