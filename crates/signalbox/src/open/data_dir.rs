//! The data folder: its files, its secret, and the lock that says who runs the hub.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use secrecy::SecretSlice;

use crate::exit::Failure;

/// Stands in a data folder whose hub has moved.
const MOVED: &str = "moved";
/// The file of the secret.
const SECRET: &str = "secret";
const SECRET_IN_THE_MAKING: &str = "secret.new";
const SECRET_BYTES: usize = 32;

/// What accounts other than the owner's may do.
const OTHERS: u32 = 0o077;

/// The folder of `data_dir:`.
#[derive(Debug)]
pub(crate) struct DataDir(PathBuf);

/// Held by the process that runs the hub; the operating system lets it go when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl DataDir {
    #[cfg(feature = "servers")]
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
        let data_dir = Self(path.to_owned());
        data_dir.refuse_readers()?;
        Ok(data_dir)
    }

    /// Everything about students is in it.
    fn refuse_readers(&self) -> Result<(), Failure> {
        let path = self.0.display();
        let metadata =
            fs::metadata(&self.0).with_context(|| format!("the data folder {path} cannot be looked at"));
        let mode = metadata.map_err(|error| Failure::environment(error, ""))?.permissions().mode();
        if mode & OTHERS == 0 {
            return Ok(());
        }
        Err(Failure::environment(
            anyhow!(
                "the data folder {path} is open to other accounts (mode {:o}), and everything about students is in it",
                mode & 0o7777
            ),
            format!("run chmod 700 {path}, or name a folder inside it, which is made for this account alone"),
        ))
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

    pub(super) fn has_secret(&self) -> bool {
        self.has(SECRET)
    }

    /// Makes the secret of a hub that begins. It belongs in the backup: without it students get other keys.
    pub(super) fn make_secret(&self) -> Result<SecretSlice<u8>, Failure> {
        let secret = random().map_err(|e| self.no_secret(e))?;
        let path = self.file(SECRET_IN_THE_MAKING);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| self.no_secret(e))?;
        file.write_all(&secret).and_then(|()| file.sync_all()).map_err(|e| self.no_secret(e))?;
        // A link is made only if no other process was first; then the other's secret counts.
        match fs::hard_link(&path, self.file(SECRET)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(self.no_secret(error));
            }
            _ => fs::remove_file(&path).map_err(|e| self.no_secret(e))?,
        }
        self.remembered_secret()
    }

    /// One for this time only, for a trial of a hub that has not begun.
    pub(super) fn secret_for_once(&self) -> Result<SecretSlice<u8>, Failure> {
        Ok(random().map_err(|e| self.no_secret(e))?.into())
    }

    /// The secret made at the first start. A new one in its place would give every student another key.
    pub(super) fn remembered_secret(&self) -> Result<SecretSlice<u8>, Failure> {
        match fs::read(self.file(SECRET)) {
            Ok(secret) if secret.len() == SECRET_BYTES => Ok(secret.into()),
            Ok(_) => Err(self.lost_secret("is not whole")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(self.lost_secret("is gone")),
            Err(error) => Err(self.no_secret(error)),
        }
    }

    fn lost_secret(&self, how: &str) -> Failure {
        Failure::input(
            anyhow!(
                "the district's secret {} {how}, and the hub began with one",
                self.file(SECRET).display()
            ),
            "put the file back from a backup, or copy it from the first process's data_dir; without it begin anew: \
             embedded with a fresh data_dir, on servers with another log.kafka.prefix and another schema. The files are \
             read again",
        )
    }

    /// An embedded hub that has moved to servers must not go on beside the one that it became: both would alert.
    pub(super) fn has_not_moved(&self) -> Result<(), Failure> {
        if !self.has(MOVED) {
            return Ok(());
        }
        Err(Failure::environment(
            anyhow!("the hub of {} was moved to Kafka and PostgreSQL", self.0.display()),
            "declare log and store as they were when it moved; to begin anew embedded, use another data_dir",
        ))
    }

    #[cfg(feature = "servers")]
    pub(super) fn mark_moved(&self) -> std::io::Result<()> {
        fs::write(self.file(MOVED), "This hub was moved to Kafka and PostgreSQL.\n")
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
