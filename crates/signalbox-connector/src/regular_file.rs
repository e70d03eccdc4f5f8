//! The one way to open a file that somebody else may have put there: a folder that tools write into can hold pipes,
//! devices and links to anywhere.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file, whatever links lead to it. Pipes and devices are refused, and none is waited for.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`]: it is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(without_waiting).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok(file)
}

/// As [`open`], of a file that lies in `root` or below it: no link leads out of there.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`]: a link leads elsewhere.
pub fn open_within(path: &Path, root: &Path) -> io::Result<File> {
    let (real, root) = (path.canonicalize()?, root.canonicalize()?);
    if !real.starts_with(&root) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is a link that leads out of its folder",
        ));
    }
    let (file, found) = (open(path)?, real.metadata()?);
    let opened = file.metadata()?;
    // Nobody put another there meanwhile.
    if (opened.dev(), opened.ino()) != (found.dev(), found.ino()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it was replaced while it was opened"));
    }
    Ok(file)
}

/// The text of a short file.
///
/// # Errors
/// It is no regular file, is longer than `max_bytes`, or is no UTF-8.
pub fn read_text(path: &Path, max_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    let read = open(path)?.take(max_bytes + 1).read_to_string(&mut text)?;
    if read as u64 > max_bytes {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it has more than {max_bytes} bytes"),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn pipes_devices_and_links_to_elsewhere_are_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("drop")).expect("made");
        std::fs::write(at("drop/file"), "text").expect("written");
        std::fs::write(at("secret"), "hush").expect("written");
        symlink(at("secret"), at("drop/out")).expect("linked");
        symlink("/dev/zero", at("drop/zero")).expect("linked");
        symlink("file", at("drop/in")).expect("linked");
        assert!(Command::new("mkfifo").arg(at("drop/pipe")).status().expect("starts").success());
        let opens = |name: &str| open_within(&at(name), &at("drop")).map(drop).map_err(|error| error.kind());
        assert_eq!(opens("drop/file"), Ok(()));
        assert_eq!(opens("drop/in"), Ok(()));
        assert_eq!(opens("drop/out"), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(opens("drop/zero"), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(opens("drop/pipe"), Err(io::ErrorKind::InvalidInput));
        assert_eq!(opens("drop"), Err(io::ErrorKind::InvalidInput), "a folder is no file");
        for device in ["/dev/zero", "/dev/null"] {
            assert!(open(Path::new(device)).is_err(), "{device}");
        }
        assert_eq!(read_text(&at("secret"), 4).expect("four bytes"), "hush");
        assert!(read_text(&at("secret"), 3).is_err());
    }
}
