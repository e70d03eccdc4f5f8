//! Landing: a payload is made durable, addressed by its content, before anything is done with it.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use sha2::{Digest, Sha256};
use signalbox_connector::{Land, Landed};
use tempfile::NamedTempFile;

/// The lock of the folder, shared or alone. The operating system ends it with its process.
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// A folder of landed payloads, each named by the SHA-256 of its bytes.
#[derive(Debug, Clone)]
pub struct Landing {
    folder: PathBuf,
    /// Where payloads may lie besides; never written to.
    under: Option<PathBuf>,
    /// Payloads that are copied and have no name yet.
    copied: Arc<Mutex<Vec<(NamedTempFile, PathBuf)>>>,
}

impl Landing {
    /// Uses (and makes) `folder`.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), under: None, copied: Arc::default() })
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

    /// Makes all that landed durable and gives it its names: before anything is said of it. For many payloads at once: the
    /// system writes to the disk for the first what it need not write again for the others.
    pub fn settle(&self) -> io::Result<()> {
        let copied = std::mem::take(&mut *self.copied());
        for (file, _) in &copied {
            file.as_file().sync_all()?;
        }
        for (file, path) in copied {
            file.persist(&path).map_err(|e| e.error)?;
        }
        File::open(&self.folder)?.sync_all()
    }

    fn copied(&self) -> MutexGuard<'_, Vec<(NamedTempFile, PathBuf)>> {
        self.copied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps whoever would [`prune`](Self::prune) away, in every process, until what is landed meanwhile is named by a run. Waits for
    /// one that is at it.
    pub fn hold(&self) -> io::Result<Held> {
        let lock = self.lock()?;
        lock.lock_shared()?;
        Ok(Held { _lock: lock })
    }

