//! Landing: a payload is made durable, addressed by its content, before anything is done with it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use signalbox_connector::{Land, Landed};

/// A folder of landed payloads, each named by the SHA-256 of its bytes.
#[derive(Debug, Clone)]
pub struct Landing {
    folder: PathBuf,
    /// Where payloads may lie besides; never written to.
    under: Option<PathBuf>,
}

impl Landing {
    /// Uses (and makes) `folder`.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), under: None })
    }

    /// As [`open`](Self::open), over a folder whose payloads can be read but where nothing lands: a scratch copy.
    pub fn over(folder: &Path, under: &Path) -> io::Result<Self> {
        Ok(Self { under: Some(under.to_owned()), ..Self::open(folder)? })
    }

    /// Opens a landed payload.
    pub fn payload(&self, address: &str) -> io::Result<File> {
        match (File::open(self.folder.join(address)), &self.under) {
            (Err(error), Some(under)) if error.kind() == io::ErrorKind::NotFound => {
                File::open(under.join(address))
            }
            (opened, _) => opened,
        }
    }

    /// A folder on the same file system for scratch files; they vanish when dropped.
    pub fn scratch(&self) -> &Path {
        &self.folder
    }
}

impl Land for Landing {
    fn land(&self, bytes: &mut dyn Read) -> io::Result<Landed> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let (address, size_bytes) = copy_hashed(bytes, file.as_file_mut())?;
        let path = self.folder.join(&address);
        if !path.exists() {
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|e| e.error)?;
            File::open(&self.folder)?.sync_all()?;
        }
        crate::failpoint!("land");
        Ok(Landed { address, size_bytes })
    }
}

fn copy_hashed(from: &mut dyn Read, to: &mut File) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        to.write_all(&buffer[..n])?;
        size += n as u64;
    }
    Ok((hex(&hasher.finalize()), size))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_land_once() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let landing = Landing::open(folder.path()).expect("opens");
        let first = landing.land(&mut &b"abc"[..]).expect("lands");
        let second = landing.land(&mut &b"abc"[..]).expect("lands again");
        assert_eq!(first, second);
        assert_eq!(first.address, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
    }
}