    /// Keeps everybody from landing while it lives. `None`: somebody lands.
    pub fn alone(&self) -> io::Result<Option<Held>> {
        let lock = self.lock()?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Held { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes everything but the payloads of these addresses: what is over, and what crashes left. What is needed is to be
    /// asked once [`alone`](Self::alone): before that, a run may name another.
    pub fn prune(&self, _alone: &Held, needed: &BTreeSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_needed = name.to_str().is_some_and(|name| needed.contains(name));
            if !is_needed && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The folder, to be locked: shared by those who land, alone by who removes.
    fn lock(&self) -> io::Result<File> {
        File::open(&self.folder)
    }

    /// A folder on the same file system for scratch files; they vanish when dropped.
    pub fn scratch(&self) -> &Path {
        &self.folder
    }
}

impl Land for Landing {
    fn land(&self, bytes: &mut dyn Read) -> io::Result<Landed> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        let (address, size_bytes) = copy_hashed(bytes, file.as_file_mut())?;
        let path = self.folder.join(&address);
        if !path.exists() {
            self.copied().push((file, path));
        }
        crate::failpoint!("land");
        Ok(Landed { address, size_bytes })
    }

    fn take_back(&self, landed: &Landed) {
        let mut copied = self.copied();
        let last = copied.iter().rposition(|(_, path)| path.ends_with(&landed.address));
        // One that landed before stays: it is somebody else's too.
        last.filter(|at| at + 1 == copied.len()).map(|at| copied.swap_remove(at));
    }

    fn scratch(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.folder)
    }
}

/// How much is copied at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Chunks in flight: one is hashed, one waits for it, one is read and written.
const CHUNKS: usize = 3;

fn copy_hashed(from: &mut dyn Read, to: &mut File) -> io::Result<(String, u64)> {
    let mut begin = Vec::new();
    (&mut *from).take(CHUNK_BYTES as u64).read_to_end(&mut begin)?;
    if begin.len() < CHUNK_BYTES {
        to.write_all(&begin)?;
        return Ok((hex(&Sha256::digest(&begin)), begin.len() as u64));
    }
    copy_large(&mut begin.as_slice().chain(from), to)
}

/// Hashes each chunk on a thread of its own while the next is read and written.
fn copy_large(from: &mut dyn Read, to: &mut File) -> io::Result<(String, u64)> {
    let (written, to_hash) = mpsc::sync_channel::<(Vec<u8>, usize)>(CHUNKS);
    let (hashed, free) = mpsc::sync_channel(CHUNKS);
    thread::scope(|scope| {
        let hasher = scope.spawn(move || {
            let mut digest = Sha256::new();
            while let Ok((chunk, filled)) = to_hash.recv() {
                digest.update(&chunk[..filled]);
                // Nobody wants it back when all is copied.
                drop(hashed.send(chunk));
            }
            digest.finalize()
        });
        let size_bytes = copy(from, to, &free, &written);
        drop((written, free));
        let digest = hasher.join().expect("hashing does not panic");
        Ok((hex(&digest), size_bytes?))
    })
}

/// Copies to the end, handing on every chunk that is written. Its memory comes back through `free`.
fn copy(
    from: &mut dyn Read,
    to: &mut File,
    free: &Receiver<Vec<u8>>,
    written: &SyncSender<(Vec<u8>, usize)>,
) -> io::Result<u64> {
    let (mut size_bytes, mut made) = (0, 0);
    loop {
        let mut chunk = if made < CHUNKS {
            made += 1;
            vec![0; CHUNK_BYTES]
        } else {
            free.recv().expect("every chunk comes back")
        };
        let filled = read(from, &mut chunk)?;
        if filled == 0 {
            return Ok(size_bytes);
        }
        to.write_all(&chunk[..filled])?;
        size_bytes += filled as u64;
        written.send((chunk, filled)).expect("the hasher takes chunks until there are no more");
    }
}

fn read(from: &mut dyn Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
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
        assert!(landing.payload(&first.address).is_err(), "it has its name once it is durable");
        landing.settle().expect("settles");
        assert_eq!(landing.land(&mut &b"abc"[..]).expect("is there"), first);
        landing.settle().expect("settles");
        assert_eq!(first.address, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let landing = Landing::open(folder.path()).expect("opens");
        let kept = landing.land(&mut &b"kept"[..]).expect("lands");
        let other = landing.land(&mut &b"other"[..]).expect("lands");
        landing.take_back(&other);
        landing.settle().expect("settles");
        let left: Vec<_> = fs::read_dir(folder.path())
            .expect("lists")
            .map(|entry| entry.expect("lists").file_name())
            .collect();
        assert_eq!(left, [kept.address.as_str()]);
        landing.land(&mut &b"kept"[..]).expect("lands");
        landing.take_back(&kept);
        assert!(landing.payload(&kept.address).is_ok());
    }

    #[test]
    fn what_nobody_needs_is_removed_while_nobody_lands() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let landing = Landing::open(folder.path()).expect("opens");
        let needed = landing.land(&mut &b"needed"[..]).expect("lands").address;
        let over = landing.land(&mut &b"over"[..]).expect("lands").address;
        landing.settle().expect("settles");
        fs::write(folder.path().join(".tmpA1"), b"left by a crash").expect("writes");
        let held = landing.hold().expect("holds");
        let all = BTreeSet::from([needed.clone()]);
        assert!(landing.alone().expect("answers").is_none(), "somebody lands");
        assert!(landing.payload(&over).is_ok());
        drop(held);
        let alone = landing.alone().expect("answers").expect("nobody lands");
        landing.prune(&alone, &all).expect("prunes");
        assert!(landing.payload(&needed).is_ok());
        let left: BTreeSet<_> = fs::read_dir(folder.path())
            .expect("lists")
            .map(|entry| entry.expect("lists").file_name())
            .collect();
        assert_eq!(left, BTreeSet::from([needed.into()]));
    }

    /// Reads at most a few bytes at a time, and is interrupted in between.
    struct Haltingly<'a>(&'a [u8], bool);

    impl Read for Haltingly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = buffer.len().min(100_000);
            self.0.read(&mut buffer[..most])
        }
    }

    #[test]
    fn what_lands_is_what_was_read() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let landing = Landing::open(folder.path()).expect("opens");
        let bytes: Vec<u8> = (0..3 * CHUNK_BYTES as u32).flat_map(u32::to_le_bytes).collect();
        let landed = landing.land(&mut Haltingly(&bytes, false)).expect("lands");
        landing.settle().expect("settles");
        assert_eq!(landed.size_bytes, bytes.len() as u64);
        assert_eq!(landed.address, hex(&Sha256::digest(&bytes)));
        assert!(fs::read(folder.path().join(&landed.address)).expect("it is there") == bytes);
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    #[test]
    fn nothing_lands_when_reading_breaks_off() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let landing = Landing::open(folder.path()).expect("opens");
        let mut bytes = (&b"abc"[..]).chain(Broken);
        assert!(landing.land(&mut bytes).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}
